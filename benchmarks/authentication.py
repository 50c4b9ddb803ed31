"""What it costs to find out who calls: CPU of discovery with a token checked, against the same call left unchecked.

Discovery is the cheapest call, so that the difference shows; every token is used once, and which were used is kept as
in production, in an SQLite file. Run `python -m benchmarks.authentication [calls a turn [slack]]`; it exits with 1
when checking a token costs more than `slack` times `BAR_MS` (1 by default).
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from statistics import median

import jwt
import yaml
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from flask.testing import FlaskClient
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from pydantic import SecretStr

from service.app import application
from service.deployment import deploy
from service.settings import Settings

BAR_MS = 1.0
"""Most CPU that checking a token may add to a call, in ms, the database of used tokens with it."""

TURNS = 7
BASE = "https://cds.example.org"
KEYS: dict[str, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey] = {
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "RS384": rsa.generate_private_key(65537, 3072),
}


class _InMemory:
    """Forgets everything when the process ends: what the checks cost by themselves."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()

    def first_use(self, issuer: str, jti: str, expires: datetime) -> bool:
        before = len(self._seen)
        self._seen.add((issuer, jti))
        return len(self._seen) > before


def _registry(folder: Path) -> Path:
    clients = []
    for algorithm, key in KEYS.items():
        public = key.public_key()
        jwk = (
            ECAlgorithm.to_jwk(public) if isinstance(public, ec.EllipticCurvePublicKey) else RSAAlgorithm.to_jwk(public)
        )
        keys = {"keys": [{**json.loads(jwk), "kid": "one"}]}
        clients.append({"name": algorithm, "iss": f"https://{algorithm}", "jwks": keys, "algorithms": [algorithm]})
    file = folder / "clients.yaml"
    file.write_text(yaml.safe_dump({"clients": clients}), encoding="utf-8")
    return file


def _tokens(algorithm: str, number: int) -> list[str]:
    now = int(time.time())
    claims = {"iss": f"https://{algorithm}", "aud": f"{BASE}/cds-services", "iat": now, "exp": now + 3000}
    return [
        jwt.encode({**claims, "jti": str(uuid.uuid4())}, KEYS[algorithm], algorithm, headers={"kid": "one"})
        for _ in range(number)
    ]


def _cost(site: FlaskClient, headers: Sequence[dict[str, str]]) -> float:
    """CPU of one of these calls, in ms."""
    before = time.process_time()
    for sent in headers:
        status = site.get("/cds-services", headers=sent).status_code
        if status != 200:
            sys.exit(f"a call was answered {status}")
    return (time.process_time() - before) * 1000 / len(headers)


def _headers(tokens: Sequence[str]) -> list[dict[str, str]]:
    return [{"Authorization": f"Bearer {token}"} for token in tokens]


def main() -> int:
    """Call in turns and print what checking adds."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    bar = BAR_MS * (float(sys.argv[2]) if len(sys.argv) > 2 else 1.0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = SecretStr(f"sqlite:///{folder / 'tokens.sqlite3'}")
        made = deploy(Settings(auth="off", database_url=database))
        required = Settings(
            auth="required", public_base_url=BASE, clients_file=_registry(folder), database_url=database
        )
        guarded = deploy(required)
        open_site = application(made).test_client()
        sites = {
            "memory": application(guarded, replays=_InMemory()),
            "database": application(guarded),
        }
        passed = False
        print(
            f"{'algorithm':<10} {'used tokens in':<15} {'open ms':>8} {'checked ms':>11} {'added ms':>9} {'ratio':>6}"
        )
        for algorithm in KEYS:
            for kept, app in sites.items():
                site = app.test_client()
                _cost(site, _headers(_tokens(algorithm, 20)))
                turns = []
                for _ in range(TURNS):
                    headers = _headers(_tokens(algorithm, number))
                    turns.append((_cost(open_site, headers), _cost(site, headers)))
                bare, checked = (median(turn[place] for turn in turns) for place in (0, 1))
                added = median(turn[1] - turn[0] for turn in turns)
                passed |= algorithm == "ES384" and added > bar
                ratio = checked / bare
                print(f"{algorithm:<10} {kept:<15} {bare:>8.3f} {checked:>11.3f} {added:>9.3f} {ratio:>6.2f}")
        print(f"bar: {bar:g} ms added with ES384")
    return 1 if passed else 0


if __name__ == "__main__":
    raise SystemExit(main())

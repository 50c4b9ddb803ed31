"""An EHR that signs tokens with real keys, its registration, and a memory of used tokens on a real SQLite file."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import yaml
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from sqlalchemy import Engine, create_engine, insert
from sqlalchemy.exc import IntegrityError

from service.app import application
from service.clients import read_clients
from service.deployment import Deployment, deploy
from service.settings import Settings
from service.storage.tables import metadata, seen_tokens

BASE = "https://cds.example.org"
DISCOVERY = f"{BASE}/cds-services"
SERVICE = f"{DISCOVERY}/denosumab-rebound-patient-view"
ISSUER = "https://ehr.example.org"

Json = dict[str, Any]
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@cache
def private_key(kind: str, number: int = 0) -> PrivateKey:
    """A key of a kind (P-256, P-384, P-521, RSA, RSA-1024, Ed25519); another for each number."""
    match kind:
        case "P-256":
            return ec.generate_private_key(ec.SECP256R1())
        case "P-384":
            return ec.generate_private_key(ec.SECP384R1())
        case "P-521":
            return ec.generate_private_key(ec.SECP521R1())
        case "Ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case _:
            return rsa.generate_private_key(65537, 1024 if kind == "RSA-1024" else 2048)


def jwk(key: PrivateKey, kid: str, **members: Any) -> Json:
    """The public half of a key, as a JWK."""
    match key:
        case ec.EllipticCurvePrivateKey():
            made = ECAlgorithm.to_jwk(key.public_key())
        case rsa.RSAPrivateKey():
            made = RSAAlgorithm.to_jwk(key.public_key())
        case _:
            made = OKPAlgorithm.to_jwk(key.public_key())
    return {**json.loads(made), "kid": kid, "use": "sig", **members}


def pem(key: PrivateKey) -> bytes:
    """The public half of a key, as a file that anybody may read."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True)
class Ehr:
    """A client with a key of its own: what it signs, and how a site registers it."""

    kind: str = "P-384"
    algorithm: str = "ES384"
    iss: str = ISSUER
    name: str = "clinic"
    kid: str = "one"
    number: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> PrivateKey:
        return private_key(self.kind, self.number)

    @property
    def jwks(self) -> Json:
        return {"keys": [jwk(self.key, self.kid)]}

    @property
    def entry(self) -> Json:
        """Its entry in the registry."""
        keys = {} if "jku" in self.extra else {"jwks": self.jwks}
        return {"name": self.name, "iss": self.iss, "algorithms": [self.algorithm], **keys, **self.extra}

    def claims(self, aud: Any = SERVICE, **changed: Any) -> Json:
        """The claims of a fresh token; None takes one away."""
        now = int(time.time())
        whole = {"iss": self.iss, "aud": aud, "iat": now, "exp": now + 300, "jti": str(uuid.uuid4()), **changed}
        return {name: value for name, value in whole.items() if value is not None}

    def signed(self, claims: Json, **header: Any) -> str:
        """A token with these claims; None takes a member of the header away."""
        algorithm = header.pop("alg", self.algorithm)
        members = {"kid": self.kid, "typ": "JWT", **header}
        if members["typ"] is None:
            members["typ"] = ""  # for PyJWT, to leave it out
        if members["kid"] is None:
            del members["kid"]
        return jwt.encode(claims, self.key, algorithm=algorithm, headers=members)

    def token(self, aud: Any = SERVICE, **changed: Any) -> str:
        """A fresh token."""
        return self.signed(self.claims(aud, **changed))


def part(value: object) -> str:
    """A part of a token: bytes as they are, anything else as JSON."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed_over(header: object, payload: object) -> str:
    """A token with a true signature of an `Ehr()` over whatever it holds."""
    text = f"{part(header)}.{part(payload)}"
    algorithm = ECAlgorithm(ECAlgorithm.SHA384)
    return f"{text}.{part(algorithm.sign(text.encode(), Ehr().key))}"  # type: ignore[arg-type]


class SeenTokens:
    """The least memory of used tokens: one insert, which the key of the table refuses the second time."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        metadata.create_all(engine, [seen_tokens])

    def first_use(self, issuer: str, jti: str, expires: datetime) -> bool:
        assert expires > datetime.now(UTC)
        try:
            with self.engine.begin() as connection:
                connection.execute(insert(seen_tokens).values(issuer=issuer, jti=jti, expires=expires))
        except IntegrityError:
            return False
        return True


def seen_tokens_in(file: Path) -> SeenTokens:
    return SeenTokens(create_engine(f"sqlite:///{file}"))


@cache
def _deployment() -> Deployment:
    return deploy(Settings(auth="off"))


def site(folder: Path, *ehrs: Ehr, seen: SeenTokens | None = None, **options: Any) -> Flask:
    """A worker of a site at which these EHRs are registered."""
    file = folder / "clients.yaml"
    file.write_text(yaml.safe_dump({"clients": [ehr.entry for ehr in ehrs]}), encoding="utf-8")
    chosen: Json = {"auth": "required", "public_base_url": BASE, "clients_file": file} | options
    shared = _deployment()
    # Knowledge and engine are the same for every worker here; they take seconds to make.
    worker = replace(shared, settings=Settings(**chosen), clients=read_clients(file))
    return application(worker, replays=seen or seen_tokens_in(folder / "seen.sqlite3"))

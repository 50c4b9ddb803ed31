"""Start compose.yaml as docs/operations.md says, and use it: calls, a stopped database, backup, restore, a new start.

Everything happens in a copy below build/compose, with secrets, a certificate and a client of its own.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml

from tests.nodes import free_port
from tests.trust.issuing import Ehr

Json = dict[str, Any]

ROOT = Path(__file__).parents[1]
SITE = ROOT / "build" / "compose" / "site"
FIXTURE = ROOT / "fhir_fixtures/hooks/patient-view/five-fractures-ten-months-after-seven-doses.json"
AS_OF = "org.reboundwatch.as-of"
SERVICES = "/cds-services"
PATIENT_VIEW = f"{SERVICES}/denosumab-rebound-patient-view"
CONTAINERS = ("proxy", "service", "database")
PATIENCE = 180  # seconds

_DAY = re.compile(r"\b(?:19|20)\d\d-\d\d-\d\d\b")


class Failed(Exception):
    """It is not as it should be."""


def expect(holds: bool, what: str) -> None:
    """Say that it holds, or end."""
    if not holds:
        raise Failed(what)
    print(f"   {what}", flush=True)


class Site:
    """A copy of compose.yaml and what it names, with an EHR that may call."""

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(ROOT / "deploy" / "compose", folder / "deploy" / "compose", ignore=lambda *_: {"secrets"})
        shutil.copy(ROOT / "compose.yaml", folder)
        subprocess.run([folder / "deploy/compose/make_secrets.sh"], check=True, stdout=subprocess.DEVNULL)
        self.port = free_port()
        self.base = f"https://localhost:{self.port}"
        self.ehr = Ehr()
        registry = yaml.safe_dump({"clients": [self.ehr.entry]})
        (folder / "deploy/compose/clients.yaml").write_text(registry, encoding="utf-8")
        self._folder = folder
        self._environment = os.environ | {
            "COMPOSE_PROJECT_NAME": "reboundwatch-trial",
            "REBOUNDWATCH_HTTPS_PORT": str(self.port),
            "REBOUNDWATCH_PUBLIC_BASE_URL": self.base,
            "REBOUNDWATCH_MODE": "active",
        }
        self._tls = ssl.create_default_context(cafile=str(folder / "deploy/compose/secrets/tls_certificate"))

    def compose(self, *words: str, given: bytes | None = None) -> bytes:
        """What `docker compose` prints.

        Raises:
            Failed: it ended with an error.
        """
        command = ["docker", "compose", *words]
        run = subprocess.run(
            command, cwd=self._folder, env=self._environment, input=given, capture_output=True, check=False
        )
        if run.returncode:
            raise Failed(f"{' '.join(command)}: {run.stderr.decode()[-3000:]}")
        return run.stdout

    def up(self) -> None:
        """Start all of it; return when all that has a health check passes it."""
        self.compose("--progress", "quiet", "up", "--detach", "--wait", "--wait-timeout", str(PATIENCE))

    def call(self, path: str, body: object = None, *, signed: bool = True) -> tuple[int, Json]:
        """Status and JSON of one call through the proxy; {} when the answer is none."""
        headers = {"Content-Type": "application/json"}
        if signed:
            headers["Authorization"] = f"Bearer {self.ehr.token(aud=self.base + path)}"
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=30, context=self._tls)
        try:
            connection.request("GET" if body is None else "POST", path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            read = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(read) if answer.headers.get_content_type() == "application/json" else {}

    def inspect(self, name: str) -> Json:
        """What the engine says of a container."""
        found = self.compose("ps", "--quiet", name).decode().strip()
        said = subprocess.run(["docker", "inspect", found], env=self._environment, capture_output=True, check=True)
        one: Json = json.loads(said.stdout)[0]
        return one

    def rows(self, table: str) -> int:
        """How many rows a table has."""
        asked = ("psql", "-U", "reboundwatch", "-d", "reboundwatch", "-tAc", f"SELECT count(*) FROM {table}")
        return int(self.compose("exec", "-T", "database", *asked))

    def ready(self) -> Json:
        """What the service itself says of its readiness; the proxy does not pass it on."""
        code = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8080/health/ready').read().decode())"
        said: Json = json.loads(self.compose("exec", "-T", "service", "python3", "-c", code))
        return said


def request_of_today() -> Json:
    """The hook request of the fixture, all of its days moved so that the day of evaluation is today.

    A service that others reach takes no day of evaluation from a request.
    """
    request: Json = json.loads(FIXTURE.read_text(encoding="utf-8"))
    moved = datetime.now(UTC).date() - date.fromisoformat(request["extension"].pop(AS_OF))
    text = _DAY.sub(lambda found: (date.fromisoformat(found[0]) + moved).isoformat(), json.dumps(request))
    now: Json = json.loads(text)
    return now


def within(holds: Callable[[], bool]) -> bool:
    """Whether it comes true in time."""
    until = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.5)
    return True


def overridden(cards: list[Json]) -> Json:
    """Feedback: each of these cards was closed, and nobody said why, so that it is shown again."""
    now = datetime.now(UTC).isoformat()
    return {"feedback": [{"card": one["uuid"], "outcome": "overridden", "outcomeTimestamp": now} for one in cards]}


def confined(site: Site) -> None:
    """The containers run as compose.yaml says."""
    for name in CONTAINERS:
        host, config = (site.inspect(name)[part] for part in ("HostConfig", "Config"))
        expect(
            host["ReadonlyRootfs"]
            and host["CapDrop"] == ["ALL"]
            and not host["CapAdd"]
            and not host["Privileged"]
            and "no-new-privileges:true" in host["SecurityOpt"],
            f"{name}: read-only, without capabilities or new privileges",
        )
        user = site.compose("exec", "-T", name, "id", "-u").decode().strip()
        expect(user not in ("", "0"), f"{name}: runs as user {user} ({config['User']})")
        ports = {port for port, ends in site.inspect(name)["NetworkSettings"]["Ports"].items() if ends}
        expect(ports == ({"8443/tcp"} if name == "proxy" else set()), f"{name}: open to others: {sorted(ports)}")


def called(site: Site) -> None:
    """Discovery, a card and what is refused, over TLS."""
    services = site.call(SERVICES)[1]["services"]
    expect(len({one["hook"] for one in services}) == 8, "discovery names a service for each of eight hooks")
    expect(site.call(SERVICES, signed=False)[0] == 401, "without a token: 401")
    for path in ("/metrics", "/health/live", "/health/ready"):
        expect(site.call(path, signed=False)[0] == 404, f"{path} is not to be had from outside")
    first = carded(site)[0]
    expect(first["indicator"] == "critical", f"critical: {first['summary']}")


def carded(site: Site) -> list[Json]:
    """The cards of a hook call."""
    status, answer = site.call(PATIENT_VIEW, request_of_today() | {"hookInstance": str(uuid.uuid4())})
    if status != 200 or not answer["cards"]:
        raise Failed(f"a hook call was answered {status}: {answer}")
    cards: list[Json] = answer["cards"]
    return cards


def remembered(site: Site, before: int) -> int:
    """Call, report on all cards, and wait until the database has it; the number of reports it has then."""
    cards = carded(site)
    status, _ = site.call(f"{PATIENT_VIEW}/feedback", overridden(cards))
    expect(status == 200, f"feedback on {len(cards)} cards is taken")
    number = before + len(cards)
    expect(within(lambda: site.rows("feedback_events") == number), f"the database has {number} reports")
    return number


def without_database(site: Site, before: int) -> int:
    """Stop the database while calls come; nothing is lost when it is back."""
    site.compose("stop", "database")
    cards = carded(site)
    expect(bool(cards), "with the database stopped: the same call has its cards")
    expect(
        site.call(f"{PATIENT_VIEW}/feedback", overridden(cards))[0] == 200, "with the database stopped: feedback too"
    )
    expect(within(lambda: site.ready().get("storage") == "degraded"), "it says that its storage is degraded")
    site.compose("start", "database")
    number = before + len(cards)
    expect(within(lambda: _rows_if_there(site) == number), f"the database is back and has {number} reports: none lost")
    return number


def _rows_if_there(site: Site) -> int | None:
    try:
        return site.rows("feedback_events")
    except Failed:  # It is still starting.
        return None


def restored(site: Site, number: int) -> None:
    """Backup, everything gone, restore: as docs/operations.md says."""
    backup = site.compose("exec", "-T", "database", "pg_dump", "-U", "reboundwatch", "-Fc", "reboundwatch")
    site.compose("down", "--volumes")
    site.up()
    expect(site.rows("feedback_events") == 0, "all volumes deleted: the database is empty")
    site.compose("stop", "service")
    restore = ("pg_restore", "-U", "reboundwatch", "-d", "reboundwatch", "--clean", "--if-exists")
    site.compose("exec", "-T", "database", *restore, given=backup)
    site.up()
    expect(site.rows("feedback_events") == number, f"the backup is restored: {number} reports")


def main() -> int:
    """Run all of it; 1 when something is not as it should be, and the logs of the containers then."""
    site = Site(SITE)
    status = 1
    try:
        print("== compose.yaml is started", flush=True)
        site.up()
        confined(site)
        called(site)
        number = without_database(site, remembered(site, 0))
        site.compose("down")
        site.up()
        expect(site.rows("feedback_events") == number, f"down and up again: {number} reports")
        restored(site, number)
        remembered(site, number)
        status = 0
    except Failed as error:
        print(f"compose: {error}", file=sys.stderr)
        print(site.compose("logs", "--no-color", "--tail", "40").decode(), file=sys.stderr)
    finally:
        site.compose("down", "--volumes")
    return status


if __name__ == "__main__":
    raise SystemExit(main())

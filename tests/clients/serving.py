"""The service as it runs in production, and the clients by others that call it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from service.cds_hooks.card_messages import EXTENSION
from tests.nodes import PATIENCE, served
from tests.storybook.routes import settled

ROOT = Path(__file__).parents[2]
MEDPLUM = ROOT / "build" / "medplum"
HEALTHCHAIN = ROOT / "build" / "healthchain"

Json = dict[str, Any]


def lacking(client: Path) -> str | None:
    """Why a client cannot call, if it cannot."""
    if (client / ".built-from").is_file():
        return None
    return f"{client.relative_to(ROOT)} is not installed: run tools/clients.sh"


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of the CDS services of a gunicorn of ours while the block runs."""
    with served(folder) as service:
        yield f"http://127.0.0.1:{service.port}/cds-services"


def with_medplum(cds: str, requests: Sequence[Json], fhir: str | None = None) -> Json:
    """The services that Medplum's client discovers, and an answer to each request.

    With `fhir` it fills the prefetch from that server; the prefetch of the requests is not sent.
    """
    script = Path(__file__).parent / "medplum" / "call.mjs"
    asked = {"cds": cds, "fhir": fhir, "calls": _calls(requests)}
    found: Json = _output(["node", str(script), str(MEDPLUM)], asked)
    return found


def with_healthchain(cds: str, requests: Sequence[Json]) -> list[Json]:
    """What healthchain's client receives, an answer to each request."""
    script = Path(__file__).parent / "healthchain_call.py"
    asked = {"cds": cds, "calls": _calls(requests)}
    found: list[Json] = _output([str(HEALTHCHAIN / "bin" / "python"), str(script)], asked)
    return found


def directly(cds: str, request: Json) -> Json:
    """The answer without any client."""
    answer = httpx.post(f"{cds}/{service_of(request)}", json=request, timeout=PATIENCE, trust_env=False)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def what_is_said(answer: Json) -> Json:
    """The cards and what decided, without what is new in every answer."""
    return settled({"cards": answer["cards"], **answer["extension"][EXTENSION]})


def service_of(request: Mapping[str, Any]) -> str:
    """The id of the service of a hook."""
    return f"denosumab-rebound-{request['hook']}"


def _calls(requests: Sequence[Json]) -> list[Json]:
    return [{"service": service_of(request), "request": request} for request in requests]


def _output(command: list[str], asked: Json) -> Any:
    run = subprocess.run(
        command, input=json.dumps(asked), capture_output=True, encoding="utf-8", timeout=PATIENCE * 3, check=False
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout)

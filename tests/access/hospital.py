"""A deployment whose callers may have records fetched from FHIR servers on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any, Literal

from flask.testing import FlaskClient

from service.app import application
from service.clients import Anonymous, Capabilities, Clients, FhirAccess
from service.deployment import Deployment, deploy
from service.fhir.addresses import Resolve, resolve
from service.fhir.server import FhirServers
from service.settings import Settings
from tests.access.fhir_server import FhirServer, Json
from tests.unit.commands.records import hook_request, rebound

TOKEN = "a-token-that-nobody-may-see"
EVERYTHING = "launch patient/*.read"


@cache
def _deployed() -> Deployment:
    return deploy(Settings(auth="off", allow_as_of=True, time_budget_ms=20_000, max_body_bytes=2_000_000))


@contextmanager
def clinic(
    *servers: str,
    private_networks: tuple[str, ...] = (),
    resolve: Resolve = resolve,
    capabilities: Capabilities | None = None,
    version: Literal["R4", "R5"] = "R4",
    **settings: Any,
) -> Iterator[FlaskClient]:
    """A client of a deployment in which these FHIR servers are registered."""
    fhir = FhirServers(resolve)
    known = Anonymous(
        fhir=FhirAccess(servers=servers, private_networks=private_networks, version=version),
        capabilities=capabilities or Capabilities(),
    )
    deployed = replace(
        _deployed(),
        clients=Clients(anonymous=known),
        fhir=fhir,
        settings=_deployed().settings.model_copy(update=settings),
        _services={},
        _accesses={},
    )
    try:
        yield application(deployed).test_client()
    finally:
        fhir.close()


def authorization(scope: str = EVERYTHING, **members: Any) -> Json:
    """The right to read from a FHIR server."""
    return {
        "access_token": TOKEN,
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": scope,
        "subject": "reboundwatch",
        **members,
    }


def without_prefetch(server: FhirServer | str | None, **members: Any) -> Json:
    """A call about two doses and a fracture nine months later, all of it on the FHIR server alone."""
    base = server.base if isinstance(server, FhirServer) else server
    request = hook_request() | ({"fhirServer": base} if base is not None else {})
    return {**request, "prefetch": {}, **members}


def record() -> list[Json]:
    """What the FHIR server holds of her."""
    return rebound()

"""The programs of tests/servers/hapi, each started once a session and only if a test wants it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.servers.faulty_proxy import FaultyProxy, in_front_of
from tests.servers.fhir import FhirServer, hook_requests, prefetched, records
from tests.servers.java import LACKING, Validator, is_built, running


@pytest.fixture(scope="session")
def validator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Validator]:
    if not is_built():
        pytest.skip(LACKING)
    with running("Validator", tmp_path_factory.mktemp("validator") / "log", "-Xmx1g") as program:
        yield Validator(program)


@pytest.fixture(scope="session")
def fhir_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FhirServer]:
    """A server that holds every patient of the fixtures and of their hook requests."""
    if not is_built():
        pytest.skip(LACKING)
    log = tmp_path_factory.mktemp("fhir-server") / "log"
    with running("FhirServer", log, "-Xmx768m", "-XX:TieredStopAtLevel=1") as program:
        ready, port = program.line().split()
        assert ready == "READY"
        server = FhirServer.at(f"http://127.0.0.1:{port}/fhir")
        with server.http:
            requests = hook_requests().values()
            for request in requests:
                server.load(prefetched(request))
            for record in records(besides=frozenset(request["context"]["patientId"] for request in requests)):
                server.load(record)
            yield server


@pytest.fixture(scope="session")
def proxy(fhir_server: FhirServer) -> Iterator[FaultyProxy]:
    with in_front_of(fhir_server.base) as found:
        yield found


@pytest.fixture
def faulty(proxy: FaultyProxy) -> FaultyProxy:
    """A proxy before the server, without faults until the test says which."""
    proxy.faults.clear()
    proxy.asked.clear()
    proxy.token = None
    return proxy


@pytest.fixture(scope="session")
def registry(fhir_server: FhirServer, proxy: FaultyProxy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry of clients by which anybody may name the server, or the proxy before it."""
    path = tmp_path_factory.mktemp("registry") / "clients.yaml"
    access = {"servers": [fhir_server.base, proxy.base], "private_networks": ["127.0.0.0/8"]}
    path.write_text(yaml.safe_dump({"anonymous": {"fhir": access}}), encoding="utf-8")
    return path

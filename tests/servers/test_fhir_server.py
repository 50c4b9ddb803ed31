"""What a real FHIR server answers to the queries of discovery gives the same cards as the prefetch of the fixtures."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.app import create_app
from service.cds_hooks.card_messages import EXTENSION
from service.settings import Settings
from tests.servers.faulty_proxy import Fault, FaultyProxy
from tests.servers.fhir import FhirServer, hook_requests, prefetched
from tests.servers.java import Json
from tests.storybook.routes import settled

STORIES = sorted(hook_requests())

fetches = pytest.mark.skipif(
    importlib.util.find_spec("service.fhir.server") is None,
    reason="the service does not fetch from a FHIR server: there is no service/fhir/server.py",
)


def client(**options: Any) -> FlaskClient:
    return create_app(Settings(auth="off", allow_as_of=True, time_budget_ms=60_000, **options)).test_client()


@cache
def fetching(registry: Path) -> FlaskClient:
    """A deployment that may ask the servers in a registry; it keeps its connections, as long as the tests run."""
    return client(clients_file=registry)


def templates(of: FlaskClient, hook: str) -> Mapping[str, str]:
    services = of.get("/cds-services").get_json()["services"]
    [found] = [one["prefetch"] for one in services if one["hook"] == hook]
    asked: Mapping[str, str] = found
    return asked


def said(to: FlaskClient, request: Json) -> Json:
    """The cards and what decided, without what is new in every answer."""
    answer = to.post(f"/cds-services/denosumab-rebound-{request['hook']}", json=request)
    assert answer.status_code == 200, answer.text
    body: Json = answer.get_json()
    return settled({"cards": body["cards"], **body["extension"][EXTENSION]})


def empty_handed(request: Json, server: str) -> Json:
    """The same call by a client that prefetches nothing and says where the record is."""
    return {**request, "prefetch": {}, "fhirServer": server}


def authorised(request: Json, token: str) -> Json:
    """With the right to read there."""
    return {
        **request,
        "fhirAuthorization": {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "patient/*.rs",
            "subject": "reboundwatch",
            "patient": request["context"]["patientId"],
        },
    }


@pytest.mark.parametrize("story", STORIES)
def test_what_the_server_finds_gives_the_cards_of_the_fixture(fhir_server: FhirServer, story: str) -> None:
    request = hook_requests()[story]
    service = client()
    found = fhir_server.prefetch(templates(service, request["hook"]), request["context"]["patientId"])
    expected = said(service, request)
    assert said(service, {**request, "prefetch": found}) == expected
    assert expected["cards"]


@pytest.mark.parametrize("story", STORIES)
def test_the_queries_of_discovery_find_the_whole_record(fhir_server: FhirServer, story: str) -> None:
    request = hook_requests()[story]
    found = fhir_server.prefetch(templates(client(), request["hook"]), request["context"]["patientId"])
    theirs = {(one["resourceType"], one["id"]) for one in prefetched({"prefetch": found})}
    own = {(one["resourceType"], one["id"]) for one in prefetched(request)}
    assert theirs == own


def test_a_page_of_the_server_is_seen_to_be_a_first_page(fhir_server: FhirServer) -> None:
    request = hook_requests()["patient-view/five-fractures-ten-months-after-seven-doses"]
    patient, service = request["context"]["patientId"], client()
    found = fhir_server.prefetch(templates(service, "patient-view"), patient)
    page = fhir_server.found(f"MedicationAdministration?patient={patient}&_count=2")
    assert len(page["entry"]) == 2
    assert "next" in {link["relation"] for link in page["link"]}
    answer = said(service, {**request, "prefetch": {**found, "medicationAdministrations": page}})
    assert "first page only" in answer["cards"][0]["detail"]


@fetches
@pytest.mark.parametrize("story", STORIES)
def test_hook_calls_with_empty_prefetch_give_the_same_cards_as_with_full_prefetch(
    fhir_server: FhirServer, registry: Path, story: str
) -> None:
    request = hook_requests()[story]
    service = fetching(registry)
    assert said(service, empty_handed(request, fhir_server.base)) == said(service, request)


@fetches
def test_small_pages_are_read_to_their_end(faulty: FaultyProxy, registry: Path) -> None:
    faulty.faults[""] = Fault(count=2)
    request = hook_requests()["patient-view/five-fractures-ten-months-after-seven-doses"]
    service = fetching(registry)
    assert said(service, empty_handed(request, faulty.base)) == said(service, request)
    assert any("_getpages" in path for path in faulty.asked)


@fetches
def test_the_token_of_the_request_opens_the_server(faulty: FaultyProxy, registry: Path) -> None:
    faulty.token = "the-right-token"
    request = hook_requests()["patient-view/five-fractures-ten-months-after-seven-doses"]
    service = fetching(registry)
    right = authorised(empty_handed(request, faulty.base), "the-right-token")
    assert said(service, right) == said(service, request)


@fetches
@pytest.mark.parametrize(
    "fault",
    [Fault(status=401), Fault(status=404), Fault(status=500), Fault(broken=True)],
    ids=["401", "404", "500", "broken JSON"],
)
def test_a_server_that_does_not_give_the_diagnoses_never_means_that_there_are_none(
    faulty: FaultyProxy, registry: Path, fault: Fault
) -> None:
    faulty.faults["Condition"] = fault
    request = hook_requests()["patient-view/five-fractures-ten-months-after-seven-doses"]
    service = fetching(registry)
    answer = service.post("/cds-services/denosumab-rebound-patient-view", json=empty_handed(request, faulty.base))
    assert answer.status_code == 412, answer.text
    assert answer.get_json()["resourceType"] == "OperationOutcome"
    assert any(path.startswith("/fhir/Condition") for path in faulty.asked)


@fetches
def test_a_slow_server_holds_up_only_the_call_that_asks_it(faulty: FaultyProxy, registry: Path) -> None:
    faulty.faults[""] = Fault(delay=2)
    request = hook_requests()["patient-view/five-fractures-ten-months-after-seven-doses"]
    service = fetching(registry)
    with ThreadPoolExecutor(1) as elsewhere:
        slow = elsewhere.submit(said, service, empty_handed(request, faulty.base))
        until = time.monotonic() + 20
        while not faulty.asked and time.monotonic() < until:
            time.sleep(0.01)
        expected = said(service.application.test_client(), request)
        assert not slow.done()
        assert slow.result() == expected


@fetches
@pytest.mark.parametrize("fault", [Fault(status=500), Fault(broken=True)], ids=["500", "broken JSON"])
def test_what_the_server_does_not_give_besides_is_said_on_the_card(
    faulty: FaultyProxy, registry: Path, fault: Fault
) -> None:
    faulty.faults["AllergyIntolerance"] = fault
    request = hook_requests()["patient-view/five-fractures-ten-months-after-seven-doses"]
    answer = said(fetching(registry), empty_handed(request, faulty.base))
    assert "allergies" in answer["cards"][0]["detail"]

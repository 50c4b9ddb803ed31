"""The proxy is what it says: without a fault it is the server, with one it is that fault and no other."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.servers.faulty_proxy import Fault, FaultyProxy
from tests.servers.fhir import FhirServer, hook_requests, prefetched

REQUEST = hook_requests()["patient-view/five-fractures-ten-months-after-seven-doses"]
CONDITIONS = f"Condition?patient={REQUEST['context']['patientId']}"
HELD = sum(one["resourceType"] == "Condition" for one in prefetched(REQUEST))


def test_without_a_fault_it_answers_what_the_server_answers(fhir_server: FhirServer, faulty: FaultyProxy) -> None:
    through = FhirServer.at(faulty.base)
    with through.http:
        found = through.found(CONDITIONS)
        assert len(found["entry"]) == len(fhir_server.found(CONDITIONS)["entry"]) == HELD
        assert all(entry["fullUrl"].startswith(faulty.base) for entry in found["entry"])
    assert faulty.asked == [f"/fhir/{CONDITIONS}"]


def test_a_wrong_token_is_told_401(faulty: FaultyProxy) -> None:
    faulty.token = "right"
    for token, status in (("wrong", 401), ("right", 200)):
        through = FhirServer.at(faulty.base, Authorization=f"Bearer {token}")
        with through.http:
            assert through.get(CONDITIONS).status_code == status


@pytest.mark.parametrize("status", [404, 429, 500, 503])
def test_a_status_holds_for_its_kind_of_resource_only(faulty: FaultyProxy, status: int) -> None:
    faulty.faults["Condition"] = Fault(status=status, retry_after=1)
    through = FhirServer.at(faulty.base)
    with through.http:
        answer = through.get(CONDITIONS)
        assert (answer.status_code, answer.headers["Retry-After"]) == (status, "1")
        assert through.get(f"Patient/{REQUEST['context']['patientId']}").status_code == 200


def test_a_broken_answer_is_no_json(faulty: FaultyProxy) -> None:
    faulty.faults[""] = Fault(broken=True)
    through = FhirServer.at(faulty.base)
    with through.http:
        answer = through.get(CONDITIONS)
        assert answer.status_code == 200
        with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
            answer.json()


def test_a_slow_answer_outlasts_whoever_does_not_wait(faulty: FaultyProxy) -> None:
    faulty.faults[""] = Fault(delay=0.5)
    through = FhirServer.at(faulty.base)
    with through.http:
        before = time.monotonic()
        assert through.get(CONDITIONS).status_code == 200
        assert time.monotonic() - before >= 0.5
        with pytest.raises(httpx.ReadTimeout):
            through.http.get(f"{faulty.base}/{CONDITIONS}", timeout=0.1)


def test_small_pages_lead_on_through_the_proxy(faulty: FaultyProxy) -> None:
    faulty.faults["Condition"] = Fault(count=2)
    through = FhirServer.at(faulty.base)
    seen, query = 0, f"{CONDITIONS}&_count=1000"
    with through.http:
        page = through.found(query)
        while True:
            assert len(page["entry"]) <= 2
            seen += len(page["entry"])
            following = [link["url"] for link in page["link"] if link["relation"] == "next"]
            if not following:
                break
            assert following[0].startswith(faulty.base)
            page = through.found(following[0].removeprefix(faulty.base).removeprefix("/"))
    assert seen == HELD > 2

"""Drugs that records only refer to are fetched as well, from the same server and in one search."""

from __future__ import annotations

from typing import Any

import pytest

from service.cds_hooks.card_messages import EXTENSION
from service.cds_hooks.fetching import MEDICATIONS_AT_ONCE
from service.cds_hooks.references import drugs_elsewhere
from tests.access.fhir_server import FhirServer, Json, encoded, serving
from tests.access.hospital import authorization, clinic
from tests.contract.calls import answered, post
from tests.unit.commands.records import bundle, hook_request, injection

BASE = "https://fhir.example.org/r4"


def drug(name: str) -> Json:
    return {"resourceType": "Medication", "id": name, "code": {"text": "Prolia 60 mg"}}


def referring(dose: Json, to: str) -> Json:
    inline = {name: value for name, value in dose.items() if name != "medicationCodeableConcept"}
    return inline | {"medicationReference": {"reference": to}}


def request_about(fhir: FhirServer, *targets: str) -> Json:
    """A whole record in which the doses name their drug by reference."""
    request = hook_request() | {"fhirServer": fhir.base}
    entries = request["prefetch"]["medicationAdministrations"]["entry"]
    for entry, target in zip(entries, targets, strict=True):
        entry["resource"] = referring(entry["resource"], target.format(base=fhir.base))
    kinds = ("medicationDispenses", "medicationStatements", "medicationRequests", "procedures", "serviceRequests")
    others = ("observations", "diagnosticReports", "imagingStudies", "allergies", "encounters", "appointments")
    request["prefetch"] |= dict.fromkeys((*kinds, *others))
    return request


def decided(body: Json) -> Any:
    return body["extension"][EXTENSION]["fractureClass"]


@pytest.mark.parametrize("first", ["Medication/prolia", "{base}/Medication/prolia", "Medication/prolia/_history/2"])
def test_they_are_fetched_in_one_search(first: str) -> None:
    with serving([drug("prolia"), drug("prolia-2")]) as fhir, clinic(fhir.base) as service:
        body = answered(post(service, request_about(fhir, first, "Medication/prolia-2")))
    assert [one.path for one in fhir.asked] == ["/fhir/Medication?_id=prolia%2Cprolia-2&_count=2"]
    assert decided(body) == "RVFX_PROBABLE"
    assert "unusable" not in body["extension"][EXTENSION]


def test_they_are_found_page_by_page() -> None:
    with serving([drug("prolia"), drug("prolia-2")], page_size=1) as fhir, clinic(fhir.base) as service:
        body = answered(post(service, request_about(fhir, "Medication/prolia", "Medication/prolia-2")))
    assert len(fhir.asked) == 2
    assert decided(body) == "RVFX_PROBABLE"


def test_those_of_an_order_being_written_are_fetched_too() -> None:
    with serving([drug("prolia")]) as fhir, clinic(fhir.base) as service:
        request = request_about(fhir, "Medication/prolia", "Medication/prolia")
        request |= {"hook": "order-sign", "prefetch": {**request["prefetch"], "medicationAdministrations": None}}
        order: Json = {"resourceType": "MedicationRequest", "id": "d", "status": "draft", "intent": "order"}
        order |= {"subject": {"reference": "Patient/anna"}, "medicationReference": {"reference": "Medication/prolia"}}
        request["context"]["draftOrders"] = bundle(order)
        answered(post(service, request, "order-sign"))
    assert [one.kind for one in fhir.asked] == ["Medication"]


def test_what_cannot_be_had_is_said() -> None:
    scope = authorization("patient/Patient.rs patient/Condition.rs")
    with serving([drug("prolia")]) as fhir, clinic(fhir.base) as service:
        request = request_about(fhir, "Medication/prolia", "Medication/prolia")
        forbidden = answered(post(service, request | {"fhirAuthorization": scope}))
        assert fhir.asked == []
        fhir.faults = {"Medication": "500"}
        failed = answered(post(service, request))
    for body, why in ((forbidden, "it is not permitted by the scope of the token"), (failed, "the FHIR server failed")):
        assert f"drugs that records refer to (not sent, and {why}: " in body["cards"][0]["detail"]


def test_none_is_fetched_that_is_at_hand_contained_or_elsewhere() -> None:
    held = bundle(drug("held"), referring(injection("2025-01-01"), "Medication/held"))
    assert drugs_elsewhere([encoded(held)], BASE) == []
    for target in ("#inside", "https://other.example.org/r4/Medication/x", "Medication/a b", "Device/x", "urn:uuid:1"):
        assert drugs_elsewhere([encoded(bundle(drug("y"), referring(injection("2025-01-01"), target)))], BASE) == []
    assert drugs_elsewhere([b"Medication/ no JSON", b'{"entry":[{"resource":7},{}]}'], BASE) == []


def test_a_record_of_version_5_refers_in_its_own_way() -> None:
    dose = {"resourceType": "MedicationAdministration", "medication": {"reference": {"reference": "Medication/x"}}}
    assert drugs_elsewhere([encoded(bundle(dose))], BASE) == ["x"]


def test_there_is_a_bound() -> None:
    with serving() as fhir, clinic(fhir.base) as service:
        request = request_about(fhir, "Medication/prolia", "Medication/prolia")
        entries = request["prefetch"]["medicationAdministrations"]["entry"]
        for number in range(MEDICATIONS_AT_ONCE + 1):
            entries.append({"resource": referring(injection("2024-01-01", f"d{number}"), f"Medication/m{number}")})
        body = answered(post(service, request))
    [asked] = fhir.asked
    assert asked.path.count("%2C") == MEDICATIONS_AT_ONCE - 1
    assert "there is more than is read: a drug may be missing" in body["cards"][0]["detail"]

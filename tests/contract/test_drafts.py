"""Orders half written, as clients really send them: read as far as they go, and never passed over in silence."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.contract.calls import answered, client, post, refused
from tests.unit.commands.records import bundle, fracture, hook_request, patient, zoledronate_draft

Json = dict[str, Any]

TERIPARATIDE = {"coding": [{"system": "http://snomed.info/sct", "code": "425438001", "display": "Teriparatide"}]}


@pytest.fixture(scope="module")
def clinic() -> FlaskClient:
    return client()


def signing(*orders: Json, healthy: bool = False) -> Json:
    """A call before these orders are signed, for a woman with a rebound or one about whom there is nothing to say."""
    request = hook_request("order-sign", draftOrders=bundle(*orders))
    nothing = {"patient": patient(), "conditions": None, "medicationStatements": None}
    return request | ({"prefetch": nothing} if healthy else {})


def draft(kind: str = "MedicationRequest", **members: Any) -> Json:
    return {"resourceType": kind, "id": "draft", "status": "draft", "subject": {"reference": "Patient/anna"}, **members}


def rules(body: Json) -> list[str]:
    found: list[str] = body["extension"]["org.reboundwatch"]["rules"]
    return found


def test_a_draft_in_the_shape_of_the_reference_sandbox_is_judged_like_any_other(clinic: FlaskClient) -> None:
    whole = signing(draft(intent="order", medicationCodeableConcept=TERIPARATIDE))
    category = {"coding": [{"system": "http://example.org", "code": "outpatient"}]}
    loose = signing(draft(medicationCodeableConcept=TERIPARATIDE, category=category))
    del loose["context"]["draftOrders"]["type"]
    expected = answered(post(clinic, whole, "order-sign"))
    assert "RVFX-27" in rules(expected)
    found = answered(post(clinic, loose, "order-sign"))
    assert rules(found) == rules(expected)
    assert "unusable" not in found["extension"]["org.reboundwatch"]


def test_an_order_of_which_the_drug_is_not_chosen_yet_is_no_fault(clinic: FlaskClient) -> None:
    assert answered(post(clinic, signing(draft(), healthy=True), "order-sign"))["cards"] == []


def test_a_drug_that_only_its_author_can_look_up_is_read_by_its_name(clinic: FlaskClient) -> None:
    named = draft(medicationReference={"reference": "Medication/local-7", "display": "teriparatide"})
    assert "RVFX-27" in rules(answered(post(clinic, signing(named), "order-sign")))
    other = draft(medicationReference={"reference": "Medication/local-8", "display": "amlodipine 5 mg"})
    assert answered(post(clinic, signing(other, healthy=True), "order-sign"))["cards"] == []


UNREADABLE = [
    (draft("MedicationOrder"), "older FHIR version"),
    (draft(medicationCodeableConcept="zoledronic acid"), "Expected"),
    (draft(medicationReference={"reference": "Medication/local-9"}), "does not resolve"),
]


@pytest.mark.parametrize(("order", "why"), UNREADABLE)
def test_an_order_that_cannot_be_read_is_never_answered_with_silence(
    clinic: FlaskClient, order: Json, why: str
) -> None:
    issue = refused(post(clinic, signing(order, healthy=True), "order-sign"), 412)
    assert issue["expression"] == ["context.draftOrders"]
    assert why in issue["details"]["text"]


@pytest.mark.parametrize("order", [one for one, _ in UNREADABLE])
def test_beside_other_advice_it_is_named_on_the_card(clinic: FlaskClient, order: Json) -> None:
    body = answered(post(clinic, signing(order), "order-sign"))
    assert "Could not be used" in body["cards"][0]["detail"]
    [named] = body["extension"]["org.reboundwatch"]["unusable"]
    assert named["source"] == "context.draftOrders"


def test_on_the_card_the_order_is_named_before_whatever_else_could_not_be_read(clinic: FlaskClient) -> None:
    request = signing(draft(medicationReference={"reference": "Medication/local-9"}))
    request["prefetch"]["conditions"]["entry"] += [
        {"resource": fracture("2025-06-40", name=f"a-broken-one-{number}")} for number in range(9)
    ]
    detail = answered(post(clinic, request, "order-sign"))["cards"][0]["detail"]
    assert "such as MedicationRequest/draft, Condition/a-broken-one-0," in detail


def test_what_is_being_written_counts_in_place_of_the_copy_in_the_record(clinic: FlaskClient) -> None:
    stored = zoledronate_draft() | {"status": "active"}
    rewritten = draft(medicationCodeableConcept={"text": "amlodipine 5 mg"})
    another = rewritten | {"id": "another"}
    advice = []
    for order in (rewritten, another):
        selections = [f"MedicationRequest/{order['id']}"]
        request = hook_request("order-select", draftOrders=bundle(order), selections=selections)
        request["prefetch"]["medicationRequests"] = bundle(stored)
        advice.append(rules(answered(post(clinic, request, "order-select"))))
    assert "RVFX-26" in advice[0], "without the copy nothing follows denosumab"
    assert "RVFX-26" not in advice[1]

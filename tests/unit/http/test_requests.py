"""A hook request is checked member by member; what is wrong is named, its content never repeated."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from service.cds_hooks.problems import BadRequest
from service.cds_hooks.requests import read_request
from tests.unit.commands.records import bundle, hook_request, zoledronate_draft

ORDERS: dict[str, Any] = {"selections": ["MedicationRequest/draft"], "draftOrders": bundle(zoledronate_draft())}
ACCESS = {"access_token": "t", "token_type": "Bearer", "expires_in": 300, "scope": "s", "subject": "x"}


def read(request: Any) -> Any:
    return read_request(json.dumps(request).encode())


def refused(request: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        read(request)
    return caught.value


def test_a_request_names_its_hook_its_patient_and_its_day() -> None:
    found = read(hook_request())
    assert (found.hook.name, found.patient, found.as_of) == ("patient-view", "Patient/anna", date(2026, 3, 1))
    assert set(found.prefetch) == {"patient", "conditions", "medicationAdministrations"}


def test_an_order_hook_brings_its_drafts_and_what_was_selected() -> None:
    found = read(hook_request("order-select", **ORDERS))
    assert set(found.bundles) == {"draftOrders"}
    assert found.selections == {"MedicationRequest/draft"}


def test_members_that_nobody_asked_for_are_ignored() -> None:
    request = hook_request() | {"unknown": [1]}
    request["context"]["more"] = {}
    request["extension"]["com.example.other"] = {"x": None}
    assert read(request).as_of == date(2026, 3, 1)


def test_a_null_is_the_same_as_no_member() -> None:
    request = hook_request() | {"extension": None, "fhirServer": None}
    request["context"]["encounterId"] = None
    assert read(request).as_of is None


@pytest.mark.parametrize("member", ["hook", "hookInstance", "context"])
def test_what_every_request_must_have_is_named_when_it_is_missing(member: str) -> None:
    request = hook_request()
    del request[member]
    assert refused(request).elements == (member,)


@pytest.mark.parametrize(
    ("hook", "member"),
    [
        ("patient-view", "userId"),
        ("patient-view", "patientId"),
        ("order-select", "selections"),
        ("order-select", "draftOrders"),
        ("order-sign", "draftOrders"),
        ("encounter-start", "encounterId"),
        ("problem-list-item-create", "conditions"),
        ("appointment-book", "appointments"),
        ("medication-refill", "medications"),
    ],
)
def test_what_a_hook_must_bring_is_named_when_it_is_missing(hook: str, member: str) -> None:
    whole = {**ORDERS, "encounterId": "e", "conditions": bundle(), "appointments": bundle(), "medications": bundle()}
    request = hook_request(hook, **whole)
    assert read(request).hook.name == hook
    del request["context"][member]
    assert refused(request).elements == (f"context.{member}",)


def test_a_refill_may_come_without_a_user() -> None:
    request = hook_request("medication-refill", medications=bundle())
    del request["context"]["userId"]
    assert read(request).hook.name == "medication-refill"


@pytest.mark.parametrize(
    ("change", "element", "said"),
    [
        ({"hook": "order-dance"}, "hook", "must be one of patient-view"),
        ({"hook": 7}, "hook", "must be a string"),
        ({"hookInstance": "1"}, "hookInstance", "must be a UUID"),
        ({"hookInstance": "{4f2a7c1e-93a5-4d0e-8f1b-6f2f7c3f9a10}"}, "hookInstance", "must be a UUID"),
        ({"context": []}, "context", "must be a JSON object"),
        ({"prefetch": "x"}, "prefetch", "must be a JSON object"),
        ({"fhirServer": "example.org"}, "fhirServer", "must be an absolute http or https address"),
        ({"fhirAuthorization": ACCESS}, "fhirServer", "is missing, although fhirAuthorization is there"),
        ({"fhirServer": "https://f.org", "fhirAuthorization": "t"}, "fhirAuthorization", "must be a JSON object"),
        (
            {"fhirServer": "https://f.org", "fhirAuthorization": ACCESS | {"token_type": "Basic"}},
            "fhirAuthorization.token_type",
            "must be Bearer",
        ),
        (
            {"fhirServer": "https://f.org", "fhirAuthorization": ACCESS | {"expires_in": "soon"}},
            "fhirAuthorization.expires_in",
            "must be a whole number",
        ),
        ({"extension": {"org.reboundwatch.as-of": "2026-02-30"}}, "extension.org.reboundwatch.as-of", "must be a day"),
        ({"extension": {"org.reboundwatch.as-of": 20260301}}, "extension.org.reboundwatch.as-of", "must be a string"),
    ],
)
def test_a_member_that_is_not_what_it_must_be_is_named(change: dict[str, Any], element: str, said: str) -> None:
    found = refused(hook_request() | change)
    assert found.elements == (element,)
    assert found.reason.startswith(said)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("patientId", "Patient/anna"),
        ("patientId", "anna karenina"),
        ("patientId", "a" * 65),
        ("patientId", ""),
        ("patientId", "١٢"),
        ("patientId", 7),
        ("userId", "1"),
        ("userId", "Group/1"),
        ("selections", ["draft"]),
        ("selections", "MedicationRequest/draft"),
        ("draftOrders", {"resourceType": "MedicationRequest"}),
        ("draftOrders", []),
    ],
)
def test_a_member_of_the_context_of_the_wrong_shape_is_named(member: str, value: object) -> None:
    request = hook_request("order-select", **ORDERS)
    request["context"][member] = value
    assert refused(request).elements == (f"context.{member}",)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[]", "must be a JSON object"),
        (b'"x"', "must be a JSON object"),
        (b"[" * 100_000, "must be a JSON object"),
        (b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "is nested too deep"),
        (b'{"x": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}", "is nested too deep"),
    ],
    ids=["empty", "cut", "no text", "array", "string", "deep array", "deep member", "deep objects"],
)
def test_a_body_that_holds_no_request_is_said_so(body: bytes, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        read_request(body)


def test_what_was_sent_is_never_repeated() -> None:
    request = hook_request() | {"hook": "Anna Karenina", "fhirServer": "Anna Karenina"}
    assert "Karenina" not in str(refused(request))
    assert "Karenina" not in str(refused(hook_request() | {"extension": {"org.reboundwatch.as-of": "Karenina"}}))

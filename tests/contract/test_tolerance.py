"""EHRs write members in their own ways: what no answer rests on costs no card, what it rests on is no silence."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.contract.calls import EXAMPLE, Json, answered, client, post, refused, request_for
from tests.unit.commands.records import bundle, hook_request

PV: Json = json.loads(EXAMPLE.read_bytes())
KEYS = [key for key in PV["prefetch"] if key != "patient"]
SCOPE = {"access_token": "t", "token_type": "Bearer", "expires_in": 300, "scope": "patient/*.read", "subject": "x"}


@pytest.fixture(scope="module")
def clinic() -> FlaskClient:
    return client()


def sent(**changed: Any) -> Json:
    return copy.deepcopy(PV) | changed


def in_context(**changed: Any) -> Json:
    return sent(context=PV["context"] | changed)


def in_prefetch(**changed: Any) -> Json:
    return sent(prefetch=PV["prefetch"] | changed)


ENCOUNTERS: tuple[object, ...] = ("", "a_b", "x" * 65, 7)
EXTENSIONS: tuple[object, ...] = ([], [{"url": "x", "valueString": "y"}], "x")
FAILURES: tuple[object, ...] = ({}, "", [], {"error": "404"})
ODD: list[Json] = [
    *(in_context(encounterId=odd) for odd in ENCOUNTERS),
    in_context(selections=7),
    *(sent(extension=odd) for odd in EXTENSIONS),
    sent(fhirServer=""),
    sent(fhirServer="HTTPS://fhir.example.org/r4", fhirAuthorization=SCOPE),
    *(
        sent(fhirServer="https://fhir.example.org", fhirAuthorization=SCOPE | odd)
        for odd in ({"expires_in": 300.0}, {"expires_in": "300"}, {"token_type": "bearer"})
    ),
    *(in_prefetch(appointments=odd) for odd in FAILURES),
]


@pytest.mark.parametrize("request_", ODD, ids=repr)
def test_what_no_answer_rests_on_costs_no_card(clinic: FlaskClient, request_: Json) -> None:
    assert answered(post(clinic, request_))["cards"][0]["indicator"] == "critical"


@pytest.mark.parametrize("odd", FAILURES)
def test_what_is_no_fhir_is_what_a_failed_query_left(clinic: FlaskClient, odd: object) -> None:
    assert (
        "appointments"
        in answered(post(clinic, in_prefetch(appointments=odd)))["extension"]["org.reboundwatch"]["incomplete"]
    )
    assert refused(post(clinic, in_prefetch(conditions=odd)), 412)["expression"] == ["prefetch.conditions"]


@pytest.mark.parametrize("kind", ["application/json+fhir", "text/json", "application/fhir+json; charset=utf-8"])
def test_older_names_of_json_are_read(clinic: FlaskClient, kind: str) -> None:
    answered(post(clinic, PV, content_type=kind))


def test_a_mark_of_the_order_of_bytes_is_skipped(clinic: FlaskClient) -> None:
    answered(post(clinic, b"\xef\xbb\xbf" + json.dumps(PV).encode(), headers={"Content-Encoding": "Identity"}))


def naming(reference: str) -> Json:
    """The record with its patient named otherwise in every resource but his own."""
    known = json.dumps(f"Patient/{PV['context']['patientId']}")
    return json.loads(json.dumps(PV).replace(f'"reference": {known}', f'"reference": {json.dumps(reference)}'))  # type: ignore[no-any-return]


def every_entry(change: Callable[[Json], None]) -> Json:
    """The record with each entry of each Bundle changed."""
    request = sent()
    for key in KEYS:
        for entry in (request["prefetch"][key] or {}).get("entry", ()):
            change(entry)
    return request


def spoiled(entry: Json) -> None:
    entry["resource"] |= {"code": "x"} if entry["resource"]["resourceType"] == "Condition" else {"status": 7}


def forbidden(entry: Json) -> None:
    del entry["resource"]
    entry["response"] = {"status": "403 Forbidden"}


@pytest.mark.parametrize(
    "request_",
    [
        *(naming(word) for word in ("urn:uuid:x1", "five-fractures", "patient/five-fractures", "Patient?identifier=1")),
        every_entry(spoiled),
        every_entry(forbidden),
    ],
    ids=["a urn", "a bare id", "in small letters", "a search", "every resource malformed", "every entry refused"],
)
def test_where_nothing_that_was_sent_can_be_used_there_is_no_silence(clinic: FlaskClient, request_: Json) -> None:
    named = refused(post(clinic, request_), 412)["expression"]
    assert "prefetch.conditions" in named


def test_one_source_of_drugs_that_cannot_be_used_beside_one_that_can_is_no_refusal(clinic: FlaskClient) -> None:
    request = sent()
    for entry in request["prefetch"]["medicationAdministrations"]["entry"]:
        spoiled(entry)
    request["prefetch"]["medicationStatements"] = bundle(
        {
            "resourceType": "MedicationStatement",
            "id": "alendronate",
            "status": "completed",
            "medicationCodeableConcept": {"text": "alendronate"},
            "subject": {"reference": f"Patient/{PV['context']['patientId']}"},
        }
    )
    answered(post(clinic, request))


@pytest.mark.parametrize("cut", [{"resourceType": "Bundle", "type": "searchset", "total": 12}, None])
def test_a_bundle_with_fewer_entries_than_its_total_is_not_whole(clinic: FlaskClient, cut: Json | None) -> None:
    value = cut or PV["prefetch"]["conditions"] | {"total": 99}
    request = in_prefetch(conditions=value)
    if cut is not None:
        # Of no diagnosis that is there nothing can be said: no card, and no silence.
        request["prefetch"] |= {key: None for key in KEYS if key.startswith("medication")}
        assert refused(post(clinic, request), 412)["expression"] == ["prefetch.conditions"]
    else:
        assert "conditions" in answered(post(clinic, request))["extension"]["org.reboundwatch"]["incomplete"]


@pytest.mark.parametrize("named", ["MedicationRequest/none", "MedicationRequest/DRAFT"])
def test_selections_that_name_no_draft_are_said_and_all_drafts_judged(clinic: FlaskClient, named: str) -> None:
    request = request_for("order-select")
    known = [card["summary"] for card in answered(post(clinic, request, "order-select"))["cards"]]
    request["context"]["selections"] = [named]
    found = answered(post(clinic, request, "order-select"))
    assert [card["summary"] for card in found["cards"]] == known != []
    [odd] = [one for one in found["extension"]["org.reboundwatch"]["unusable"] if one.get("source")]
    assert odd == {"reason": "names no order that is being written: all are judged", "source": "context.selections"}


def test_the_hook_is_checked_before_its_context(clinic: FlaskClient) -> None:
    request = hook_request() | {"hook": "order-sign"}
    assert refused(post(clinic, request), 400)["expression"] == ["hook"]


def warned(code: str, severity: str = "warning") -> Json:
    """The record as an EHR sends it that adds a notice to every search, and another to those without a result."""
    request = sent()
    system = "urn:oid:1.2.840.114350.1.13.0.1.7.2.657369"
    issue = {"severity": severity, "code": "processing", "details": {"coding": [{"system": system, "code": code}]}}
    entry = {"search": {"mode": "outcome"}, "resource": {"resourceType": "OperationOutcome", "issue": [issue]}}
    for key in KEYS:
        found = request["prefetch"][key] or bundle()
        request["prefetch"][key] = found | {"entry": [*found.get("entry", ()), entry]}
    return request


def test_a_notice_that_nothing_was_found_is_no_warning_about_the_record(clinic: FlaskClient) -> None:
    assert "incomplete" not in answered(post(clinic, warned("4101")))["extension"]["org.reboundwatch"]


def test_a_notice_that_the_site_has_not_named_is_one(clinic: FlaskClient) -> None:
    assert "conditions" in answered(post(clinic, warned("4119")))["extension"]["org.reboundwatch"]["incomplete"]


def test_a_notice_that_the_site_has_named_is_none_and_an_error_stays_one(tmp_path: Path) -> None:
    registry = tmp_path / "clients.yaml"
    registry.write_text('anonymous: {capabilities: {tolerated_warnings: ["4119"]}}', encoding="utf-8")
    named = client(clients_file=registry)
    assert "incomplete" not in answered(post(named, warned("4119")))["extension"]["org.reboundwatch"]
    refused(post(named, warned("4119", "error")), 412)

"""Every answer to a prefetch query is told apart: whole, nothing, first page, failed, not sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rules.knowledge_base import load_knowledge
from service.cds_hooks.parts import MEDICATIONS, OPTIONAL, PARTS, templates
from service.cds_hooks.prefetch import Prefetched, read_prefetch
from service.cds_hooks.problems import BadRequest, RequiredDataMissing
from service.cds_hooks.requests import read_request
from tests.unit.commands.records import bundle, fracture, hook_request, injection, patient, resource

FAILED = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
NEXT = [{"relation": "self", "url": "x"}, {"relation": "next", "url": "y"}]


def came(**values: Any) -> Prefetched:
    """What came of the least that is required, with some values changed; "absent" takes a key away."""
    prefetch = {"patient": patient(), "conditions": bundle(), "medicationStatements": None} | values
    sent = {key: value for key, value in prefetch.items() if value != "absent"}
    return read_prefetch(read_request(json.dumps(hook_request() | {"prefetch": sent}).encode()))


def missing(**values: Any) -> RequiredDataMissing:
    with pytest.raises(RequiredDataMissing) as caught:
        came(**values)
    return caught.value


def refused(**values: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        came(**values)
    return caught.value


def visit(*patients: str) -> dict[str, Any]:
    with_them = [{"actor": {"reference": f"Patient/{one}"}} for one in patients]
    return {"resourceType": "Appointment", "participant": [{"actor": {"reference": "Practitioner/1"}}, *with_them]}


def everything(value: Any = None) -> dict[str, Any]:
    return {part.key: value for part in PARTS if part.key != "patient"}


def said(found: Prefetched) -> dict[str, str]:
    return {gap.part: gap.reason for gap in found.gaps}


def outcome(severity: str) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "processing"}]}


@pytest.mark.parametrize("nothing", [None, bundle(), {"resourceType": "Bundle"}])
def test_a_query_that_found_nothing_was_answered(nothing: Any) -> None:
    assert came(**everything(nothing)).gaps == ()


def test_one_source_of_medication_is_enough_and_the_others_are_gaps() -> None:
    found = came()
    assert said(found)["administrations"] == "not sent: a dose given may be missing"
    assert "medication statements" not in said(found)
    assert set(found.incomplete) == {part.key for part in (*MEDICATIONS, *OPTIONAL)} - {"medicationStatements"}


@pytest.mark.parametrize("value", ["absent", FAILED])
def test_what_is_optional_and_did_not_come_is_a_gap(value: Any) -> None:
    assert "laboratory values may be missing" in said(came(**everything() | {"observations": value}))["observations"]


@pytest.mark.parametrize("value", ["absent", FAILED, bundle(FAILED), bundle(fracture("2025-10-01"), FAILED)])
def test_without_the_diagnoses_nothing_is_concluded(value: Any) -> None:
    found = missing(conditions=value)
    assert found.elements == ("prefetch.conditions",)
    assert str(found).startswith("prefetch.conditions: is required (")


@pytest.mark.parametrize("value", ["absent", FAILED, None, bundle()])
def test_without_the_patient_nothing_is_concluded(value: Any) -> None:
    assert missing(patient=value).elements == ("prefetch.patient",)


@pytest.mark.parametrize("value", ["absent", FAILED])
def test_without_any_source_of_medication_nothing_is_concluded(value: Any) -> None:
    found = missing(medicationStatements=value)
    assert found.elements == tuple(f"prefetch.{part.key}" for part in MEDICATIONS)


def test_all_that_is_missing_is_named_at_once() -> None:
    found = missing(patient="absent", conditions="absent", medicationStatements="absent")
    assert len(found.elements) == 6


def test_of_a_failed_query_what_came_is_still_read() -> None:
    found = came(medicationAdministrations=bundle(injection("2025-01-10"), FAILED))
    assert "medicationAdministrations" in found.values
    assert said(found)["administrations"].startswith("could not be read")


def test_a_first_page_is_never_taken_for_the_whole() -> None:
    found = came(**everything() | {"procedures": bundle() | {"link": NEXT}})
    assert said(found) == {"procedures": "first page only: an injection or operation may be missing"}
    assert found.in_part == ()


def test_no_absence_may_be_concluded_from_a_first_page_of_what_is_required() -> None:
    page = bundle() | {"link": NEXT}
    assert came(**everything() | {"conditions": page}).in_part == ("prefetch.conditions",)
    assert came(medicationStatements=page).in_part == ("prefetch.medicationStatements",)
    assert came(medicationStatements=page, medicationRequests=bundle()).in_part == ()


def test_a_bundle_that_links_only_to_itself_is_whole() -> None:
    assert came(**everything(bundle() | {"link": NEXT[:1]})).gaps == ()


@pytest.mark.parametrize(
    ("severity", "reason"), [("information", None), ("warning", "sent with a warning of the server: ")]
)
def test_a_remark_of_the_server_beside_the_records_is_no_failure(severity: str, reason: str | None) -> None:
    found = came(**everything() | {"procedures": bundle(outcome(severity))})
    assert [gap.reason.startswith(reason or "-") for gap in found.gaps] == ([True] if reason else [])


def test_keys_that_nobody_asked_for_are_ignored() -> None:
    assert "patientToGreet" not in came(patientToGreet=patient("berta")).values


@pytest.mark.parametrize(
    ("key", "value", "element"),
    [
        ("patient", patient("berta"), "prefetch.patient.id"),
        ("patient", {"resourceType": "Patient"}, "prefetch.patient.id"),
        ("conditions", bundle(fracture("2025-10-01", owner="berta")), "prefetch.conditions.entry[0].resource.subject"),
        ("conditions", bundle(patient(), patient("berta")), "prefetch.conditions.entry[1].resource.id"),
        ("conditions", fracture("2025-10-01", owner="berta"), "prefetch.conditions.subject"),
        (
            "allergies",
            bundle({"resourceType": "AllergyIntolerance", "patient": {"reference": "https://f.org/Patient/berta"}}),
            "prefetch.allergies.entry[0].resource.patient",
        ),
        (
            "conditions",
            bundle(fracture("2025-10-01"), bundle(fracture("2025-10-01", owner="berta"))),
            "prefetch.conditions.entry[1].resource.entry[0].resource.subject",
        ),
        ("appointments", bundle(visit("berta")), "prefetch.appointments.entry[0].resource.participant"),
        (
            "appointments",
            bundle(visit("berta"), {"resourceType": "Condition", "id": 7}),
            "prefetch.appointments.entry[0].resource.participant",
        ),
    ],
)
def test_a_record_of_another_patient_is_refused(key: str, value: Any, element: str) -> None:
    found = refused(**{key: value})
    assert found.elements == (element,)
    assert "berta" not in str(found)


def test_a_visit_of_several_patients_belongs_to_each_of_them() -> None:
    assert "appointments" in came(appointments=bundle(visit("berta", "anna"), visit())).values


@pytest.mark.parametrize(
    ("inside", "reason"),
    [(bundle(FAILED), "could not be read"), (bundle() | {"link": NEXT}, "first page only")],
)
def test_a_bundle_within_a_bundle_is_judged_as_the_whole_is(inside: Any, reason: str) -> None:
    assert said(came(**everything() | {"procedures": bundle(inside)}))["procedures"].startswith(reason)


def test_a_request_of_several_that_failed_is_a_failure() -> None:
    answers = {"resourceType": "Bundle", "type": "batch-response", "entry": [{"response": {"status": "500"}}]}
    assert said(came(**everything() | {"procedures": answers}))["procedures"].startswith("could not be read")


@pytest.mark.parametrize("reference", ["https://f.org/fhir/Patient/anna", "Patient/anna/_history/2", "urn:uuid:1"])
def test_a_reference_to_the_patient_may_be_absolute_or_versioned(reference: str) -> None:
    assert came(conditions=bundle(fracture("2025-10-01") | {"subject": {"reference": reference}})).values


@pytest.mark.parametrize("value", ["text", 7, [], {}, {"entry": []}, {"resourceType": "Bundle", "entry": 3}])
def test_a_value_that_is_no_fhir_is_what_a_failed_query_left(value: Any) -> None:
    with pytest.raises(RequiredDataMissing) as missing:
        came(conditions=value)
    assert missing.value.elements == ("prefetch.conditions",)
    assert came(appointments=value).incomplete[-1] == "appointments"


def test_a_resource_of_another_kind_is_no_answer() -> None:
    assert refused(conditions=resource("Observation", "o")).elements == ("prefetch.conditions",)


def test_one_malformed_entry_does_not_hide_the_others() -> None:
    broken = bundle(fracture("2025-10-01", owner="berta"), {"resourceType": "Condition", "id": 7})
    assert refused(conditions=broken).elements == ("prefetch.conditions.entry[0].resource.subject",)
    assert came(conditions=bundle({"resourceType": "Condition", "id": 7})).values


def test_the_queries_are_one_read_and_searches_in_the_restricted_subset() -> None:
    asked = templates(load_knowledge().terminology)
    assert asked["patient"] == "Patient/{{context.patientId}}"
    assert list(asked) == [part.key for part in PARTS]
    for key, query in asked.items():
        if key != "patient":
            names = {parameter.partition("=")[0] for parameter in query.partition("?")[2].split("&")}
            assert names == ({"patient", "_count", "code"} if key == "observations" else {"patient", "_count"})
            assert query.count("{{") == query.count("{{context.patientId}}") == 1


def test_only_observations_are_narrowed_and_by_what_the_rules_know() -> None:
    query = templates(load_knowledge().terminology)["observations"]
    assert "17861-6" in query.partition("&code=")[2].split(",")  # calcium
    assert len(query) < 2000

"""A record says by its members that it is FHIR R5, and means the same as its R4 twin."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from rules.reasoning.timeline import MedicationEvent, Standing
from service.fhir.reader import Document
from tests.unit.fhir.records import AS_OF, PROLIA, READER, SUBJECT, bundle, fracture, injection, timeline

TWINS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        injection("2025-01-10"),
        {
            "resourceType": "MedicationAdministration",
            "id": "a-2025-01-10",
            "status": "completed",
            "medication": {"concept": PROLIA},
            "occurenceDateTime": "2025-01-10",
            **SUBJECT,
        },
    ),
    (
        {
            "resourceType": "MedicationRequest",
            "id": "q",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": PROLIA,
            "authoredOn": "2025-01-10",
            **SUBJECT,
        },
        {
            "resourceType": "MedicationRequest",
            "id": "q",
            "status": "active",
            "intent": "order",
            "medication": {"concept": PROLIA},
            "authoredOn": "2025-01-10",
            **SUBJECT,
        },
    ),
    (
        {
            "resourceType": "Procedure",
            "id": "x",
            "status": "completed",
            "code": {"text": "denosumab injection"},
            "performedDateTime": "2025-01-10",
            **SUBJECT,
        },
        {
            "resourceType": "Procedure",
            "id": "x",
            "status": "completed",
            "code": {"text": "denosumab injection"},
            "occurrenceDateTime": "2025-01-10",
            **SUBJECT,
        },
    ),
    (
        {
            "resourceType": "ServiceRequest",
            "id": "k",
            "status": "active",
            "intent": "order",
            "code": {"text": "kyphoplasty"},
            **SUBJECT,
        },
        {
            "resourceType": "ServiceRequest",
            "id": "k",
            "status": "active",
            "intent": "order",
            "code": {"concept": {"text": "kyphoplasty"}},
            **SUBJECT,
        },
    ),
    (
        {
            "resourceType": "Encounter",
            "id": "e",
            "status": "finished",
            "class": {"code": "IMP"},
            "period": {"start": "2026-01-01", "end": "2026-01-09"},
            **SUBJECT,
        },
        {
            "resourceType": "Encounter",
            "id": "e",
            "status": "completed",
            "class": [{"coding": [{"code": "IMP"}]}],
            "actualPeriod": {"start": "2026-01-01", "end": "2026-01-09"},
            **SUBJECT,
        },
    ),
    (
        {
            "resourceType": "ImagingStudy",
            "id": "s",
            "status": "available",
            "started": "2026-01-01",
            "procedureCode": [{"text": "MRI of lumbar spine"}],
            **SUBJECT,
        },
        {
            "resourceType": "ImagingStudy",
            "id": "s",
            "status": "available",
            "started": "2026-01-01",
            "procedure": [{"concept": {"text": "MRI of lumbar spine"}}],
            **SUBJECT,
        },
    ),
]


@pytest.mark.parametrize(("r4", "r5"), TWINS, ids=[twin[0]["resourceType"] for twin in TWINS])
def test_a_resource_means_the_same_in_both_versions(r4: dict[str, Any], r5: dict[str, Any]) -> None:
    assert timeline(r4).events
    assert timeline(r5).events == timeline(r4).events
    assert not timeline(r5).unusable


def statement(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationStatement",
        "id": "m",
        "status": "recorded",
        "medication": {"concept": PROLIA},
        "effectivePeriod": {"start": "2023-01-10"},
        **SUBJECT,
        **more,
    }


@pytest.mark.parametrize(
    ("adherence", "standing"),
    [
        ("taking", Standing.ACTIVE),
        ("stopped", Standing.STOPPED),
        ("stopped-as-directed", Standing.STOPPED),
        ("on-hold", Standing.ON_HOLD),
        ("not-taking", Standing.UNCERTAIN),
        ("unknown", Standing.UNCERTAIN),
    ],
)
def test_adherence_says_where_a_statement_stands(adherence: str, standing: Standing) -> None:
    [event] = timeline(statement(adherence={"code": {"coding": [{"code": adherence}]}})).events
    assert event.standing is standing


def test_a_drug_that_is_not_taken_for_a_reason_was_stopped() -> None:
    reason = {"text": "fear of the jaw"}
    adherence = {"code": {"coding": [{"code": "not-taking"}]}, "reason": reason}
    [event] = timeline(statement(adherence=adherence)).events
    assert (event.standing, event.when) == (Standing.NOT_TAKEN, None)


def test_a_statement_without_adherence_has_ended_when_its_period_has() -> None:
    [going_on] = timeline(statement()).events
    [ended] = timeline(statement(effectivePeriod={"start": "2023-01-10", "end": "2025-01-10"})).events
    assert (going_on.standing, ended.standing) == (Standing.ACTIVE, Standing.HAPPENED)
    assert timeline(statement(status="entered-in-error")).events == ()


def test_a_drug_by_reference_and_a_contained_one_are_found() -> None:
    drug = {"resourceType": "Medication", "id": "d", "code": PROLIA}
    by_reference = statement(medication={"reference": {"reference": "Medication/d"}})
    contained = statement(medication={"reference": {"reference": "#d"}}, contained=[drug])
    for record in ((by_reference, drug), (contained,)):
        [event] = timeline(*record).events
        assert isinstance(event, MedicationEvent)
        assert "denosumab-60mg" in event.concepts


def test_what_is_no_valid_r5_is_named_and_the_rest_is_read() -> None:
    broken = {**TWINS[0][1], "id": "broken", "occurenceDateTime": "10 January"}
    found = timeline(broken, TWINS[0][1], fracture())
    assert {one.reference for one in found.unusable} == {"MedicationAdministration/broken"}
    read = {one.reference for one in found.events if one.standing is not Standing.UNCERTAIN}
    assert read == {"MedicationAdministration/a-2025-01-10", "Condition/f"}


def test_of_a_drug_in_an_invalid_record_only_that_it_is_on_record_is_kept() -> None:
    broken = {**TWINS[0][1], "id": "broken", "occurenceDateTime": "10 January"}
    [event] = timeline(broken).events
    assert (event.standing, event.when, event.recorded) == (Standing.UNCERTAIN, None, None)


def test_a_version_can_be_told_from_outside() -> None:
    r5 = json.loads(bundle(statement()))
    document = Document("r.json", json.dumps(r5).encode())
    [as_r5] = READER.read([document], as_of=AS_OF, fhir_version="R5").timelines
    [as_r4] = READER.read([document], as_of=AS_OF, fhir_version="R4").timelines
    assert as_r5.events
    assert as_r4.events == ()
    assert date(2026, 3, 1) == as_r4.as_of

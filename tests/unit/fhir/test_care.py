"""Imaging, allergies, stays in hospital and visits are read, and say what they are."""

from __future__ import annotations

from typing import Any

import pytest

from rules.reasoning.facts.drugs import is_denosumab
from rules.reasoning.timeline import (
    AllergyEvent,
    AppointmentEvent,
    EncounterEvent,
    ImagingEvent,
    ObservationEvent,
    Standing,
)
from tests.unit.fhir.records import PROLIA, SUBJECT, timeline

MRI = {"coding": [{"system": "http://loinc.org", "code": "24968-0"}], "text": "MRI of thoracic spine"}


def report(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "DiagnosticReport",
        "id": "r",
        "status": "final",
        "code": {"text": "MRI of thoracic and lumbar spine"},
        "effectiveDateTime": "2026-02-12",
        **SUBJECT,
        **more,
    }


@pytest.mark.parametrize("status", ["final", "amended", "corrected", "appended", "preliminary"])
def test_a_report_of_the_spine_says_that_it_was_imaged(status: str) -> None:
    [event] = timeline(report(status=status)).events
    assert isinstance(event, ImagingEvent)
    assert "imaging-spine-mri" in event.concepts
    assert str(event.when) == "2026-02-12"


@pytest.mark.parametrize("status", ["registered", "partial", "cancelled", "entered-in-error", "unknown"])
def test_a_report_that_is_none_yet_does_not(status: str) -> None:
    assert timeline(report(status=status)).events == ()


def test_a_report_of_the_future_is_named() -> None:
    found = timeline(report(effectiveDateTime="2027-01-01"))
    assert found.events == ()
    assert [one.reference for one in found.unusable] == ["DiagnosticReport/r"]


def test_an_imaging_study_is_told_by_its_procedure_or_its_description() -> None:
    study = {"resourceType": "ImagingStudy", "id": "s", "status": "available", "started": "2026-02-12T09:00:00Z"}
    [by_words] = timeline({**study, "description": "MRI lumbar spine", **SUBJECT}).events
    [by_code] = timeline({**study, "procedureCode": [{"text": "MRI of lumbar spine"}], **SUBJECT}).events
    assert by_words.concepts == by_code.concepts == frozenset({"imaging-spine-mri"})
    assert timeline({**study, "status": "registered", "description": "MRI lumbar spine", **SUBJECT}).events == ()


def test_an_allergy_belongs_to_its_patient_and_names_its_drug() -> None:
    allergy = {"resourceType": "AllergyIntolerance", "id": "a", "code": PROLIA, "patient": {"reference": "Patient/p"}}
    [event] = timeline(allergy).events
    assert isinstance(event, AllergyEvent)
    assert is_denosumab(event.concepts)
    refuted = {"verificationStatus": {"coding": [{"code": "refuted"}]}}
    assert timeline({**allergy, **refuted}).events == ()


def visit(status: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Appointment",
        "id": "v",
        "status": status,
        "description": "Prolia injection",
        "start": "2026-06-01T10:00:00Z",
        "participant": [{"actor": {"reference": "Patient/p"}, "status": "accepted"}],
        **more,
    }


@pytest.mark.parametrize(
    ("status", "standing"),
    [("booked", Standing.ACTIVE), ("proposed", Standing.PLANNED), ("fulfilled", Standing.HAPPENED)],
)
def test_a_visit_for_denosumab_is_known_by_its_words(status: str, standing: Standing) -> None:
    [event] = timeline(visit(status)).events
    assert isinstance(event, AppointmentEvent)
    assert event.standing is standing
    assert is_denosumab(event.concepts)


@pytest.mark.parametrize("status", ["cancelled", "noshow", "entered-in-error"])
def test_a_visit_that_does_not_take_place_is_none(status: str) -> None:
    assert timeline(visit(status)).events == ()


def test_a_visit_of_another_patient_is_named_as_nobodys() -> None:
    other = {"participant": [{"actor": {"reference": "Patient/other"}, "status": "accepted"}]}
    found = timeline(visit("booked", **other))
    assert found.events == ()


def test_only_a_stay_in_hospital_is_an_admission() -> None:
    def stay(kind: str) -> dict[str, Any]:
        start = {"period": {"start": "2026-02-01"}}
        return {
            "resourceType": "Encounter",
            "id": "e",
            "status": "in-progress",
            "class": {"code": kind},
            **start,
            **SUBJECT,
        }

    [event] = timeline(stay("IMP")).events
    assert isinstance(event, EncounterEvent)
    assert event.inpatient
    assert event.ended is None
    assert timeline(stay("AMB")).events == ()


def test_each_component_of_an_observation_is_a_value_of_its_own() -> None:
    def component(code: str, value: float, unit: str) -> dict[str, Any]:
        coding = {"coding": [{"system": "http://loinc.org", "code": code}]}
        return {"code": coding, "valueQuantity": {"value": value, "unit": unit, "code": unit}}

    panel = {
        "resourceType": "Observation",
        "id": "panel",
        "status": "final",
        "code": {"text": "chemistry"},
        "effectiveDateTime": "2026-02-20",
        "component": [component("2000-8", 2.3, "mmol/L"), component("1751-7", 40, "g/L")],
        **SUBJECT,
    }
    events = [one for one in timeline(panel).events if isinstance(one, ObservationEvent)]
    assert {(next(iter(one.concepts)), one.value) for one in events} == {
        ("lab-calcium-total", 2.3),
        ("lab-albumin", 40),
    }


@pytest.mark.parametrize("words", ["Osteoporosis, on Prolia since 2021", "Prolia stopped", "denosumab 60 mg"])
def test_a_diagnosis_that_mentions_a_drug_is_no_dose(words: str) -> None:
    diagnosis = {"resourceType": "Condition", "id": "c", "code": {"text": words}, **SUBJECT}
    assert not [one for one in timeline(diagnosis).events if is_denosumab(one.concepts)]

"""Records of drugs that are neither plain doses nor plain orders: claims, repeats, unknown or unreadable ones."""

from __future__ import annotations

from typing import Any

import pytest

from rules.reasoning.dates import DateInterval
from rules.reasoning.facts.course import exposure
from rules.reasoning.facts.patient import drug_record_fact
from rules.reasoning.timeline import MedicationEvent, MedicationRecord, Standing
from tests.unit.fhir.records import AS_OF, PROLIA, SUBJECT, bundle, injection, read, timeline
from tests.unit.test_fracture_class import LIMITS

HCPCS = "https://bluebutton.cms.gov/resources/codesystem/hcpcs"


def order(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": "r",
        "status": "completed",
        "intent": "order",
        "medicationCodeableConcept": PROLIA,
        "authoredOn": "2025-01-10",
        **SUBJECT,
        **more,
    }


def settled(code: str = "J0897", units: float | None = 60, **more: Any) -> dict[str, Any]:
    """An ExplanationOfBenefit with one item."""
    item: dict[str, Any] = {
        "sequence": 1,
        "productOrService": {"coding": [{"system": HCPCS, "code": code}]},
        "servicedPeriod": {"start": "2025-01-10", "end": "2025-01-10"},
    }
    if units is not None:
        item["quantity"] = {"value": units}
    return {
        "resourceType": "ExplanationOfBenefit",
        "id": "e",
        "status": "active",
        "type": {"coding": [{"code": "professional"}]},
        "use": "claim",
        "patient": {"reference": "Patient/p"},
        "created": "2025-01-20",
        "insurer": {"display": "an insurance"},
        "provider": {"display": "a practice"},
        "outcome": "complete",
        "insurance": [{"focal": True, "coverage": {"display": "an insurance"}}],
        "item": [item],
        **more,
    }


def the_drug(*resources: dict[str, Any]) -> MedicationEvent:
    [event] = timeline(*resources).events
    assert isinstance(event, MedicationEvent)
    return event


@pytest.mark.parametrize(("code", "units"), [("J0897", 60), ("J0897", 120), ("Q5136", 60)])
def test_a_settled_claim_of_an_injection_is_a_dose_with_its_strength_in_units(code: str, units: float) -> None:
    event = the_drug(settled(code, units))
    assert (event.record, event.standing, event.dose_mg) == (MedicationRecord.CLAIM, Standing.HAPPENED, units)
    assert event.when == DateInterval.parse("2025-01-10")


def test_a_settled_claim_belongs_to_its_patient_and_is_valid_fhir() -> None:
    found = timeline(settled())
    assert found.unusable == ()
    [dose] = exposure(found, LIMITS).doses
    assert (dose.basis, dose.product, dose.evidence) == ("dispensed", "60mg", ("ExplanationOfBenefit/e",))


@pytest.mark.parametrize(
    "more", [{"status": "cancelled"}, {"status": "draft"}, {"use": "preauthorization"}, {"outcome": "error"}]
)
def test_an_inquiry_or_a_failed_claim_tells_nothing(more: dict[str, Any]) -> None:
    assert timeline(settled(**more)).events == ()


def test_a_claim_of_something_else_is_passed_over() -> None:
    assert timeline(settled("99213")).events == ()


def test_a_claim_is_dated_by_its_period_when_its_item_is_not() -> None:
    item = {**settled()["item"][0], "servicedPeriod": None}
    event = the_drug(settled(item=[item], billablePeriod={"start": "2025-01-09"}))
    assert event.when == DateInterval.parse("2025-01-09")


def test_an_undated_claim_is_named_and_denosumab_is_on_record() -> None:
    item = {**settled()["item"][0], "servicedPeriod": None}
    found = timeline(settled(item=[item]))
    assert [one.reason for one in found.unusable] == ["has no usable date"]
    assert (exposure(found, LIMITS).on_record, exposure(found, LIMITS).doses) == (True, ())


@pytest.mark.parametrize(
    ("more", "doses"),
    [
        ({}, 1),
        ({"dosageInstruction": [{"timing": {"repeat": {"period": 6, "periodUnit": "mo", "frequency": 1}}}]}, 0),
        ({"dosageInstruction": [{"timing": {"repeat": {"count": 1, "period": 6, "periodUnit": "mo"}}}]}, 1),
        ({"dosageInstruction": [{"text": "60 mg subcutaneously every 6 months"}]}, 1),
        ({"dispenseRequest": {"numberOfRepeatsAllowed": 1}}, 0),
        (
            {
                "dosageInstruction": [{"timing": {"repeat": {"period": 6, "periodUnit": "mo"}}}],
                "dispenseRequest": {"numberOfRepeatsAllowed": 0},
            },
            1,
        ),
    ],
)
def test_a_completed_order_is_a_dose_when_it_was_for_one(more: dict[str, Any], doses: int) -> None:
    found = exposure(timeline(order(**more)), LIMITS)
    assert (found.on_record, len(found.doses)) == (True, doses)


def test_only_r5_says_when_an_order_was_stopped() -> None:
    stopped = order(status="stopped", authoredOn="2023-01-10", statusChanged="2025-06-01")
    stopped["medication"] = {"concept": stopped.pop("medicationCodeableConcept")}
    stop = exposure(timeline(injection("2024-07-10"), injection("2025-01-10"), stopped), LIMITS).stop
    assert stop is not None
    assert stop.when == DateInterval.parse("2025-06-01")


@pytest.mark.parametrize("day", [{"effectiveDateTime": "2025-13-01"}, {"_effectiveDateTime": {"extension": []}}])
def test_an_administration_without_a_day_leaves_denosumab_on_record(day: dict[str, Any]) -> None:
    record = injection("2025-01-10")
    del record["effectiveDateTime"]
    found = timeline({**record, **day})
    assert [one.reference for one in found.unusable][-1] == "MedicationAdministration/a-2025-01-10"
    assert (exposure(found, LIMITS).on_record, exposure(found, LIMITS).doses) == (True, ())


def test_a_procedure_of_unknown_status_counts_only_as_an_injection_on_record() -> None:
    procedure = {"resourceType": "Procedure", "id": "i", "status": "unknown", "performedDateTime": "2025-01-10"}
    injected = timeline({**procedure, **SUBJECT, "code": {"coding": [{"system": HCPCS, "code": "J0897"}]}})
    assert (exposure(injected, LIMITS).on_record, exposure(injected, LIMITS).doses) == (True, ())
    assert timeline({**procedure, **SUBJECT, "code": {"text": "Vertebroplasty of L1"}}).events == ()


def test_a_record_of_a_drug_that_cannot_be_read_may_be_of_any_drug() -> None:
    [broken] = read(bundle({"resourceType": "MedicationStatement", "id": "b", "status": 5})).timelines
    nameless = injection("2025-01-10", medicationReference={"reference": "Medication/gone"})
    del nameless["medicationCodeableConcept"]
    assert drug_record_fact(timeline(injection("2025-01-10"))).whole
    assert not drug_record_fact(broken).whole
    assert not drug_record_fact(timeline(nameless)).whole
    assert broken.as_of == AS_OF

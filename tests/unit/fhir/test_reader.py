"""A FHIR R4 record becomes a timeline; what never counts is left out, and what cannot be read is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rules.reasoning.dates import DateInterval
from rules.reasoning.facts.course import exposure
from rules.reasoning.facts.fracture_events import fracture_events
from rules.reasoning.timeline import ConditionEvent, MedicationEvent, ObservationEvent, Standing
from service.fhir.bundles import TYPES
from service.fhir.reader import Document, UnreadableDocument
from tests.unit.fhir.records import AS_OF, PATIENT, PROLIA, READER, SUBJECT, bundle, fracture, injection, read, timeline
from tests.unit.test_fracture_class import LIMITS, class_of


def test_a_stopped_statement_and_a_fracture_alone_are_a_probable_rebound_fracture() -> None:
    statement = {
        "resourceType": "MedicationStatement",
        "id": "s",
        "status": "stopped",
        "medicationCodeableConcept": PROLIA,
        "effectivePeriod": {"start": "2021-01-10", "end": "2025-03-10"},
        **SUBJECT,
    }
    found = timeline(statement, fracture("2025-12-10"))
    [event] = fracture_events(found, LIMITS)
    assert event.levels == {"T12"}
    medications = [one for one in found.events if isinstance(one, MedicationEvent)]
    assert class_of(event, *medications) == "RVFX_PROBABLE"


@pytest.mark.parametrize("status", ["not-done", "entered-in-error", "in-progress", "on-hold", "stopped"])
def test_an_administration_counts_only_when_it_was_completed(status: str) -> None:
    found = timeline(injection("2025-01-10", status=status))
    assert found.events == ()
    assert found.unusable == ()


@pytest.mark.parametrize("status", ["banana", None])
def test_an_injection_of_a_status_that_fhir_does_not_know_is_named_and_only_on_record(status: str | None) -> None:
    found = timeline(injection("2025-01-10", status=status))
    assert (found.unusable[0].reference, found.unusable[0].element) == (
        "MedicationAdministration/a-2025-01-10",
        "status",
    )
    [event] = found.events
    assert (event.standing, "denosumab-60mg" in event.concepts) == (Standing.UNCERTAIN, True)


def test_a_drug_is_found_contained_by_reference_and_by_its_words() -> None:
    medication = {"resourceType": "Medication", "id": "m", "code": PROLIA}
    ways: list[dict[str, Any]] = [
        {"medicationReference": {"reference": "Medication/m"}},
        {"medicationReference": {"reference": "urn:x:1"}},
        {"medicationReference": {"reference": "#c"}, "contained": [{**medication, "id": "c"}]},
        {"medicationCodeableConcept": {"text": "Prolia 60 mg/mL syringe"}},
        {"medicationReference": {"reference": "Medication/gone", "display": "Prolia"}},
    ]
    for way in ways:
        record = {key: value for key, value in injection("2025-01-10").items() if not key.startswith("medication")}
        [event] = timeline(medication, {**record, **way}).events
        assert "denosumab-60mg" in event.concepts, way


def test_a_reference_that_leads_nowhere_is_named() -> None:
    record = injection("2025-01-10", medicationReference={"reference": "Medication/gone"})
    del record["medicationCodeableConcept"]
    found = timeline(record)
    assert found.events == ()
    assert found.unusable[0].reason == "the reference does not resolve"


@pytest.mark.parametrize("status", ["refuted", "entered-in-error"])
def test_a_refuted_diagnosis_never_counts(status: str) -> None:
    assert timeline(fracture(verificationStatus={"coding": [{"code": status}]})).events == ()


@pytest.mark.parametrize(
    ("status", "confirmed"), [("confirmed", True), ("provisional", False), ("differential", False)]
)
def test_a_diagnosis_is_confirmed_or_not(status: str, confirmed: bool) -> None:
    [event] = timeline(fracture(verificationStatus={"coding": [{"code": status}]})).events
    assert isinstance(event, ConditionEvent)
    assert event.confirmed is confirmed


def test_the_start_of_the_encounter_is_known_to_its_diagnosis() -> None:
    encounter = {
        "resourceType": "Encounter",
        "id": "e",
        "status": "finished",
        "period": {"start": "2025-12-01"},
        **SUBJECT,
    }
    found = timeline(encounter, fracture(None, encounter={"reference": "Encounter/e"}))
    [event] = [one for one in found.events if isinstance(one, ConditionEvent)]
    assert event.encounter_start == DateInterval.parse("2025-12-01")


def test_an_order_not_to_give_the_drug_is_a_stop_and_never_a_dose() -> None:
    order = {
        "resourceType": "MedicationRequest",
        "id": "r",
        "status": "completed",
        "intent": "order",
        "doNotPerform": True,
        "authoredOn": "2025-06-01",
        "medicationCodeableConcept": PROLIA,
        **SUBJECT,
    }
    found = timeline(injection("2025-01-10"), order)
    assert {one.standing for one in found.events} == {Standing.HAPPENED, Standing.STOPPED}
    assert len(exposure(found, LIMITS).doses) == 1
    assert exposure(found, LIMITS).stop is not None


def calcium(**quantity: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "17861-6"}]},
        "effectiveDateTime": "2026-02-01",
        "valueQuantity": quantity,
        **SUBJECT,
    }


def test_a_laboratory_value_comes_in_its_canonical_unit() -> None:
    [event] = timeline(calcium(value=9.4, unit="mg/dL")).events
    assert isinstance(event, ObservationEvent)
    assert event.unit == "mmol/L"
    assert event.value == pytest.approx(2.345, abs=0.005)


@pytest.mark.parametrize(
    ("comparator", "low", "high"), [("<", True, False), ("<=", False, False), (">=", False, False), (">", False, True)]
)
def test_a_value_below_or_above_a_number_is_not_that_number(comparator: str, low: bool, high: bool) -> None:
    bounds = {"low": {"value": 8.5, "unit": "mg/dL"}, "high": {"value": 8.5, "unit": "mg/dL"}}
    [event] = timeline(calcium(value=8.5, unit="mg/dL", comparator=comparator) | {"referenceRange": [bounds]}).events
    assert isinstance(event, ObservationEvent)
    assert event.value is not None
    assert event.low is not None
    assert event.high is not None
    assert (event.value < event.low, event.value > event.high) == (low, high)
    assert f"{event.value:.4f}" == "2.1209"


def test_a_reference_range_may_begin_at_nought() -> None:
    bounds = {"low": {"value": 0, "unit": "mmol/L"}, "high": {"value": 2.6, "unit": "furlongs"}}
    found = timeline(calcium(value=2.3, unit="mmol/L") | {"referenceRange": [bounds]})
    [event] = found.events
    assert isinstance(event, ObservationEvent)
    assert (event.low, event.high) == (0.0, None)
    assert [one.element for one in found.unusable] == ["Observation.referenceRange"]


@pytest.mark.parametrize("quantity", [{"value": 9.4}, {"value": 9.4, "unit": "furlongs"}, {"unit": "mg/dL"}])
def test_a_value_without_a_usable_unit_is_named_and_not_guessed(quantity: dict[str, Any]) -> None:
    found = timeline(calcium(**quantity))
    assert found.events == ()
    assert found.unusable[0].reference == "Observation/o"


def test_one_malformed_resource_does_not_silence_the_rest() -> None:
    found = read(bundle(injection("2025-01-10"), {"resourceType": "Condition", "id": "bad", "code": "T12"}))
    [named] = found.unusable
    assert named.reference == "Condition/bad"
    assert "$.code" in named.reason
    assert len(found.timelines[0].events) == 1


def test_each_patient_of_a_bundle_has_a_timeline_and_a_stranger_is_named() -> None:
    other = {"resourceType": "Patient", "id": "q"}
    stranger = injection("2025-02-10", subject={"reference": "Patient/z"})
    theirs = injection("2025-03-10", subject={"reference": "https://ehr.example/fhir/Patient/q/_history/2"})
    found = read(bundle(other, injection("2025-01-10"), stranger, theirs))
    assert [(one.patient.reference, len(one.events)) for one in found.timelines] == [("Patient/p", 1), ("Patient/q", 1)]
    assert found.unusable[0].reason == "belongs to no patient of this record"


def test_lines_of_a_bulk_export_are_one_record_and_a_broken_line_is_named() -> None:
    lines = b"\n".join([json.dumps(PATIENT).encode(), b"{broken", json.dumps(injection("2025-01-10")).encode()])
    found = read(lines, name="export.ndjson")
    assert len(found.timelines[0].events) == 1
    assert found.unusable[0].element == "line 2"


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b'"x"', b"\xff\xfe", b'{"a": 1}', b"[" * 100_000, b'{"entry": 7}'])
def test_what_is_no_fhir_is_refused_with_the_name_of_the_file(data: bytes) -> None:
    with pytest.raises(UnreadableDocument, match=r"record\.json"):
        read(data)


def test_a_document_nested_a_hundred_thousand_deep_is_refused_by_name() -> None:
    deep = b'{"resourceType": "Condition", "id": "deep", "code": ' + b'{"text":' * 100_000 + b'"x"' + b"}" * 100_001
    good = bundle(injection("2025-01-10"))
    spoiled = good.replace(b'"entry": [', b'"entry": [{"resource": ' + deep + b"},", 1)
    with pytest.raises(UnreadableDocument, match=r"record\.json: is nested too deep"):
        read(spoiled)


def test_words_of_a_record_lose_their_control_characters() -> None:
    [event] = timeline(fracture(code={"text": "vertebral fracture\u001b[31m of T12"})).events
    assert "\u001b" not in event.text


def test_a_record_of_an_older_fhir_version_is_named() -> None:
    found = read(bundle({"resourceType": "MedicationOrder", "id": "old"}))
    assert found.unusable[0].reason == "is of an older FHIR version than R4: ask for R4 or R5"


def order(reference: str, status: str | None, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": reference,
        **({"status": status} if status else {}),
        "medicationCodeableConcept": {"text": "zoledronic acid 5 mg"},
        **SUBJECT,
        **more,
    }


def test_orders_of_the_context_are_drafts_and_win_over_the_copy_of_the_record() -> None:
    drafts = json.dumps({"resourceType": "Bundle", "entry": [{"resource": order("z", None)}]}).encode()
    found = READER.read(
        [
            Document("record.json", bundle(order("z", "active", intent="order", authoredOn="2026-02-01"))),
            Document("context.draftOrders", drafts, draft=True),
        ],
        as_of=AS_OF,
    )
    [event] = found.timelines[0].events
    assert event.standing is Standing.DRAFT
    assert isinstance(event, MedicationEvent)
    assert event.selected
    assert event.from_context


def test_only_the_selected_drafts_are_what_the_call_is_about() -> None:
    both = {"resourceType": "Bundle", "entry": [{"resource": order("a", "draft")}, {"resource": order("b", "draft")}]}
    found = READER.read(
        [
            Document("record.json", bundle()),
            Document("draftOrders", json.dumps(both).encode(), True, frozenset({"MedicationRequest/a"})),
        ],
        as_of=AS_OF,
    )
    events = [event for event in found.timelines[0].events if isinstance(event, MedicationEvent)]
    assert {event.reference: event.selected for event in events} == {
        "MedicationRequest/a": True,
        "MedicationRequest/b": False,
    }


def test_a_draft_of_the_record_itself_never_counts() -> None:
    assert timeline(order("z", "draft", intent="order")).events == ()


@pytest.mark.parametrize("depth", [1, 2])
def test_a_problem_just_added_counts_in_place_of_the_copy_on_the_server(depth: int) -> None:
    sent = fracture("2026-02-01")
    for _ in range(depth):
        sent = {"resourceType": "Bundle", "entry": [{"resource": sent}]}
    added = json.dumps(sent).encode()
    record = Document("prefetch.conditions", bundle(fracture("2020-01-01")))
    found = READER.read([record, Document("context.conditions", added, newer=True)], as_of=AS_OF)
    [event] = found.timelines[0].events
    assert event.when == DateInterval.parse("2026-02-01")


def test_the_page_on_records_names_every_resource_that_is_read() -> None:
    rows = [line for line in Path("docs/records.md").read_text().splitlines() if line.startswith("| ")][1:]
    named = {kind for row in rows for kind in row.split("|")[1].replace(" ", "").split(",")}
    assert named == set(TYPES)

"""From what nobody could read nothing is concluded: it is a gap of the record, never as if it were not there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rules.knowledge_base import load_knowledge
from rules.reasoning.facts.patient import drug_record_fact
from rules.reasoning.timeline import Gap, PatientTimeline
from service.assessing import Assessor
from service.fhir.reader import Document
from service.submission import DEFAULT_HOOK, Submission
from tests.unit.fhir.records import AS_OF, PATIENT, SUBJECT, bundle, fracture, injection, read, timeline

NEXT = [{"relation": "next", "url": "https://ehr.example/page2"}]
FAILED = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
ASSESSOR = Assessor(load_knowledge())


def sent(*entries: Any, **members: Any) -> PatientTimeline:
    """The timeline of a Bundle with a fracture and these entries."""
    known = [{"resource": one} for one in (PATIENT, fracture())]
    content = {"resourceType": "Bundle", "type": "collection", "entry": [*known, *entries], **members}
    [found] = read(json.dumps(content).encode()).timelines
    return found


def within(*resources: Any, **members: Any) -> dict[str, Any]:
    """An entry with a Bundle in it."""
    entries = [{"resource": one} for one in resources]
    return {"resource": {"resourceType": "Bundle", "type": "searchset", "entry": entries, **members}}


UNREADABLE = {
    "a drug that is malformed": {"resource": injection("2025-01-10") | {"status": 7}},
    "an entry that is none": None,
    "a resource that is none": {"resource": 7},
    "a resource that is not there": {"fullUrl": "urn:x:7", "resource": None},
    "a resource without a type": {"resource": {"id": "x", "status": "completed"}},
    "a type that is no word": {"resource": {"resourceType": 7}},
    "a drug of an older version": {"resource": {"resourceType": "MedicationOrder", "id": "x"}},
    "a statement of an older version": {"resource": {"resourceType": "MedicationStatement", "id": "x", "taken": "y"}},
    "an injection that is malformed": {"resource": {"resourceType": "Procedure", "id": "x", "status": []}},
    "a claim that is malformed": {"resource": {"resourceType": "Claim", "id": "x", "item": "all"}},
    "a query that failed": {"resource": FAILED},
    "a request of several that failed": {"response": {"status": "504 Gateway Timeout"}},
    "a Bundle within with a malformed drug": within(injection("2025-01-10") | {"status": 7}),
    "a Bundle within with a failed query": within(FAILED),
    "a Bundle within with a further page": within(link=NEXT),
    "a Bundle within that is none": {"resource": {"resourceType": "Bundle", "entry": 7}},
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_may_have_been_a_drug_is_a_gap_in_the_record_of_drugs(what: str) -> None:
    found = sent(UNREADABLE[what])
    [gap] = found.gaps
    assert (gap.part, gap.drugs) == ("record.json", True)
    assert not drug_record_fact(found).whole
    assert [event.reference for event in found.events] == ["Condition/f"]


def test_an_entry_that_asks_or_answers_needs_no_resource() -> None:
    asks = {"request": {"method": "DELETE", "url": "Condition/1"}}
    assert sent(asks, {"response": {"status": "204 No Content"}}).gaps == ()


def test_a_diagnosis_that_nobody_could_read_is_a_gap_but_none_in_the_record_of_drugs() -> None:
    found = sent({"resource": fracture() | {"id": "g", "code": "T12"}})
    assert found.gaps == (Gap("record.json", "holds records that could not be read: Condition"),)


def test_a_further_page_is_not_forgotten_over_a_malformed_entry() -> None:
    assert "holds the first page only: later records are missing" in {gap.reason for gap in sent(7, link=NEXT).gaps}


def test_a_line_that_is_a_bundle_is_read_as_one() -> None:
    lines = b"\n".join([json.dumps(PATIENT).encode(), bundle(injection("2025-01-10"))])
    found = read(lines, name="export.NDJSON")
    assert [len(one.events) for one in found.timelines] == [1]


@pytest.mark.parametrize(
    "drug",
    [{"medicationReference": {"reference": ""}}, {"medicationReference": {}}, {"medicationCodeableConcept": {}}, {}],
)
def test_a_drug_of_which_nobody_can_tell_which_one_it_is_may_be_any(drug: dict[str, Any]) -> None:
    record = injection("2025-01-10")
    del record["medicationCodeableConcept"]
    found = timeline(record | drug)
    assert [(one.reference, one.reason) for one in found.unusable] == [
        (f"MedicationAdministration/{record['id']}", "names no drug")
    ]
    assert not drug_record_fact(found).whole


def test_a_record_that_does_not_say_whose_it_is_may_be_of_any_patient() -> None:
    other = {"resourceType": "Patient", "id": "q"}
    nobodys = injection("2025-01-10")
    del nobodys["subject"]
    strangers = injection("2025-02-10", subject={"reference": "Patient/z"})
    for record, whole in ((nobodys, False), (strangers, True)):
        assert [drug_record_fact(one).whole for one in read(bundle(other, record)).timelines] == [whole, whole]


def test_a_record_that_nobody_could_read_is_missing_from_that_of_the_patient_whom_it_names() -> None:
    other = {"resourceType": "Patient", "id": "q"}
    broken = injection("2025-01-10") | {"status": 7}
    first, second = read(bundle(other, broken)).timelines
    assert (drug_record_fact(first).whole, drug_record_fact(second).whole) == (False, True)
    strangers = broken | {"subject": {"reference": "Patient/z"}}
    assert not any(drug_record_fact(one).whole for one in read(bundle(other, strangers)).timelines)


@pytest.mark.parametrize(
    "member",
    [
        {"wasNotGiven": True},
        {"notGiven": True},
        {"effectiveTimeDateTime": "2025-01-10"},
        {"patient": SUBJECT["subject"]},
    ],
)
def test_an_administration_of_an_older_version_is_no_dose(member: dict[str, Any]) -> None:
    found = read(bundle(injection("2025-01-10") | member))
    assert found.unusable[0].reason == "is of an older FHIR version than R4: ask for R4 or R5"
    assert found.timelines[0].events == ()


def test_a_document_that_is_lost_beside_others_keeps_advice_for_never_treated_patients_away() -> None:
    record = Document("chart.json", bundle(fracture()))
    known, lost = (
        ASSESSOR.assess(Submission("chart", documents, DEFAULT_HOOK), AS_OF)
        for documents in ((record,), (record, Document("drugs.json", b"{")))
    )
    assert known.evaluations[0].gaps == ()
    [gap] = lost.evaluations[0].gaps
    assert (gap.part, gap.drugs) == ("drugs.json", True)
    assert [one.source for one in lost.unusable] == ["drugs.json"]
    summaries = [{one.advice.summary for one in found.evaluations[0].conclusions} for found in (known, lost)]
    assert summaries[0] != summaries[1]

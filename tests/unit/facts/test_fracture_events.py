"""The many records of one fracture are one event; its date is never surer than the record."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from rules.reasoning.dates import DateInterval
from rules.reasoning.facts.fracture_events import fracture_events
from rules.reasoning.facts.fractures import FractureEvent
from rules.reasoning.timeline import Code, ConditionEvent, Patient, PatientTimeline, Standing
from tests.unit.facts.test_doses import LIMITS


def diagnosis(
    text: str = "",
    onset: str | None = None,
    *,
    icd: str = "",
    recorded: str | None = None,
    concept: str = "vertebral-fracture-compression",
    encounter: bool = False,
    confirmed: bool = True,
    reference: str = "",
) -> ConditionEvent:
    return ConditionEvent(
        reference=reference or f"Condition/{text}-{onset}-{icd}-{recorded}-{concept}",
        concepts=frozenset({concept}),
        standing=Standing.HAPPENED,
        when=DateInterval.parse(onset) if onset else None,
        recorded=DateInterval.parse(recorded) if recorded else None,
        codes=(Code("icd-10-cm", icd),) if icd else (),
        text=text,
        encounter_diagnosis=encounter,
        confirmed=confirmed,
    )


def events(*conditions: ConditionEvent) -> tuple[FractureEvent, ...]:
    return fracture_events(PatientTimeline(Patient("Patient/p"), date(2026, 3, 1), conditions), LIMITS)


def test_same_day_fractures_at_several_levels_are_one_entry() -> None:
    [found] = events(diagnosis("fracture of T12", "2025-04-10"), diagnosis("fracture of L1", "2025-04-10"))
    assert found.levels == {"T12", "L1"}
    assert len(found.evidence) == 2


def test_fractures_of_different_levels_on_different_days_are_two_entries() -> None:
    assert len(events(diagnosis("T12", "2025-04-10"), diagnosis("L1", "2025-05-10"))) == 2


@pytest.mark.parametrize(("second", "entries"), [("2025-07-09", 1), ("2025-07-10", 2)])
def test_one_level_again_is_new_only_after_90_days_with_an_initial_code_and_its_own_onset(
    second: str, entries: int
) -> None:
    first = diagnosis("T12", "2025-04-10", icd="M80.08XA")
    assert len(events(first, diagnosis("T12", second, icd="M80.08XA"))) == entries
    assert len(events(first, diagnosis("T12", second, icd="M80.08XD"))) == 1


def test_words_decide_whether_a_later_record_is_the_old_fracture() -> None:
    old = diagnosis("compression fracture T12", "2018-05-01")
    assert len(events(old, diagnosis("compression fracture T12, unchanged", "2025-05-01", icd="M80.08XA"))) == 1
    assert len(events(old, diagnosis("new height loss at T12", "2025-05-01"))) == 2


def test_without_onset_an_initial_code_dates_the_fracture_to_the_90_days_before_its_recording() -> None:
    [found] = events(diagnosis("T12", icd="M80.08XA", recorded="2025-04-10"))
    assert found.when == DateInterval(date(2025, 1, 10), date(2025, 4, 10))
    assert not found.doubt


@pytest.mark.parametrize("icd", ["", "M80.08XD"])
def test_without_onset_any_other_record_is_some_day_before_and_at_most_possible(icd: str) -> None:
    [found] = events(diagnosis("T12", icd=icd, recorded="2025-04-10"))
    assert found.when == DateInterval.up_to(date(2025, 4, 10))
    assert found.doubt


def test_a_sequela_and_a_cervical_fracture_open_no_event() -> None:
    assert events(diagnosis("T12", "2025-04-10", icd="M80.08XS"), diagnosis("fracture of C5", "2025-04-10")) == ()


def test_an_american_code_under_the_name_of_the_who_edition_still_says_which_encounter_it_was() -> None:
    sent = diagnosis("T12", icd="M80.08XA", recorded="2025-04-10")
    mislabelled = replace(sent, codes=(Code("icd-10", "M80.08XA"),))
    assert events(mislabelled)[0].when == events(sent)[0].when


def test_an_osteoporotic_fracture_counts_as_vertebral_only_with_a_vertebra() -> None:
    bare = "fracture-osteoporotic-site-unspecified"
    assert events(diagnosis("osteoporotic fracture", "2025-04-10", concept=bare)) == ()
    assert len(events(diagnosis("osteoporotic fracture of T12", "2025-04-10", concept=bare))) == 1


@pytest.mark.parametrize(
    ("concept", "day", "cause"),
    [
        ("high-energy-trauma", "2025-04-17", "high-energy"),
        ("high-energy-trauma", "2025-04-18", "low-trauma"),
        ("low-energy-fall", "2025-04-10", "low-trauma"),
        ("bone-metastasis", "2020-01-01", "malignancy"),
    ],
)
def test_the_cause_comes_from_what_else_is_on_record(concept: str, day: str, cause: str) -> None:
    [found] = events(diagnosis("T12", "2025-04-10"), diagnosis("", day, concept=concept))
    assert found.cause == cause


@pytest.mark.parametrize("concept", ["vertebral-fracture-neoplastic", "fracture-neoplastic-site-unspecified"])
def test_a_neoplastic_fracture_is_pathological(concept: str) -> None:
    [found] = events(diagnosis("T12", "2025-04-10", concept=concept))
    assert found.cause == "pathological"


def test_a_diagnosis_that_is_not_confirmed_is_at_most_possible() -> None:
    [found] = events(diagnosis("T12", "2025-04-10", confirmed=False))
    assert found.doubt


def test_a_fracture_of_the_future_is_no_event() -> None:
    assert events(diagnosis("T12", "2026-03-02")) == ()


def test_a_record_without_a_level_within_90_days_is_the_same_fracture() -> None:
    assert len(events(diagnosis("T12", "2025-04-10"), diagnosis("vertebral fracture", "2025-05-10"))) == 1
    assert len(events(diagnosis("T12", "2025-04-10"), diagnosis("vertebral fracture", "2025-09-10"))) == 2

"""The state of denosumab: every record has exactly one, and every limit decides on its own day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import rules.classification
import rules.classification.denosumab_state as classification
from rules.reasoning.dates import DateInterval
from rules.reasoning.facts.course import exposure
from rules.reasoning.facts.denosumab import DenosumabState, Today, Turnover, course_fact
from rules.reasoning.knowledge import Limits, read_limits
from rules.reasoning.reasoner import Reasoner
from rules.reasoning.rule import Program, Rule
from rules.reasoning.timeline import MedicationEvent, MedicationRecord, Patient, PatientTimeline, Standing

LIMITS = Limits(read_limits(Path(rules.classification.__path__[0]) / "knowledge.yaml"))
REASONER = Reasoner(Program([one for one in vars(classification).values() if isinstance(one, Rule)], LIMITS))


def record(
    kind: MedicationRecord, when: str | None, standing: Standing, concept: str = "denosumab-60mg", ended: str = ""
) -> MedicationEvent:
    return MedicationEvent(
        reference=f"{kind}/{when}{ended}",
        concepts=frozenset({concept}),
        standing=standing,
        record=kind,
        when=DateInterval.parse(when) if when else None,
        recorded=DateInterval.parse(when) if when else None,
        ended=DateInterval.parse(ended) if ended else None,
    )


def given(day: str, concept: str = "denosumab-60mg") -> MedicationEvent:
    return record(MedicationRecord.ADMINISTRATION, day, Standing.HAPPENED, concept)


def state(as_of: str, *events: MedicationEvent, raised: bool = False) -> str:
    timeline = PatientTimeline(Patient("Patient/p"), date.fromisoformat(as_of), events)
    facts = [
        Today(day=timeline.as_of.toordinal(), when=timeline.as_of),
        course_fact(timeline, exposure(timeline, LIMITS), LIMITS),
        Turnover(measured=raised, raised=raised),
    ]
    [found] = REASONER.run(facts).all(DenosumabState)
    return found.word


def test_nobody_gave_denosumab() -> None:
    assert state("2026-03-01") == "NEVER"


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2025-01-31", "ACTIVE"),
        ("2025-06-29", "ACTIVE"),
        ("2025-06-30", "DUE_SOON"),
        ("2025-07-30", "DUE_SOON"),
        ("2025-07-31", "DUE"),
        ("2025-08-31", "DUE"),
        ("2025-09-01", "OVERDUE"),
        ("2025-10-30", "OVERDUE"),
        ("2025-10-31", "PRESUMED_DISCONTINUED"),
        ("2028-01-31", "PRESUMED_DISCONTINUED"),
        ("2028-02-01", "REBOUND_OVER"),
    ],
)
def test_each_limit_counts_calendar_months_from_the_last_dose(as_of: str, expected: str) -> None:
    assert state(as_of, given("2024-07-31"), given("2025-01-31")) == expected


def test_raised_turnover_keeps_the_rebound_open_after_36_months() -> None:
    assert state("2028-02-01", given("2025-01-31"), raised=True) == "PRESUMED_DISCONTINUED"


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [("2025-06-01", "STOPPED_EXPLICIT"), ("2028-01-31", "STOPPED_EXPLICIT"), ("2028-02-01", "REBOUND_OVER")],
)
def test_an_explicit_stop_is_a_state_until_36_months(as_of: str, expected: str) -> None:
    stop = record(MedicationRecord.REQUEST, "2025-05-01", Standing.STOPPED)
    assert state(as_of, given("2025-01-31"), stop) == expected


def test_a_completed_single_dose_order_is_a_dose_and_not_a_stop() -> None:
    orders = [record(MedicationRecord.REQUEST, day, Standing.HAPPENED) for day in ("2024-07-01", "2025-01-01")]
    assert state("2026-03-01", *orders) == "PRESUMED_DISCONTINUED"


def test_denosumab_without_a_date_or_a_strength_is_unknown_and_never_lapsed() -> None:
    undated = record(MedicationRecord.STATEMENT, None, Standing.ACTIVE)
    assert state("2026-03-01", undated) == "UNKNOWN"
    assert state("2026-03-01", given("2024-01-01", "denosumab")) == "UNKNOWN"


def test_a_last_dose_that_may_be_on_time_or_long_overdue_is_unknown() -> None:
    finished = record(MedicationRecord.STATEMENT, "2022-01-01", Standing.HAPPENED, ended="2025-12-01")
    assert state("2026-03-01", finished) == "UNKNOWN"
    assert state("2026-06-01", finished) == "DUE"


def test_a_statement_that_was_stopped_is_an_explicit_stop() -> None:
    stopped = record(MedicationRecord.STATEMENT, "2022-01-01", Standing.STOPPED, ended="2025-06-01")
    assert state("2026-03-01", stopped) == "STOPPED_EXPLICIT"


@pytest.mark.parametrize(("as_of", "expected"), [("2025-04-23", "ACTIVE"), ("2025-04-24", "UNKNOWN")])
def test_the_oncology_product_alone_is_active_for_16_weeks(as_of: str, expected: str) -> None:
    doses = [given("2024-12-04", "denosumab-120mg"), given("2025-01-01", "denosumab-120mg")]
    assert state(as_of, *doses) == expected


def test_the_oncology_product_stopped_in_so_many_words_is_stopped() -> None:
    stop = record(MedicationRecord.REQUEST, "2025-02-01", Standing.STOPPED, "denosumab-120mg")
    assert state("2025-04-24", given("2025-01-01", "denosumab-120mg"), stop) == "STOPPED_EXPLICIT"


@pytest.mark.parametrize(
    ("as_of", "expected"), [("2025-06-30", "ACTIVE"), ("2025-07-01", "DUE"), ("2025-08-02", "OVERDUE")]
)
def test_the_clock_follows_the_most_recent_dose_of_any_strength(as_of: str, expected: str) -> None:
    assert state(as_of, given("2024-07-01"), given("2025-01-01", "denosumab-120mg")) == expected


def exposed_long(*events: MedicationEvent) -> bool:
    timeline = PatientTimeline(Patient("Patient/p"), date(2026, 3, 1), events)
    return course_fact(timeline, exposure(timeline, LIMITS), LIMITS).long


def test_exposure_is_long_from_the_fifth_dose() -> None:
    days = ("2024-09-01", "2024-12-01", "2025-03-01", "2025-06-01", "2025-09-01")
    assert not exposed_long(*(given(day) for day in days[:4]))
    assert exposed_long(*(given(day) for day in days))


@pytest.mark.parametrize(("last", "long"), [("2025-05-31", False), ("2025-06-01", True)])
def test_exposure_is_long_when_first_to_last_dose_cover_30_months(last: str, long: bool) -> None:
    assert exposed_long(given("2023-06-01"), given(last)) is long


@pytest.mark.parametrize(("end", "long"), [("2025-05-31", False), ("2025-06-01", True)])
def test_a_statement_of_30_months_is_long_exposure(end: str, long: bool) -> None:
    assert exposed_long(record(MedicationRecord.STATEMENT, "2022-12-01", Standing.STOPPED, ended=end)) is long

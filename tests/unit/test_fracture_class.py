"""The class of a vertebral fracture: each limit decides on its day, causes come first, later doses change nothing."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import rules.classification
import rules.classification.fracture_class as classification
from rules.reasoning.dates import DateInterval
from rules.reasoning.facts.course import exposure
from rules.reasoning.facts.deciding import DecidingClass, UnrelatedFractures, decide
from rules.reasoning.facts.fractures import (
    FractureClass,
    FractureEvent,
    fracture_facts,
)
from rules.reasoning.knowledge import Limits, read_limits
from rules.reasoning.reasoner import Reasoner, Trace
from rules.reasoning.rule import Phase, Program, Rule, Summary
from rules.reasoning.timeline import MedicationEvent, MedicationRecord, Patient, PatientTimeline, Standing

LIMITS = Limits(read_limits(Path(rules.classification.__path__[0]) / "knowledge.yaml"))
RULES = [one for one in vars(classification).values() if isinstance(one, Rule)]
DECIDED = Summary(decide, (FractureClass, DecidingClass, UnrelatedFractures))
REASONER = Reasoner(Program(RULES, LIMITS, {Phase.RESOLVE: DECIDED}))
TWO_DOSES = ("2023-07-31", "2024-01-31")


def record(
    kind: MedicationRecord,
    when: str,
    concept: str = "denosumab-60mg",
    standing: Standing = Standing.HAPPENED,
    ended: str = "",
) -> MedicationEvent:
    return MedicationEvent(
        reference=f"{kind}/{concept}-{when}",
        concepts=frozenset({concept}),
        standing=standing,
        record=kind,
        when=DateInterval.parse(when),
        ended=DateInterval.parse(ended) if ended else None,
    )


def doses(*days: str, concept: str = "denosumab-60mg") -> tuple[MedicationEvent, ...]:
    return tuple(record(MedicationRecord.ADMINISTRATION, day, concept) for day in days)


def fracture(when: str, cause: str = "low-trauma") -> FractureEvent:
    return FractureEvent(DateInterval.parse(when), frozenset({"T12"}), (f"Condition/{when}",), cause)


def judge(
    fractures: list[FractureEvent],
    *events: MedicationEvent,
    as_of: str = "2026-03-01",
    born: str = "1950",
) -> Trace:
    timeline = PatientTimeline(Patient("Patient/p", birth=DateInterval.parse(born)), date.fromisoformat(as_of), events)
    return REASONER.run(fracture_facts(timeline, fractures, exposure(timeline, LIMITS), LIMITS))


def class_of(event: FractureEvent, *events: MedicationEvent, born: str = "1950", as_of: str = "2026-03-01") -> str:
    [found] = judge([event], *events, born=born, as_of=as_of).all(FractureClass)
    return found.word


@pytest.mark.parametrize(
    ("onset", "expected"),
    [
        ("2023-07-30", "VFX_PRIOR"),
        ("2023-07-31", "VFX_ON_TREATMENT"),
        ("2024-07-31", "VFX_ON_TREATMENT"),
        ("2024-08-01", "RVFX_POSSIBLE"),
        ("2024-08-16", "RVFX_POSSIBLE"),
        ("2024-08-17", "RVFX_PROBABLE"),
        ("2026-01-31", "RVFX_PROBABLE"),
        ("2026-02-01", "RVFX_POSSIBLE"),
    ],
)
def test_each_limit_counts_calendar_months_from_the_index_dose(onset: str, expected: str) -> None:
    assert class_of(fracture(onset), *doses(*TWO_DOSES)) == expected


@pytest.mark.parametrize(("onset", "expected"), [("2025-01-31", "RVFX_POSSIBLE"), ("2025-02-01", "VFX_OSTEOPOROTIC")])
def test_more_than_36_months_after_the_last_dose_a_fracture_is_ordinary(onset: str, expected: str) -> None:
    assert class_of(fracture(onset), *doses("2021-07-31", "2022-01-31")) == expected


def test_after_a_single_dose_a_fracture_is_only_possible() -> None:
    assert class_of(fracture("2024-12-01"), *doses("2024-01-31")) == "RVFX_POSSIBLE"


def test_a_bisphosphonate_between_dose_and_fracture_leaves_it_possible_and_one_afterwards_changes_nothing() -> None:
    bridge = record(MedicationRecord.ADMINISTRATION, "2024-07-31", "zoledronate-5mg")
    later = record(MedicationRecord.ADMINISTRATION, "2025-02-01", "zoledronate-5mg")
    ordered = record(MedicationRecord.REQUEST, "2024-07-31", "zoledronate-5mg", Standing.ON_HOLD)
    event = fracture("2024-12-01")
    assert class_of(event, *doses(*TWO_DOSES), bridge) == "RVFX_POSSIBLE"
    assert class_of(event, *doses(*TWO_DOSES), later) == "RVFX_PROBABLE"
    assert class_of(event, *doses(*TWO_DOSES), ordered) == "RVFX_PROBABLE"


def test_a_dose_given_after_the_fracture_never_changes_its_class() -> None:
    event = fracture("2024-12-01")
    assert class_of(event, *doses(*TWO_DOSES)) == class_of(event, *doses(*TWO_DOSES, "2024-12-15")) == "RVFX_PROBABLE"


def test_a_stopped_statement_and_a_fracture_are_enough_for_a_probable_rebound_fracture() -> None:
    stopped = record(MedicationRecord.STATEMENT, "2020-01-15", standing=Standing.STOPPED, ended="2024-03-31")
    assert class_of(fracture("2024-12-10"), stopped) == "RVFX_PROBABLE"


@pytest.mark.parametrize(("start", "expected"), [("2023-09-30", "RVFX_PROBABLE"), ("2023-10-01", "RVFX_POSSIBLE")])
def test_a_statement_counts_as_repeated_doses_from_a_period_of_6_months(start: str, expected: str) -> None:
    stopped = record(MedicationRecord.STATEMENT, start, standing=Standing.STOPPED, ended="2024-03-31")
    assert class_of(fracture("2024-12-10"), stopped) == expected


def test_a_fracture_dated_only_by_year_is_possible() -> None:
    assert class_of(fracture("2025"), *doses("2024-05-10", "2024-11-10")) == "RVFX_POSSIBLE"


def test_an_undated_fracture_is_possible_when_recorded_after_the_effect_and_unknown_before() -> None:
    late = FractureEvent(DateInterval.up_to(date(2024, 12, 1)), frozenset(), ("Condition/late",))
    early = FractureEvent(DateInterval.up_to(date(2024, 5, 1)), frozenset(), ("Condition/early",))
    assert class_of(late, *doses(*TWO_DOSES)) == "RVFX_POSSIBLE"
    assert class_of(early, *doses("2024-01-31")) == "UNKNOWN"


@pytest.mark.parametrize(
    ("cause", "expected"),
    [("high-energy", "VFX_TRAUMATIC"), ("pathological", "VFX_PATHOLOGICAL"), ("malignancy", "UNKNOWN")],
)
def test_a_known_cause_comes_before_any_date(cause: str, expected: str) -> None:
    assert class_of(fracture("2024-12-01", cause), *doses(*TWO_DOSES)) == expected


def test_the_oncology_product_alone_never_gives_a_rebound_class() -> None:
    oncology = doses("2023-12-01", "2024-01-01", concept="denosumab-120mg")
    assert class_of(fracture("2024-12-01"), *oncology) == "UNKNOWN"


@pytest.mark.parametrize(("born", "expected"), [("2006-12-01", "RVFX_PROBABLE"), ("2006-12-02", "UNKNOWN")])
def test_below_18_years_no_rebound_class_is_given(born: str, expected: str) -> None:
    assert class_of(fracture("2024-12-01"), *doses(*TWO_DOSES), born=born) == expected


def test_without_denosumab_a_low_trauma_fracture_is_osteoporotic() -> None:
    assert class_of(fracture("2024-12-01")) == "VFX_OSTEOPOROTIC"


def deciding(*events: FractureEvent, as_of: str = "2026-03-01") -> DecidingClass:
    [found] = judge(list(events), *doses(*TWO_DOSES), as_of=as_of).all(DecidingClass)
    return found


def test_the_gravest_class_of_the_recent_fractures_decides() -> None:
    found = deciding(fracture("2024-05-01"), fracture("2024-12-01"), fracture("2024-12-20", "high-energy"))
    assert (found.word, found.recent, found.rebound) == ("RVFX_PROBABLE", True, True)
    assert "Condition/2024-12-01" in found.evidence
    assert "Condition/2024-05-01" not in found.evidence


def test_a_recent_fracture_decides_before_an_older_one_of_a_graver_class() -> None:
    found = deciding(fracture("2024-09-01"), fracture("2026-10-20", "high-energy"), as_of="2026-11-01")
    assert (found.word, found.recent) == ("VFX_TRAUMATIC", True)


@pytest.mark.parametrize(("as_of", "recent"), [("2026-12-01", True), ("2026-12-02", False)])
def test_a_fracture_is_recent_for_24_months(as_of: str, recent: bool) -> None:
    assert deciding(fracture("2024-12-01"), as_of=as_of).recent is recent


def test_no_fracture_no_class() -> None:
    assert judge([], *doses(*TWO_DOSES)).all(DecidingClass) == []

"""The many records of one injection become one dose; no dose is ever reconstructed, no strength guessed."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

import rules.classification
from rules.reasoning.dates import DateInterval
from rules.reasoning.errors import KnowledgeError
from rules.reasoning.facts.course import exposure
from rules.reasoning.facts.doses import reconcile
from rules.reasoning.knowledge import Limits, read_limits
from rules.reasoning.timeline import (
    MedicationEvent,
    MedicationRecord,
    Patient,
    PatientTimeline,
    ProcedureEvent,
    Standing,
)

LIMITS = Limits(read_limits(Path(rules.classification.__path__[0]) / "knowledge.yaml"))
AS_OF = date(2026, 3, 1)
PROLIA = frozenset({"denosumab-60mg"})


def medication(
    record: MedicationRecord,
    when: str | None,
    *,
    reference: str = "",
    standing: Standing = Standing.HAPPENED,
    concepts: frozenset[str] = PROLIA,
    recorded: str | None = None,
    ended: str | None = None,
    dose_mg: float | None = None,
    order: str | None = None,
) -> MedicationEvent:
    return MedicationEvent(
        reference=reference or f"{record}/{when or recorded}",
        concepts=concepts,
        standing=standing,
        record=record,
        when=DateInterval.parse(when) if when else None,
        recorded=DateInterval.parse(recorded) if recorded else None,
        ended=DateInterval.parse(ended) if ended else None,
        dose_mg=dose_mg,
        order=order,
    )


def given(when: str, **more: object) -> MedicationEvent:
    return medication(MedicationRecord.ADMINISTRATION, when, **more)  # type: ignore[arg-type]


def timeline(*events: MedicationEvent | ProcedureEvent) -> PatientTimeline:
    return PatientTimeline(Patient("Patient/p"), AS_OF, tuple(events))


def test_two_administrations_on_different_days_are_two_doses_and_on_one_day_one() -> None:
    doses = reconcile(timeline(given("2025-01-10", reference="a"), given("2025-01-10", reference="b")), LIMITS)
    assert [dose.evidence for dose in doses] == [("a", "b")]
    assert len(reconcile(timeline(given("2025-01-10"), given("2025-07-10")), LIMITS)) == 2


@pytest.mark.parametrize(("days", "doses"), [(13, 1), (14, 1), (15, 2)])
def test_a_procedure_within_14_days_of_an_administration_is_the_same_injection(days: int, doses: int) -> None:
    procedure = ProcedureEvent(
        reference="Procedure/1",
        concepts=frozenset({"denosumab"}),
        standing=Standing.HAPPENED,
        when=DateInterval.on(date(2025, 1, 10) + timedelta(days=days)),
    )
    assert len(reconcile(timeline(given("2025-01-10"), procedure), LIMITS)) == doses


@pytest.mark.parametrize(("days", "doses"), [(59, 1), (60, 1), (61, 2)])
def test_a_dispense_up_to_60_days_before_an_administration_is_the_same_injection(days: int, doses: int) -> None:
    handed_over = (date(2025, 6, 10) - timedelta(days=days)).isoformat()
    found = reconcile(timeline(given("2025-06-10"), medication(MedicationRecord.DISPENSE, handed_over)), LIMITS)
    assert len(found) == doses
    assert found[-1].basis == "administered"


def test_a_dispense_alone_is_a_dose_given_within_the_next_14_days() -> None:
    [dose] = reconcile(timeline(medication(MedicationRecord.DISPENSE, "2025-06-10")), LIMITS)
    assert dose.basis == "dispensed"
    assert dose.when == DateInterval(date(2025, 6, 10), date(2025, 6, 24))


def test_a_completed_order_for_one_dose_is_a_dose_and_a_recurring_order_is_not() -> None:
    single = medication(MedicationRecord.REQUEST, None, recorded="2025-01-10")
    recurring = medication(MedicationRecord.REQUEST, None, recorded="2023-01-10", ended="2025-01-10")
    assert [dose.basis for dose in reconcile(timeline(single), LIMITS)] == ["inferred"]
    assert reconcile(timeline(recurring), LIMITS) == ()


@pytest.mark.parametrize("standing", [Standing.PLANNED, Standing.DRAFT, Standing.STOPPED, Standing.ON_HOLD])
def test_what_was_planned_drafted_or_stopped_is_never_a_dose(standing: Standing) -> None:
    assert reconcile(timeline(given("2025-01-10", standing=standing)), LIMITS) == ()


def test_a_dose_after_the_day_of_evaluation_is_never_a_dose() -> None:
    assert reconcile(timeline(given("2026-03-02")), LIMITS) == ()
    assert len(reconcile(timeline(given("2026-03-01")), LIMITS)) == 1


@pytest.mark.parametrize(
    ("dates", "product"),
    [
        (("2024-01-10", "2024-06-10"), "60mg"),
        (("2024-01-10", "2024-06-09"), "unknown"),
        (("2024-01-10", "2024-04-10", "2024-10-10"), "60mg"),
        (("2024-01-10", "2024-04-09", "2024-10-10"), "unknown"),
        (("2024-01-10",), "unknown"),
    ],
)
def test_a_strength_that_nobody_stated_follows_only_from_the_spacing(dates: tuple[str, ...], product: str) -> None:
    unstated = [given(day, concepts=frozenset({"denosumab"})) for day in dates]
    assert {dose.product for dose in reconcile(timeline(*unstated), LIMITS)} == {product}


def test_a_record_that_contradicts_itself_has_no_strength() -> None:
    [dose] = reconcile(timeline(given("2025-01-10", dose_mg=120)), LIMITS)
    assert dose.product == "unknown"


def test_a_finished_statement_without_injections_implies_a_last_dose_in_the_6_months_before_its_end() -> None:
    statement = medication(
        MedicationRecord.STATEMENT, "2021-01-01", ended="2024-03-31", standing=Standing.STOPPED, reference="s"
    )
    found = exposure(timeline(statement), LIMITS)
    assert found.last is not None
    assert found.last.when == DateInterval(date(2023, 9, 30), date(2024, 3, 31))
    assert found.last.basis == "stated"
    assert found.doses == ()


def test_with_injections_on_record_a_statement_adds_no_dose() -> None:
    statement = medication(MedicationRecord.STATEMENT, "2021-01-01", ended="2025-03-31")
    found = exposure(timeline(statement, given("2024-06-10")), LIMITS)
    assert found.last is not None
    assert found.last.when == DateInterval.parse("2024-06-10")


def test_an_active_statement_without_injections_gives_no_last_dose() -> None:
    found = exposure(timeline(medication(MedicationRecord.STATEMENT, "2021-01-01", standing=Standing.ACTIVE)), LIMITS)
    assert found.on_record
    assert found.last is None


def stop(authored: str, reference: str = "MedicationRequest/stop") -> MedicationEvent:
    return medication(MedicationRecord.REQUEST, None, recorded=authored, standing=Standing.STOPPED, reference=reference)


def test_a_stop_counts_until_a_dose_or_a_newer_order_follows() -> None:
    dose = given("2025-01-10")
    assert exposure(timeline(dose, stop("2025-06-01")), LIMITS).stop is not None
    assert exposure(timeline(dose, stop("2025-06-01"), given("2025-07-10")), LIMITS).stop is None
    newer = medication(MedicationRecord.REQUEST, None, recorded="2025-07-01", standing=Standing.ACTIVE)
    assert exposure(timeline(dose, stop("2025-06-01"), newer), LIMITS).stop is None


def test_doses_of_the_stopped_order_itself_do_not_undo_the_stop() -> None:
    dose = given("2025-07-10", order="MedicationRequest/stop")
    assert exposure(timeline(dose, stop("2025-01-01")), LIMITS).stop is not None


def test_a_stop_without_any_exposure_is_no_stop() -> None:
    assert exposure(timeline(stop("2025-06-01")), LIMITS).stop is None


def test_a_drug_on_hold_is_a_stop_that_says_so() -> None:
    on_hold = medication(
        MedicationRecord.REQUEST, None, recorded="2025-06-01", standing=Standing.ON_HOLD, reference="hold"
    )
    found = exposure(timeline(given("2025-01-10"), on_hold), LIMITS)
    assert found.stop is not None
    assert found.stop.on_hold


def test_a_limit_in_months_is_never_read_as_days() -> None:
    with pytest.raises(KnowledgeError, match="not whole d"):
        LIMITS.days("effect_ends")


def test_a_site_may_set_its_own_value_and_only_a_sound_one() -> None:
    changed = LIMITS.with_values({"overdue_after": 8}, date(2026, 1, 1), "our clinic")
    assert changed.months("overdue_after") == 8
    assert changed.limit("overdue_after").site
    for value in (-1, 7.5, True, float("nan"), float("inf")):
        with pytest.raises(KnowledgeError, match="overdue_after"):
            LIMITS.with_values({"overdue_after": value}, date(2026, 1, 1), "our clinic")
    with pytest.raises(KnowledgeError, match="no_such"):
        LIMITS.with_values({"no_such": 1}, date(2026, 1, 1), "our clinic")

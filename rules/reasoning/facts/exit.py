"""The way out of denosumab: a planned stop, the infusion that follows it, and a follow-on that is too weak."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from rules.reasoning.dates import DateInterval, add_months
from rules.reasoning.fact import Fact, Field
from rules.reasoning.facts.bone_density import BoneDensity
from rules.reasoning.facts.course import Exposure
from rules.reasoning.facts.denosumab import Course, DenosumabState, Today
from rules.reasoning.facts.drugs import DENOSUMAB, ZOLEDRONATE, drug_of
from rules.reasoning.facts.patient import FollowOn, PotentOrder
from rules.reasoning.facts.safety import Draft
from rules.reasoning.knowledge import Limits
from rules.reasoning.timeline import (
    MedicationEvent,
    MedicationRecord,
    ObservationEvent,
    PatientTimeline,
    ProcedureEvent,
    Standing,
)

WEAK = frozenset(
    {"raloxifene", "bazedoxifene", "estrogen", "calcitonin", "teriparatide", "abaloparatide", "romosozumab"}
)
"""Bone drugs that do not hold the rebound by themselves (calcium and vitamin D are none at all)."""


class PlannedStop(Fact):
    """Denosumab 60 mg is being stopped: by an order in this call, or in so many words in the record and not yet lapsed.

    `reference` is the order of the call, "" for a stop of the record.
    """

    by_order: Field[bool]
    reference: str = ""
    when: DateInterval | None = None


class ExitInfusion(Fact):
    """The last zoledronate after the last denosumab, while its follow-up of a year lasts.

    `finding` is "high" (the last CTX after it was above the limit), "lost" (bone was lost), "due" (a CTX is due or
    overdue) or "none".
    """

    finding: Field[str]
    when: DateInterval
    said: str = ""


class InfusionDraft(Fact):
    """An order of zoledronate after denosumab: "early", "late" or "fitting" for the day it is planned."""

    timing: Field[str]
    planned: date
    reference: str


class WeakFollowOn(Fact):
    """The only bone drug after denosumab is one that does not hold the rebound; `drafted` when it is an order now."""

    drug: Field[str]
    drafted: Field[bool]
    reference: str = ""


def planned_stops(facts: Sequence[Fact]) -> list[PlannedStop]:
    """Stops of this call; without one, a stop of the record that nothing has followed and that has not lapsed yet."""
    [course] = [one for one in facts if isinstance(one, Course)]
    [today] = [one for one in facts if isinstance(one, Today)]
    if course.last_120mg or not course.exposed or today.day > course.rebound_until:
        return []
    goes_on = any(isinstance(one, PotentOrder) and one.drug == DENOSUMAB for one in facts)
    drafted = [
        one for one in facts if isinstance(one, Draft) and one.subject == DENOSUMAB and one.stop and one.selected
    ]
    ordered = [one for one in drafted if one.product != "120mg"]
    if ordered and not goes_on:
        return [
            PlannedStop(by_order=True, reference=one.reference, when=one.planned, evidence=one.evidence)
            for one in ordered
        ]
    stated = any(isinstance(one, DenosumabState) and one.word == "STOPPED_EXPLICIT" for one in facts)
    covered = any(isinstance(one, FollowOn) and one.covering for one in facts)
    if not stated or covered or goes_on or today.day >= course.lapsed_from:
        return []
    return [PlannedStop(by_order=False, when=course.stop.when if course.stop else None, evidence=course.evidence)]


def exit_infusion_fact(
    timeline: PatientTimeline, found: Exposure, density: BoneDensity, limits: Limits
) -> list[ExitInfusion]:
    """The infusion by which denosumab was left, while its follow-up lasts."""
    if found.last is None or found.last.product == "120mg":
        return []
    last = found.last.when
    infusions = sorted(
        (
            one
            for one in timeline.of(MedicationEvent, ProcedureEvent)
            if drug_of(one.concepts) == ZOLEDRONATE
            and (isinstance(one, ProcedureEvent) or one.record is MedicationRecord.ADMINISTRATION)
            and one.standing is Standing.HAPPENED
            and one.when is not None
            and one.when.earliest > last.latest
        ),
        key=lambda one: (one.when.latest if one.when else date.max, one.reference),
    )
    if not infusions or infusions[-1].when is None:
        return []
    when = infusions[-1].when
    if timeline.as_of >= add_months(when.latest, limits.months("turnover_followed_until")):
        return []
    values = _ctx_since(timeline, when)
    finding = "due" if _turnover_due(timeline.as_of, when.latest, values, limits) else "none"
    finding = "lost" if density.lost else finding
    finding = "high" if values and _above(values[-1], limits) else finding
    said = f"CTX {values[-1].value:g} ug/L on {values[-1].when}" if values else "no CTX since the infusion"
    evidence = {infusions[-1].reference, *(one.reference for one in values[-1:])}
    evidence |= set(density.evidence) if finding == "lost" else set()
    return [ExitInfusion(finding=finding, when=when, said=said, evidence=tuple(sorted(evidence)))]


def infusion_drafts(orders: Sequence[Draft], course: Course, as_of: date, limits: Limits) -> list[InfusionDraft]:
    """Orders of zoledronate within the time in which it would follow denosumab 60 mg."""
    if course.last is None or course.last_120mg or not course.exposed:
        return []
    last = course.last.when
    found = []
    for one in orders:
        if one.subject != ZOLEDRONATE or one.stop or not one.selected:
            continue
        planned = max(one.planned.latest, as_of) if one.planned else as_of
        if planned > add_months(last.latest, limits.months("rebound_over_after")):
            continue
        timing = "early" if planned < add_months(last.latest, limits.months("follow_on_from")) else "fitting"
        timing = "late" if planned > add_months(last.latest, limits.months("follow_on_until")) else timing
        evidence = (*one.evidence, *course.last.evidence)
        found.append(InfusionDraft(timing=timing, planned=planned, reference=one.reference, evidence=evidence))
    return found


def _ctx_since(timeline: PatientTimeline, infusion: DateInterval) -> list[ObservationEvent]:
    found = [
        one
        for one in timeline.of(ObservationEvent)
        if "lab-ctx" in one.concepts
        and one.value is not None
        and one.when is not None
        and one.when.earliest > infusion.latest
    ]
    return sorted(found, key=lambda one: (one.when.latest if one.when else date.max, one.reference))


def _above(one: ObservationEvent, limits: Limits) -> bool:
    return one.value is not None and one.value > limits["ctx_raised"]


def _turnover_due(as_of: date, infusion: date, values: Sequence[ObservationEvent], limits: Limits) -> bool:
    """Whether the measurement whose time has come is missing: around three months first, then around six."""
    for opens, closes in (("second_turnover", "second_turnover_until"), ("first_turnover", "first_turnover_until")):
        if as_of >= add_months(infusion, limits.months(opens)):
            start = add_months(infusion, limits.months(opens)) - timedelta(days=limits.days("turnover_early"))
            end = add_months(infusion, limits.months(closes))
            return not any(one.when and start <= one.when.earliest and one.when.latest <= end for one in values)
    return False


def weak_follow_on(timeline: PatientTimeline, found: Exposure) -> list[WeakFollowOn]:
    """Weak bone drugs drafted now, and those being taken since denosumab ended."""
    facts: dict[tuple[str, bool], WeakFollowOn] = {}
    for one in timeline.of(MedicationEvent):
        drug = drug_of(one.concepts)
        if drug not in WEAK:
            continue
        drafted = one.standing is Standing.DRAFT
        if drafted and one.selected:
            facts[one.reference, True] = WeakFollowOn(
                drug=drug, drafted=True, reference=one.reference, evidence=(one.reference,)
            )
        if one.standing is Standing.ACTIVE and found.last is not None:
            facts.setdefault((drug, False), WeakFollowOn(drug=drug, drafted=False, evidence=(one.reference,)))
    return list(facts.values())

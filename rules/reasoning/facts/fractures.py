"""Facts about vertebral fractures: each event, its index dose and its class.

The index dose of an event is the last dose on or before it. A dose given later never changes a class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from rules.reasoning.dates import DateInterval, add_months
from rules.reasoning.fact import Fact, Field
from rules.reasoning.facts.course import Exposure
from rules.reasoning.facts.doses import Dose
from rules.reasoning.facts.drugs import BISPHOSPHONATES, drug_of
from rules.reasoning.facts.patient import treatments_since
from rules.reasoning.knowledge import Limits
from rules.reasoning.timeline import (
    MedicationEvent,
    MedicationRecord,
    PatientTimeline,
    ProcedureEvent,
    Standing,
)

LOW_TRAUMA, HIGH_ENERGY, PATHOLOGICAL, MALIGNANCY = "low-trauma", "high-energy", "pathological", "malignancy"
DAY_NOT_KNOWN = "the day of the fracture is not known well enough"


@dataclass(frozen=True, slots=True)
class FractureEvent:
    """One event: its day, the levels (none when unknown), its cause, and why no firm class is allowed, if so."""

    when: DateInterval
    levels: frozenset[str]
    evidence: tuple[str, ...]
    cause: str = LOW_TRAUMA
    doubt: str = ""


class Fracture(Fact):
    """One vertebral fracture event; days are day numbers.

    `exposure` is "none" (denosumab never on record), "before" (the event precedes the first dose), "dated" (there is
    an index dose of a known product), "oncology" (only the 120 mg product was given by then) or "unusable". `recent`
    holds when the event may lie within 24 months, `treated` when denosumab or zoledronate was given after it
    (`treatments`).
    """

    number: Field[int]
    earliest: Field[int]
    latest: Field[int]
    cause: Field[str]
    exposure: Field[str]
    minor: Field[bool]
    at_most_possible: Field[bool]
    recent: Field[bool]
    treated: Field[bool]
    event: FractureEvent
    treatments: tuple[str, ...] = ()


class IndexDose(Fact):
    """The last dose on or before a fracture, with the calendar edges that decide its class, as day numbers.

    `tolerated` holds when the fracture may be as little as 7 months after it only by the days that are allowed below.
    """

    fracture: Field[int]
    given_latest: Field[int]
    effect_ends_earliest: Field[int]
    opens_latest: Field[int]
    closes_earliest: Field[int]
    over_latest: Field[int]
    repeated: Field[bool]
    bridged: Field[bool]
    when: DateInterval
    basis: str = ""
    tolerated: bool = False


class FractureClass(Fact):
    """The class of one fracture; `malignancy` marks UNKNOWN because a malignancy is not excluded."""

    fracture: Field[int]
    word: Field[str]
    malignancy: Field[bool]
    recent: Field[bool]
    reason: str = ""


class PossibleRebound(Fact):
    """A fracture that no firm class fits and that may lie in the rebound period; it becomes RVFX_POSSIBLE."""

    fracture: Field[int]
    recent: Field[bool]
    reason: str = ""


def fracture_facts(
    timeline: PatientTimeline, events: Sequence[FractureEvent], found: Exposure, limits: Limits
) -> list[Fact]:
    """Each event as a fact, with its index dose where there is one."""
    facts: list[Fact] = []
    recent_from = add_months(timeline.as_of, -limits.months("recent_fracture"))
    for number, event in enumerate(events):
        doses = found.up_to(event.when.latest, limits)
        index = index_dose(doses, event.when)
        treatments = treatments_since(timeline, event.when)
        facts.append(
            Fracture(
                number=number,
                earliest=event.when.earliest.toordinal(),
                latest=event.when.latest.toordinal(),
                cause=event.cause,
                exposure=_exposure(event, found, doses, index),
                minor=_minor(timeline, event, limits),
                at_most_possible=bool(event.doubt) or event.when.open_start,
                recent=event.when.latest >= recent_from,
                treated=bool(treatments),
                event=event,
                treatments=treatments,
                evidence=event.evidence,
            )
        )
        if index is not None:
            facts.append(_index_fact(timeline, number, event, found, index, limits))
    return facts


def earlier_fractures(facts: Sequence[Fact]) -> tuple[str, ...]:
    """The records of fractures before denosumab, and of those that are no longer recent."""
    earlier = [one for one in facts if isinstance(one, Fracture) and (not one.recent or one.exposure == "before")]
    return tuple(reference for one in earlier for reference in one.evidence)


def index_dose(possible: Sequence[Dose], event: DateInterval) -> Dose | None:
    """All days on which the last dose on or before the event may have been given; None when there is no such dose.

    `possible` are the doses that may have been given by then.
    """
    if not possible:
        return None
    certain = [dose for dose in possible if dose.when.latest <= event.earliest]
    last = possible[-1]
    earliest = max(certain, key=lambda dose: dose.when.earliest) if certain else possible[0]
    when = DateInterval(min(earliest.when.earliest, last.when.earliest), min(last.when.latest, event.latest))
    evidence = tuple(sorted({*earliest.evidence, *last.evidence}))
    return Dose(when, last.basis, last.product, evidence)


def _exposure(event: FractureEvent, found: Exposure, doses: Sequence[Dose], index: Dose | None) -> str:
    if not found.on_record:
        return "none"
    first = found.first()
    if first is not None and event.when.latest < first.earliest:
        return "unusable" if found.undated else "before"
    if index is None or index.product == "unknown":
        return "unusable"
    return "oncology" if {dose.product for dose in doses} == {"120mg"} else "dated"


def _minor(timeline: PatientTimeline, event: FractureEvent, limits: Limits) -> bool:
    birth = timeline.patient.birth
    return birth is not None and add_months(birth.earliest, 12 * limits.years("adult_from")) > event.when.latest


def _index_fact(
    timeline: PatientTimeline, number: int, event: FractureEvent, found: Exposure, index: Dose, limits: Limits
) -> IndexDose:
    tolerance = timedelta(days=limits.days("rebound_window_tolerance"))
    first, last = index.when.earliest, index.when.latest
    opens = add_months(last, limits.months("rebound_window_opens"))
    injections = sum(dose.when.latest <= event.when.latest for dose in found.doses)
    repeated = injections >= limits.number("repeated_doses") or found.stated_period(
        event.when.latest, limits.months("effect_ends")
    )
    return IndexDose(
        fracture=number,
        given_latest=last.toordinal(),
        effect_ends_earliest=add_months(first, limits.months("effect_ends")).toordinal(),
        opens_latest=(opens - tolerance).toordinal(),
        closes_earliest=add_months(first, limits.months("rebound_window_closes")).toordinal(),
        over_latest=add_months(last, limits.months("rebound_over_after")).toordinal(),
        repeated=repeated,
        bridged=bridged(timeline, index.when, event.when),
        when=index.when,
        basis=index.basis,
        tolerated=event.when.earliest < opens,
        evidence=index.evidence,
    )


def bridged(timeline: PatientTimeline, index: DateInterval, event: DateInterval) -> bool:
    """Whether a bisphosphonate was given or taken after the index dose and before the event."""
    for one in timeline.events:
        if drug_of(one.concepts) not in BISPHOSPHONATES or one.when is None:
            continue
        taken = isinstance(one, MedicationEvent) and one.record is MedicationRecord.STATEMENT
        if taken and one.standing in (Standing.HAPPENED, Standing.ACTIVE, Standing.STOPPED):
            ended = one.ended.latest if isinstance(one, MedicationEvent) and one.ended else event.latest
            if one.when.earliest < event.latest and ended > index.latest:
                return True
        given = isinstance(one, MedicationEvent | ProcedureEvent) and one.standing is Standing.HAPPENED and not taken
        if given and one.when.latest > index.latest and one.when.earliest < event.latest:
            return True
    return False

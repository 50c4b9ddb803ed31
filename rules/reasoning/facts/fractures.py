"""Facts about vertebral fractures: each event, its index dose, its class, and the class that decides for a patient.

The index dose of an event is the last dose on or before it. A dose given later never changes a class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from rules.reasoning.dates import DateInterval, add_months
from rules.reasoning.fact import Fact, Field
from rules.reasoning.facts.course import Exposure
from rules.reasoning.facts.doses import Dose
from rules.reasoning.facts.drugs import BISPHOSPHONATES, drug_of
from rules.reasoning.facts.patient import treated_since
from rules.reasoning.knowledge import Limits
from rules.reasoning.timeline import (
    MedicationEvent,
    MedicationRecord,
    PatientTimeline,
    ProcedureEvent,
    Standing,
)

LOW_TRAUMA, HIGH_ENERGY, PATHOLOGICAL, MALIGNANCY = "low-trauma", "high-energy", "pathological", "malignancy"
UNRELATED = frozenset({"VFX_PRIOR", "VFX_TRAUMATIC", "VFX_PATHOLOGICAL"})
DAY_NOT_KNOWN = "the day of the fracture is not known well enough"
DECIDING_ORDER = (
    "RVFX_PROBABLE",
    "RVFX_POSSIBLE",
    "UNKNOWN_MALIGNANCY",
    "VFX_ON_TREATMENT",
    "VFX_PATHOLOGICAL",
    "VFX_TRAUMATIC",
    "VFX_OSTEOPOROTIC",
    "VFX_PRIOR",
    "UNKNOWN",
)


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
    an index dose of a known product) or "unusable". `recent` holds when the event may lie within 24 months, `treated`
    when denosumab or zoledronate was given after it.
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


class IndexDose(Fact):
    """The last dose on or before a fracture, with the calendar edges that decide its class, as day numbers."""

    fracture: Field[int]
    given_latest: Field[int]
    effect_ends_earliest: Field[int]
    opens_latest: Field[int]
    closes_earliest: Field[int]
    over_latest: Field[int]
    repeated: Field[bool]
    bridged: Field[bool]
    when: DateInterval


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


class UnrelatedFractures(Fact):
    """Fractures that are prior, traumatic, pathological or no longer recent: risk factors, not today's problem."""

    number: Field[int]
    reasons: tuple[str, ...] = ()


class DecidingClass(Fact):
    """The class that decides for the patient: the first present among the recent fractures, else among older ones.

    `treated` holds when all fractures of that class were followed by denosumab or zoledronate; `prior` when there is
    a fracture before denosumab, or one that is no longer recent; `bridged` when a bisphosphonate was given between the
    last dose and one of its fractures.
    """

    word: Field[str]
    malignancy: Field[bool]
    recent: Field[bool]
    rebound: Field[bool]
    treated: Field[bool]
    prior: Field[bool]
    bridged: Field[bool]
    fractures: tuple[Fracture, ...] = ()
    reason: str = ""
    index: DateInterval | None = None


def fracture_facts(
    timeline: PatientTimeline, events: Sequence[FractureEvent], found: Exposure, limits: Limits
) -> list[Fact]:
    """Each event as a fact, with its index dose where there is one."""
    facts: list[Fact] = []
    recent_from = add_months(timeline.as_of, -limits.months("recent_fracture"))
    for number, event in enumerate(events):
        doses = found.up_to(event.when.latest, limits)
        index = index_dose(doses, event.when)
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
                treated=treated_since(timeline, event.when),
                event=event,
                evidence=event.evidence,
            )
        )
        if index is not None:
            facts.append(_index_fact(timeline, number, event, found, index, limits))
    return facts


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
    return "unusable" if {dose.product for dose in doses} == {"120mg"} else "dated"


def _minor(timeline: PatientTimeline, event: FractureEvent, limits: Limits) -> bool:
    birth = timeline.patient.birth
    return birth is not None and add_months(birth.earliest, 12 * limits.years("adult_from")) > event.when.latest


def _index_fact(
    timeline: PatientTimeline, number: int, event: FractureEvent, found: Exposure, index: Dose, limits: Limits
) -> IndexDose:
    tolerance = timedelta(days=limits.days("rebound_window_tolerance"))
    first, last = index.when.earliest, index.when.latest
    injections = sum(dose.when.latest <= event.when.latest for dose in found.doses)
    repeated = injections >= limits.number("repeated_doses") or found.stated_period(
        event.when.latest, limits.months("effect_ends")
    )
    return IndexDose(
        fracture=number,
        given_latest=last.toordinal(),
        effect_ends_earliest=add_months(first, limits.months("effect_ends")).toordinal(),
        opens_latest=(add_months(last, limits.months("rebound_window_opens")) - tolerance).toordinal(),
        closes_earliest=add_months(first, limits.months("rebound_window_closes")).toordinal(),
        over_latest=add_months(last, limits.months("rebound_over_after")).toordinal(),
        repeated=repeated,
        bridged=bridged(timeline, index.when, event.when),
        when=index.when,
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


def decide(facts: Sequence[Fact], limits: Mapping[str, float]) -> list[Fact]:
    """Give every fracture without a firm class RVFX_POSSIBLE or UNKNOWN, and name the class that decides."""
    del limits  # a summary may read limits; this one needs none
    classes = [fact for fact in facts if isinstance(fact, FractureClass)]
    rest = [
        FractureClass(
            fracture=one.fracture,
            word="RVFX_POSSIBLE",
            malignancy=False,
            recent=one.recent,
            reason=one.reason,
            evidence=one.evidence,
        )
        for one in facts
        if isinstance(one, PossibleRebound)
    ]
    named = {one.fracture for one in (*classes, *rest)}
    rest += [
        FractureClass(
            fracture=one.number,
            word="UNKNOWN",
            malignancy=False,
            recent=one.recent,
            reason="no usable date or strength of denosumab, or of the fracture",
            evidence=one.evidence,
        )
        for one in facts
        if isinstance(one, Fracture) and one.number not in named
    ]
    ranked = sorted([*classes, *rest], key=_rank)
    if not ranked:
        return []
    best = ranked[0]
    alike = {one.fracture for one in ranked if _rank(one) == _rank(best)}
    fractures = tuple(one for one in facts if isinstance(one, Fracture) and one.number in alike)
    doses = {one.fracture: one for one in facts if isinstance(one, IndexDose)}
    deciding = DecidingClass(
        word=best.word,
        malignancy=best.malignancy,
        recent=best.recent,
        rebound=best.word in ("RVFX_PROBABLE", "RVFX_POSSIBLE"),
        treated=all(one.treated for one in fractures),
        prior=any(not one.recent or one.word == "VFX_PRIOR" for one in ranked),
        bridged=any(number in alike and index.bridged for number, index in doses.items()),
        fractures=fractures,
        reason=best.reason,
        index=doses[best.fracture].when if best.fracture in doses else None,
        evidence=tuple(sorted({reference for one in ranked if one.fracture in alike for reference in one.evidence})),
    )
    return [*rest, *_unrelated(ranked), deciding]


def _unrelated(classes: Sequence[FractureClass]) -> list[UnrelatedFractures]:
    found = [one for one in classes if not one.recent or one.word in UNRELATED]
    if not found:
        return []
    reasons = [one.reason if one.word in UNRELATED else f"more than 24 months ago ({one.word})" for one in found]
    evidence = tuple(sorted({reference for one in found for reference in one.evidence}))
    return [UnrelatedFractures(number=len(found), reasons=tuple(dict.fromkeys(reasons)), evidence=evidence)]


def _rank(one: FractureClass) -> tuple[bool, int]:
    word = "UNKNOWN_MALIGNANCY" if one.malignancy else one.word
    return (not one.recent, DECIDING_ORDER.index(word))

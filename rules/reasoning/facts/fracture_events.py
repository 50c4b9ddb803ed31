"""Vertebral fracture events: the many records of one fracture become one event, dated as surely as they allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from rules.reasoning.dates import DateInterval
from rules.reasoning.facts.fractures import (
    DAY_NOT_KNOWN,
    HIGH_ENERGY,
    LOW_TRAUMA,
    MALIGNANCY,
    PATHOLOGICAL,
    FractureEvent,
)
from rules.reasoning.fracture_words import doubted, of_the_past, same_or_new, spares_the_body
from rules.reasoning.knowledge import Limits
from rules.reasoning.spine import sites
from rules.reasoning.terminology import seventh_character
from rules.reasoning.timeline import ConditionEvent, PatientTimeline

ICD_WITH_ENCOUNTER = frozenset({"icd-10-cm", "icd-10"})
"""A code of seven characters is one of ICD-10-CM even when it is sent under the name of the WHO edition."""

VERTEBRAL = frozenset(
    {
        "vertebral-fracture-osteoporotic",
        "vertebral-fracture-compression",
        "vertebral-fracture-cause-unspecified",
        "vertebral-fracture-neoplastic",
    }
)
OF_THE_BODY = VERTEBRAL - {"vertebral-fracture-cause-unspecified"}
VERTEBRAL_WITH_A_SITE = frozenset(
    {
        "fracture-osteoporotic-site-unspecified",
        "fracture-neoplastic-site-unspecified",
        "fracture-other-pathological",
        "osteoporosis-with-fracture",
    }
)
NEOPLASTIC = frozenset({"vertebral-fracture-neoplastic", "fracture-neoplastic-site-unspecified"})
BONE_MALIGNANCY = frozenset({"bone-metastasis", "multiple-myeloma", "bone-malignancy"})


@dataclass(frozen=True, slots=True)
class _Record:
    event: FractureEvent
    own_onset: bool
    initial: bool
    says: str


def fracture_events(timeline: PatientTimeline, limits: Limits) -> tuple[FractureEvent, ...]:
    """All vertebral fracture events of T1 to L5, oldest first; those of one day at several levels are one entry."""
    conditions = timeline.of(ConditionEvent)
    records = [record for one in conditions if (record := _record(one, conditions, timeline, limits)) is not None]
    # Dated records first: an undated one can then be recognised as a repeat.
    records.sort(key=lambda record: (record.event.when.open_start, record.event.when.latest, record.event.evidence))
    events: list[FractureEvent] = []
    for record in records:
        known = next((place for place, event in enumerate(events) if _same(record, event, limits)), None)
        if known is None:
            events.append(record.event)
        else:
            events[known] = _joined(events[known], record.event)
    return _one_entry_a_day(events)


def _record(
    condition: ConditionEvent, conditions: Sequence[ConditionEvent], timeline: PatientTimeline, limits: Limits
) -> _Record | None:
    vertebral = not condition.concepts.isdisjoint(VERTEBRAL)
    if not vertebral and condition.concepts.isdisjoint(VERTEBRAL_WITH_A_SITE):
        return None
    if condition.concepts.isdisjoint(OF_THE_BODY) and spares_the_body(condition.text):
        return None
    place = sites(condition.codes, condition.body_sites, condition.text)
    if not vertebral and not (place.levels or place.regions):
        return None
    encounters = {seventh_character(code.code) for code in condition.codes if code.system in ICD_WITH_ENCOUNTER}
    if place.outside_thoracolumbar or "sequela" in encounters:
        return None
    initial = "initial" in encounters
    when, firm = _when(condition, timeline, limits, initial=initial, later="subsequent" in encounters)
    if when.earliest > timeline.as_of:
        return None
    event = FractureEvent(
        when=when.until(timeline.as_of),
        levels=place.levels,
        evidence=(condition.reference,),
        cause=_cause(condition, when, conditions, limits),
        doubt=_doubt(condition, firm=firm),
    )
    return _Record(event, condition.when is not None, initial, same_or_new(condition.text))


def _when(
    condition: ConditionEvent, timeline: PatientTimeline, limits: Limits, *, initial: bool, later: bool
) -> tuple[DateInterval, bool]:
    """When the fracture happened, and whether that is firm enough for more than a possible class."""
    if condition.when is not None:
        return condition.when, True
    written = condition.recorded or condition.encounter_start
    if written is None:
        return DateInterval.up_to(timeline.as_of), False
    if (initial or condition.encounter_diagnosis) and not later and not of_the_past(condition.text):
        return DateInterval(
            written.earliest - timedelta(days=limits.days("fracture_before_recording")), written.latest
        ), True
    return DateInterval.up_to(written.latest), False


def _doubt(condition: ConditionEvent, *, firm: bool) -> str:
    """Why the record allows no more than a possible class; "" when it does."""
    if not condition.confirmed:
        return "the diagnosis is not confirmed"
    if doubted(condition.text):
        return "the words of the record leave the fracture in doubt"
    return "" if firm else DAY_NOT_KNOWN


def _cause(condition: ConditionEvent, when: DateInterval, conditions: Sequence[ConditionEvent], limits: Limits) -> str:
    near = limits.days("trauma_near_fracture")
    for one in conditions:
        if "high-energy-trauma" not in one.concepts:
            continue
        day = one.when or one.recorded
        if one is condition or (day is not None and day.days_from(when) <= near and not when.open_start):
            return HIGH_ENERGY
    if not condition.concepts.isdisjoint(NEOPLASTIC):
        return PATHOLOGICAL
    if any(one.confirmed and not one.concepts.isdisjoint(BONE_MALIGNANCY) for one in conditions):
        return MALIGNANCY
    return LOW_TRAUMA


def _same(record: _Record, known: FractureEvent, limits: Limits) -> bool:
    """Whether a record shows a fracture that is already known."""
    event = record.event
    apart = 0 if event.when.open_start else event.when.days_from(known.when)
    within = apart <= limits.days("one_fracture_a_level")
    if event.levels and known.levels:
        if event.levels.isdisjoint(known.levels):
            return False
        if event.when == known.when or record.says == "same":
            return True
        if record.says == "new":
            return False
        return within or not (record.initial and record.own_onset)
    return within and (event.when == known.when or record.says != "new")


def _joined(known: FractureEvent, repeat: FractureEvent) -> FractureEvent:
    return replace(
        known,
        levels=known.levels | repeat.levels,
        evidence=(*known.evidence, *repeat.evidence),
        doubt=known.doubt if repeat.doubt else "",
    )


def _one_entry_a_day(events: Sequence[FractureEvent]) -> tuple[FractureEvent, ...]:
    entries: dict[tuple[DateInterval, str], FractureEvent] = {}
    for event in events:
        key = (event.when, event.cause)
        entries[key] = _joined(entries[key], event) if key in entries else event
    return tuple(sorted(entries.values(), key=lambda event: (event.when.latest, event.evidence)))

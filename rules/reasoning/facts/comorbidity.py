"""Diagnoses and other drugs that speak against a drug, each as one yes/no field. False means "not on record"."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from rules.reasoning.dates import DateInterval, add_months
from rules.reasoning.fact import Fact, Field
from rules.reasoning.knowledge import Limits
from rules.reasoning.timeline import (
    SUPPLIED,
    ClinicalEvent,
    ConditionEvent,
    MedicationEvent,
    MedicationRecord,
    ObservationEvent,
    PatientTimeline,
    ProcedureEvent,
    Standing,
)

_BONE_MALIGNANCY = frozenset({"bone-metastasis", "multiple-myeloma", "bone-malignancy"})
_HYPERPARATHYROIDISM = frozenset({"hyperparathyroidism-primary", "hyperparathyroidism-other"})


class BoneDisease(Fact):
    """What speaks against bone-forming drugs."""

    malignancy: Field[bool]
    irradiated: Field[bool]
    paget: Field[bool]
    hyperparathyroidism: Field[bool]
    raised_alp: Field[bool]
    teriparatide_used_up: Field[bool]

    def in_words(self) -> str:
        """The fact as people say it."""
        return listed("bone disease", self)


class Circulation(Fact):
    """Heart, brain and clots. An event is recent when all days on which it may have been are, perhaps when some are."""

    event_recent: Field[bool]
    event_perhaps_recent: Field[bool]
    event_ever: Field[bool]
    thrombosis: Field[bool]
    stroke_or_coronary: Field[bool]
    heart_failure: Field[bool]

    def in_words(self) -> str:
        """The fact as people say it."""
        return listed("circulation", self)


class Digestion(Fact):
    """What speaks against tablets of a bisphosphonate, and against an NSAID."""

    oesophagus_blocked: Field[bool]
    oesophagus_diseased: Field[bool]
    malabsorption: Field[bool]
    bleeding: Field[bool]

    def in_words(self) -> str:
        """The fact as people say it."""
        return listed("digestion", self)


class Comedication(Fact):
    """Groups of drugs being taken, and conditions that make a sedative or painkiller risky."""

    benzodiazepine: Field[bool]
    gabapentinoid: Field[bool]
    anticoagulant: Field[bool]
    raas_inhibitor: Field[bool]
    diuretic: Field[bool]
    proton_pump_inhibitor: Field[bool]
    zoledronate_just_given: Field[bool]
    falls: Field[bool]
    sleep_apnoea: Field[bool]
    immobile: Field[bool]

    def in_words(self) -> str:
        """The fact as people say it."""
        return listed("also", self)


def listed(heading: str, fact: Fact) -> str:
    """The fields that hold, under a heading; "" when none does."""
    marks = [name.replace("_", " ") for name, value in fact.values().items() if value]
    return f"{heading}: {', '.join(marks)}" if marks else ""


def comorbidity_facts(timeline: PatientTimeline, limits: Limits) -> list[Fact]:
    """All four, always."""
    return [
        _bone(timeline, limits),
        _circulation(timeline, limits),
        _digestion(timeline),
        _comedication(timeline, limits),
    ]


def _bone(timeline: PatientTimeline, limits: Limits) -> BoneDisease:
    groups: dict[str, list[Any]] = {
        "malignancy": diagnosed(timeline, _BONE_MALIGNANCY),
        "irradiated": [one for one in timeline.events if "skeletal-irradiation" in one.concepts],
        "paget": diagnosed(timeline, {"paget"}),
        "hyperparathyroidism": [one for one in diagnosed(timeline, _HYPERPARATHYROIDISM) if holds_now(one)],
        "raised_alp": _raised_alp(timeline, limits),
        "teriparatide_used_up": _teriparatide_used_up(timeline, limits),
    }
    return BoneDisease(**{name: bool(found) for name, found in groups.items()}, evidence=references(groups.values()))


def _raised_alp(timeline: PatientTimeline, limits: Limits) -> list[ObservationEvent]:
    """The newest alkaline phosphatase of the last year, when it is above the laboratory's own range."""
    since = add_months(timeline.as_of, -limits.months("laboratory_counts"))
    found = [
        one for one in timeline.of(ObservationEvent) if "lab-alp" in one.concepts and one.value is not None and one.when
    ]
    found.sort(key=lambda one: (one.when.latest if one.when else date.min, one.reference))
    last = found[-1:] if found and found[-1].when and found[-1].when.latest >= since else []
    return [one for one in last if one.value is not None and one.high is not None and one.value > one.high]


def _teriparatide_used_up(timeline: PatientTimeline, limits: Limits) -> list[ClinicalEvent]:
    """Statements of teriparatide or abaloparatide that cover more days than the lifetime limit; a day counts once."""
    used = [
        one
        for one in timeline.of(MedicationEvent)
        if one.record is MedicationRecord.STATEMENT
        and one.concepts & {"teriparatide", "abaloparatide"}
        and one.when is not None
        and one.standing in (Standing.ACTIVE, Standing.HAPPENED, Standing.STOPPED)
    ]
    days, covered = 0, date.min
    for start, end in sorted((_start(one), _end(one, timeline.as_of)) for one in used):
        days += max((end - max(start, covered)).days, 0)
        covered = max(covered, end)
    allowed = (add_months(timeline.as_of, limits.months("teriparatide_lifetime")) - timeline.as_of).days
    return list(used) if days > allowed else []


def _start(one: MedicationEvent) -> date:
    assert one.when is not None
    return one.when.latest


def _end(one: MedicationEvent, as_of: date) -> date:
    return min(one.ended.earliest, as_of) if one.ended else as_of if one.standing is Standing.ACTIVE else _start(one)


def _circulation(timeline: PatientTimeline, limits: Limits) -> Circulation:
    events = diagnosed(timeline, {"myocardial-infarction", "stroke", "stroke-or-tia-history"})
    since = add_months(timeline.as_of, -limits.months("cardiovascular_event_recent"))
    dated = [(one, _began(one)) for one in events]
    groups = {
        "event_recent": [one for one, day in dated if day is not None and day.earliest >= since],
        "event_perhaps_recent": [one for one, day in dated if day is None or day.earliest < since <= day.latest],
        "event_ever": events,
        "thrombosis": diagnosed(timeline, {"vte"}),
        "stroke_or_coronary": [*events, *diagnosed(timeline, {"coronary-heart-disease"})],
        "heart_failure": diagnosed(timeline, {"heart-failure"}),
    }
    return Circulation(**{name: bool(found) for name, found in groups.items()}, evidence=references(groups.values()))


def _began(one: ConditionEvent) -> DateInterval | None:
    """The day of an event: its onset, else that of its encounter, else some day up to that on which it was recorded."""
    if one.when is not None or one.recorded is None:
        return one.when
    event = one.encounter_diagnosis and "stroke-or-tia-history" not in one.concepts
    return one.recorded if event else DateInterval.up_to(one.recorded.latest)


def _digestion(timeline: PatientTimeline) -> Digestion:
    groups: dict[str, list[ClinicalEvent]] = {
        "oesophagus_blocked": [*diagnosed(timeline, {"oesophageal-obstruction"})],
        "oesophagus_diseased": [
            *diagnosed(timeline, {"barrett-oesophagus", "dysphagia", "oesophageal-varices"}),
        ],
        "malabsorption": [
            one
            for one in timeline.of(ConditionEvent, ProcedureEvent)
            if one.concepts & {"malabsorption", "bariatric-surgery"} and _counts(one)
        ],
        "bleeding": [*diagnosed(timeline, {"gastrointestinal-bleed"})],
    }
    return Digestion(**{name: bool(found) for name, found in groups.items()}, evidence=references(groups.values()))


def _counts(one: ConditionEvent | ProcedureEvent) -> bool:
    if isinstance(one, ConditionEvent):
        return one.confirmed
    return one.standing is Standing.HAPPENED


def _comedication(timeline: PatientTimeline, limits: Limits) -> Comedication:
    just = timeline.as_of - timedelta(days=limits.days("nsaid_near_infusion"))
    groups: dict[str, list[ClinicalEvent]] = {
        name: [*taken(timeline, {name.replace("_", "-")}, limits)]
        for name in (
            "benzodiazepine",
            "gabapentinoid",
            "anticoagulant",
            "raas_inhibitor",
            "diuretic",
            "proton_pump_inhibitor",
        )
    }
    groups["zoledronate_just_given"] = [
        one
        for one in timeline.of(MedicationEvent, ProcedureEvent)
        if one.concepts & {"zoledronate", "zoledronate-5mg", "zoledronate-4mg"}
        and one.standing is Standing.HAPPENED
        and one.when is not None
        and one.when.latest >= just
    ]
    groups["falls"] = [*diagnosed(timeline, {"fall-history", "low-energy-fall"})]
    groups["sleep_apnoea"] = [*diagnosed(timeline, {"sleep-apnoea"})]
    groups["immobile"] = [one for one in diagnosed(timeline, {"immobility"}) if holds_now(one)]
    return Comedication(**{name: bool(found) for name, found in groups.items()}, evidence=references(groups.values()))


def taken(timeline: PatientTimeline, concepts: Iterable[str], limits: Limits) -> list[MedicationEvent]:
    """Drugs being taken: active statements and orders, drafts of this call, and what was dispensed lately."""
    wanted = frozenset(concepts)
    since = add_months(timeline.as_of, -limits.months("dispense_covers"))
    found = []
    for one in timeline.of(MedicationEvent):
        if not one.concepts & wanted:
            continue
        dispensed = one.record in SUPPLIED and one.standing is Standing.HAPPENED
        lately = dispensed and one.when is not None and one.when.latest >= since
        if lately or one.standing in (Standing.ACTIVE, Standing.DRAFT):
            found.append(one)
    return found


def diagnosed(timeline: PatientTimeline, concepts: Iterable[str]) -> list[ConditionEvent]:
    """Confirmed diagnoses of any time."""
    wanted = frozenset(concepts)
    return [one for one in timeline.of(ConditionEvent) if one.concepts & wanted and one.confirmed]


def holds_now(one: ConditionEvent) -> bool:
    """Whether a diagnosis is neither inactive nor ended."""
    return one.active and one.ended is None


def references(groups: Iterable[Iterable[ClinicalEvent]]) -> tuple[str, ...]:
    """The records of several groups, each once."""
    return tuple(sorted({one.reference for group in groups for one in group}))

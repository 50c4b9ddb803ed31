"""Signs that a vertebral fracture is an emergency, or something else than a rebound fracture."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from rules.reasoning.dates import add_months
from rules.reasoning.fact import Fact, Field
from rules.reasoning.facts.comorbidity import diagnosed, holds_now
from rules.reasoning.knowledge import Limits
from rules.reasoning.timeline import (
    ClinicalEvent,
    ConditionEvent,
    ImagingEvent,
    ObservationEvent,
    PatientTimeline,
)

NEUROLOGICAL = {
    "leg-weakness": "new weakness of a leg",
    "cauda-equina": "cauda equina syndrome",
    "sphincter-disturbance": "sphincter disturbance",
    "cord-compression": "compression of the cord",
    "vertebral-canal-compromise": "canal compromise on imaging",
}
MALIGNANT = {
    "malignancy-history": "cancer on record",
    "bone-metastasis": "bone metastasis on record",
    "multiple-myeloma": "myeloma on record",
    "bone-malignancy": "bone tumour on record",
    "weight-loss": "weight loss",
    "spinal-infection": "spinal infection on record",
    "vertebral-malignant-feature": "malignant feature on imaging",
    "lab-paraprotein": "paraprotein",
    "monoclonal-gammopathy": "paraprotein",
}


class Emergency(Fact):
    """A neurological or infective red flag of the last 30 days, beside back pain or a vertebral fracture."""

    back: Field[bool]
    words: str = ""


class OtherCause(Fact):
    """Signs of malignancy or infection as the cause of a fracture: what they are."""

    number: Field[int]
    words: tuple[str, ...] = ()

    def in_words(self) -> str:
        """The fact as people say it."""
        return f"signs of another cause: {', '.join(self.words)}" if self.words else ""


def emergency_facts(timeline: PatientTimeline, limits: Limits) -> list[Emergency]:
    """The red flags as one fact, when there are any."""
    since = timeline.as_of - timedelta(days=limits.days("new_symptom"))

    def recent(one: ClinicalEvent) -> bool:
        day = one.when or one.recorded
        now = holds_now(one) and one.confirmed if isinstance(one, ConditionEvent) else True
        return now and day is not None and day.latest >= since

    flags: dict[str, list[ClinicalEvent]] = {}
    for one in timeline.of(ConditionEvent, ImagingEvent, ObservationEvent):
        if recent(one):
            for concept in one.concepts & NEUROLOGICAL.keys():
                flags.setdefault(NEUROLOGICAL[concept], []).append(one)
    pain = [one for one in diagnosed(timeline, {"back-pain"}) if recent(one)]
    fever = [one for one in diagnosed(timeline, {"fever"}) if recent(one)]
    if fever and pain:
        flags["fever with pain of the spine"] = [*fever, *pain]
    if not flags:
        return []
    evidence = {one.reference for found in flags.values() for one in found}
    back = bool([one for one in diagnosed(timeline, {"back-pain"}) if holds_now(one)])
    return [Emergency(back=back, words=", ".join(sorted(flags)), evidence=tuple(sorted(evidence)))]


def other_causes(timeline: PatientTimeline, limits: Limits) -> OtherCause:
    """What the record holds that would explain a fracture otherwise. Always present."""
    flags: dict[str, list[ClinicalEvent]] = {}
    for one in timeline.of(ConditionEvent, ImagingEvent, ObservationEvent):
        if not isinstance(one, ConditionEvent) or one.confirmed:
            for concept in one.concepts & MALIGNANT.keys():
                flags.setdefault(MALIGNANT[concept], []).append(one)
    for concept, words, low in (
        ("lab-haemoglobin", "low haemoglobin", True),
        ("lab-crp", "high CRP", False),
        ("lab-esr", "high ESR", False),
    ):
        outside = [one for one in _newest(timeline, concept, limits) if _outside(one, low)]
        if outside:
            flags[words] = [*outside]
    evidence = tuple(sorted({one.reference for found in flags.values() for one in found}))
    return OtherCause(number=len(flags), words=tuple(sorted(flags)), evidence=evidence)


def _newest(timeline: PatientTimeline, concept: str, limits: Limits) -> Iterable[ObservationEvent]:
    since = add_months(timeline.as_of, -limits.months("laboratory_counts"))
    found = [
        one
        for one in timeline.of(ObservationEvent)
        if concept in one.concepts and one.value is not None and one.when is not None and one.when.latest >= since
    ]
    found.sort(key=lambda one: (one.when.latest if one.when else timeline.as_of, one.reference))
    return found[-1:]


def _outside(one: ObservationEvent, low: bool) -> bool:
    """Whether a value lies outside the laboratory's own range; without a range nothing is said."""
    if one.value is None:
        return False
    return one.low is not None and one.value < one.low if low else one.high is not None and one.value > one.high

"""Symptoms of a vertebral fracture that nobody has imaged: new back pain, loss of height, kyphosis."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from rules.reasoning.dates import DateInterval, add_months
from rules.reasoning.fact import Fact, Field
from rules.reasoning.knowledge import Limits
from rules.reasoning.timeline import (
    ClinicalEvent,
    ConditionEvent,
    ImagingEvent,
    ObservationEvent,
    OrderEvent,
    PatientTimeline,
    ProcedureEvent,
    Standing,
)

SYMPTOMS = {"back-pain": "new back pain", "height-loss": "loss of height", "kyphosis": "kyphosis"}
SPINE_IMAGING = frozenset({"imaging-spine-mri", "imaging-spine-xray", "imaging-spine-ct"})


class NewSymptom(Fact):
    """A symptom that began within the last 30 days. `imaged`: the spine was imaged, or imaging ordered, since then."""

    imaged: Field[bool]
    pain: Field[bool]
    began: Field[int]
    words: str
    when: DateInterval


def symptom_facts(timeline: PatientTimeline, limits: Limits) -> list[NewSymptom]:
    """The new symptoms; the one that was not imaged, or else the latest, stands for all of them."""
    since = timeline.as_of - timedelta(days=limits.days("new_symptom"))
    found = []
    for words, when, evidence in (*_complaints(timeline), *_loss_of_height(timeline, limits)):
        if when.latest < since or when.open_start:
            continue
        images = [one for one in timeline.events if _images_spine(one) and _not_before(one, when)]
        references = (*evidence, *(one.reference for one in images))
        found.append(
            NewSymptom(
                imaged=bool(images),
                pain=words == SYMPTOMS["back-pain"],
                began=when.earliest.toordinal(),
                words=words,
                when=when,
                evidence=references,
            )
        )
    found.sort(key=lambda one: (one.imaged, -one.when.latest.toordinal(), one.evidence))
    return found[:1]


def _complaints(timeline: PatientTimeline) -> Iterator[tuple[str, DateInterval, tuple[str, ...]]]:
    for one in timeline.of(ConditionEvent, ObservationEvent):
        if isinstance(one, ConditionEvent) and not (one.active and one.ended is None):
            continue
        when = one.when or one.recorded
        named = [words for concept, words in SYMPTOMS.items() if concept in one.concepts]
        if named and when is not None and when.earliest <= timeline.as_of:
            yield named[0], when.until(timeline.as_of), (one.reference,)


def _loss_of_height(timeline: PatientTimeline, limits: Limits) -> Iterator[tuple[str, DateInterval, tuple[str, ...]]]:
    """Loss between the last height and the tallest one: of any time, or of the last years."""
    heights = [
        one
        for one in timeline.of(ObservationEvent)
        if "body-height" in one.concepts and one.value is not None and one.when
    ]
    heights.sort(key=lambda one: (one.when.latest if one.when else timeline.as_of, one.reference))
    if len(heights) < 2:
        return
    last = heights[-1]
    assert last.when is not None
    assert last.value is not None
    recent_from = add_months(last.when.latest, -limits.months("height_recent"))
    for before in heights[:-1]:
        assert before.when is not None
        assert before.value is not None
        lost = round(before.value - last.value, 2)
        recent = before.when.earliest >= recent_from
        if lost >= limits["height_lost"] or (recent and lost >= limits["height_lost_recently"]):
            yield f"height {lost:g} cm less than on {before.when}", last.when, (before.reference, last.reference)
            return


def _images_spine(one: ClinicalEvent) -> bool:
    if not one.concepts & SPINE_IMAGING:
        return False
    if isinstance(one, OrderEvent):
        return one.standing in (Standing.ACTIVE, Standing.HAPPENED, Standing.DRAFT)
    return isinstance(one, ImagingEvent | ProcedureEvent) and one.standing is Standing.HAPPENED


def _not_before(one: ClinicalEvent, symptom: DateInterval) -> bool:
    """Whether all of an image's day is at or after the beginning of the symptom; a draft is being written now."""
    if one.standing is Standing.DRAFT:
        return True
    when = one.when or one.recorded
    return when is not None and when.earliest >= symptom.earliest

"""Denosumab 120 mg that has ended, and high calcium after any denosumab."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from statistics import median

from rules.reasoning.dates import DateInterval, add_months
from rules.reasoning.fact import Fact, Field
from rules.reasoning.facts.course import Exposure
from rules.reasoning.facts.drugs import DENOSUMAB
from rules.reasoning.facts.fractures import bridged
from rules.reasoning.facts.laboratory import Calcium
from rules.reasoning.facts.safety import Draft, is_minor
from rules.reasoning.knowledge import Limits
from rules.reasoning.timeline import PatientTimeline
from rules.reasoning.words import months_between


class OncologyStop(Fact):
    """A course of 120 mg only that has ended (in so many words, by an order of this call, or by time) unbridged."""

    by_order: Field[bool]
    words: str
    reference: str = ""


class HighCalcium(Fact):
    """Calcium above its range two to fourteen months after the last denosumab on or before the day it was measured."""

    severe: Field[bool]
    months: str
    said: str


def oncology_stop(
    timeline: PatientTimeline, found: Exposure, orders: Sequence[Draft], limits: Limits
) -> list[OncologyStop]:
    """The end of an oncology course, when no bisphosphonate followed it."""
    if found.last is None or {dose.product for dose in (*found.doses, found.last)} != {"120mg"}:
        return []
    last = found.last.when
    if bridged(timeline, last, DateInterval.on(timeline.as_of)):
        return []
    evidence = found.evidence
    for one in orders:
        if one.subject == DENOSUMAB and one.stop and one.selected:
            words = "Denosumab 120 mg is being stopped."
            return [OncologyStop(by_order=True, words=words, reference=one.reference, evidence=one.evidence)]
    if found.stop is not None:
        return [OncologyStop(by_order=False, words=f"Stopped: {found.stop.when}.", evidence=evidence)]
    silence = timedelta(days=limits.days("oncology_schedule_active"))
    gaps = [(later.when.earliest - earlier.when.latest).days for earlier, later in pairwise(found.doses)]
    if gaps:
        silence = max(silence, timedelta(days=2 * median(gaps)))
    if timeline.as_of <= last.latest + silence:
        return []
    words = f"No dose for longer than {silence.days} days."
    return [OncologyStop(by_order=False, words=words, evidence=evidence)]


def high_calcium(timeline: PatientTimeline, found: Exposure, calcium: Calcium, limits: Limits) -> list[HighCalcium]:
    """High calcium of the last months in the time of the rebound."""
    if not calcium.high or calcium.when is None:
        return []
    doses = found.doses or ((found.last,) if found.last else ())
    before = [dose for dose in doses if dose.when.latest <= calcium.when.earliest]
    fresh = calcium.when.earliest >= timeline.as_of - timedelta(days=limits.days("high_calcium_counts"))
    if not before or not fresh:
        return []
    last = before[-1].when
    opens = add_months(last.latest, limits.months("high_calcium_from"))
    closes = add_months(last.earliest, limits.months("high_calcium_until"))
    if not (opens <= calcium.when.earliest and calcium.when.latest <= closes):
        return []
    severe = calcium.value > limits["high_calcium_severe"] or is_minor(timeline, limits)
    months = months_between(last, calcium.when)
    evidence = tuple(sorted({*calcium.evidence, *before[-1].evidence}))
    return [HighCalcium(severe=severe, months=months, said=calcium.said, evidence=evidence)]

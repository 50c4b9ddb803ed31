"""Bone density: how low the T-score is, and whether bone was lost at one site between two measurements."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from rules.reasoning.dates import add_months
from rules.reasoning.fact import Fact, Field
from rules.reasoning.knowledge import Limits
from rules.reasoning.timeline import ObservationEvent, PatientTimeline

T_SCORES = ("dxa-tscore-spine", "dxa-tscore-hip", "dxa-tscore-other")
DENSITIES = ("dxa-bmd-spine", "dxa-bmd-hip", "dxa-bmd-other")


class BoneDensity(Fact):
    """The lowest of the newest T-scores of each site, and a loss of density at one site. Always present."""

    measured: Field[bool]
    t_score: Field[float]
    lost: Field[bool]
    said_lost: str = ""

    def in_words(self) -> str:
        """The fact as people say it."""
        lowest = f"lowest T-score {self.t_score:g}" if self.measured else "bone density not known"
        return f"{lowest}, {self.said_lost}" if self.lost else lowest


def bone_density_fact(timeline: PatientTimeline, limits: Limits) -> BoneDensity:
    """Bone density as far as it is on record."""
    newest = [found[-1] for concept in T_SCORES if (found := _of(timeline, concept))]
    losses = sorted(_losses(timeline, limits), key=lambda pair: pair[1].reference)
    used = [*newest, *(one for pair in losses[:1] for one in pair)]
    return BoneDensity(
        measured=bool(newest),
        t_score=round(min((_value(one) for one in newest), default=0.0), 2),
        lost=bool(losses),
        said_lost=_said(*losses[0]) if losses else "",
        evidence=tuple(sorted({one.reference for one in used})),
    )


def _of(timeline: PatientTimeline, concept: str) -> list[ObservationEvent]:
    """The measurements of one site, oldest first."""
    found = [
        one for one in timeline.of(ObservationEvent) if concept in one.concepts and one.value is not None and one.when
    ]
    return sorted(found, key=lambda one: (one.when.latest if one.when else timeline.as_of, one.reference))


def _losses(timeline: PatientTimeline, limits: Limits) -> Iterator[tuple[ObservationEvent, ObservationEvent]]:
    """Pairs of the newest density of a site and an earlier one of the last years that was higher by the limit."""
    for concept in DENSITIES:
        measured = _of(timeline, concept)
        for before, last in combinations(measured, 2):
            if last is not measured[-1] or before.when is None or last.when is None:
                continue
            near = before.when.earliest >= add_months(last.when.latest, -limits.months("density_compared_over"))
            lost = (_value(before) - _value(last)) / _value(before) * 100
            if near and round(lost, 3) >= limits["density_lost"]:
                yield before, last


def _said(before: ObservationEvent, last: ObservationEvent) -> str:
    lost = (_value(before) - _value(last)) / _value(before) * 100
    return f"{lost:.1f} % of density lost from {before.when} to {last.when}"


def _value(one: ObservationEvent) -> float:
    assert one.value is not None
    return one.value

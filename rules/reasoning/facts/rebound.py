"""Whether bone is, or may be, in rebound: what makes a bone-forming drug alone the wrong choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from rules.reasoning.dates import add_months
from rules.reasoning.fact import Fact, Field
from rules.reasoning.facts.deciding import DecidingClass, UnrelatedFractures, decide
from rules.reasoning.facts.denosumab import Course, Today
from rules.reasoning.facts.exit import PlannedStop, planned_stops
from rules.reasoning.facts.fractures import Fracture, FractureClass
from rules.reasoning.facts.laboratory import Calcium
from rules.reasoning.facts.red_flags import Emergency, OtherCause
from rules.reasoning.facts.risk import StopRisk, stop_risk
from rules.reasoning.spine import at_or_above_t4

MAY_BE_REBOUND = frozenset({"RVFX_PROBABLE", "RVFX_POSSIBLE", "UNKNOWN"})


class ReboundConcern(Fact):
    """A rebound fracture decides, or denosumab was given within 24 months and no malignancy is in question.

    Always present. `fracture` holds when it is because of a fracture.
    """

    present: Field[bool]
    fracture: Field[bool]
    reason: str = ""

    def in_words(self) -> str:
        """The fact as people say it."""
        return "" if self.fracture or not self.present else f"rebound to be reckoned with: {self.reason}"


class WaveWindow(Fact):
    """After a recent rebound fracture: pain that begins after day `opens` and up to `closes` may be a second wave."""

    opens: Field[int]
    closes: Field[int]
    word: str = ""

    def in_words(self) -> str:
        """The fact as people say it."""
        return ""  # said by the rule that reads it


class SpineTrouble(Fact):
    """Whether there is a recent vertebral fracture or back pain. Always present.

    `fracture` holds when there is a fracture, with or without pain.
    """

    present: Field[bool]
    fracture: Field[bool]

    def in_words(self) -> str:
        """The fact as people say it."""
        return ""  # said by the rule that reads it


class MalignancyQuestion(Fact):
    """A fracture that may be a rebound, and signs that it is something else."""

    number: Field[int]
    words: tuple[str, ...] = ()


RESOLVED: tuple[type[Fact], ...] = (
    FractureClass,
    DecidingClass,
    UnrelatedFractures,
    ReboundConcern,
    StopRisk,
    PlannedStop,
    WaveWindow,
    SpineTrouble,
    MalignancyQuestion,
)
"""The kinds of facts that `resolve` may add."""


def resolve(facts: Sequence[Fact], limits: Mapping[str, float]) -> list[Fact]:
    """The class that decides for the patient, whether a rebound is to be reckoned with, and what a stop would mean."""
    found = decide(facts, limits)
    known = [*facts, *found]
    verdict = next((one for one in found if isinstance(one, DecidingClass)), None)
    return [
        *found,
        _concern(facts, verdict, limits),
        stop_risk(known, limits),
        *_wave(verdict, limits),
        *planned_stops(known),
        *_further(known, verdict),
    ]


def _wave(verdict: DecidingClass | None, limits: Mapping[str, float]) -> list[WaveWindow]:
    if verdict is None or not verdict.rebound or not verdict.recent:
        return []
    first = min(date.fromordinal(one.latest) for one in verdict.fractures)
    opens = first + timedelta(days=int(limits["wave_begins_after"]))
    closes = add_months(first, int(limits["second_wave_until"]))
    return [
        WaveWindow(opens=opens.toordinal(), closes=closes.toordinal(), word=verdict.word, evidence=verdict.evidence)
    ]


def _further(facts: Sequence[Fact], verdict: DecidingClass | None) -> list[Fact]:
    fractures = [one for one in facts if isinstance(one, Fracture) and one.recent]
    pain = any(isinstance(one, Emergency) and one.back for one in facts)
    trouble = SpineTrouble(present=bool(fractures) or pain, fracture=bool(fractures), evidence=_evidence(fractures))
    if verdict is None or verdict.word not in MAY_BE_REBOUND:
        return [trouble]
    [cause] = [one for one in facts if isinstance(one, OtherCause)]
    [calcium] = [one for one in facts if isinstance(one, Calcium)]
    high_up = [one for one in verdict.fractures if any(map(at_or_above_t4, one.event.levels))]
    words = [*cause.words, *(["high calcium"] * calcium.high), *(["fracture at T4 or above"] * bool(high_up))]
    if not words:
        return [trouble]
    evidence = {*cause.evidence, *verdict.evidence, *(calcium.evidence if calcium.high else ())}
    return [trouble, MalignancyQuestion(number=len(words), words=tuple(words), evidence=tuple(sorted(evidence)))]


def _evidence(facts: Sequence[Fact]) -> tuple[str, ...]:
    return tuple(sorted({reference for one in facts for reference in one.evidence}))


def _concern(facts: Sequence[Fact], verdict: DecidingClass | None, limits: Mapping[str, float]) -> ReboundConcern:
    [course] = [one for one in facts if isinstance(one, Course)]
    [today] = [one for one in facts if isinstance(one, Today)]
    if verdict is not None and verdict.malignancy:
        return ReboundConcern(present=False, fracture=False, reason="malignancy not excluded")
    if verdict is not None and verdict.rebound:
        return ReboundConcern(present=True, fracture=True, reason=f"class {verdict.word}", evidence=verdict.evidence)
    recent = course.last is not None and today.day <= course.last_counts_until
    reason = f"denosumab within the last {limits['rebound_window_closes']:g} months" if recent else ""
    return ReboundConcern(present=recent, fracture=False, reason=reason, evidence=course.evidence)

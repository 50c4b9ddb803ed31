"""Whether bone is, or may be, in rebound: what makes a bone-forming drug alone the wrong choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rules.reasoning.fact import Fact, Field
from rules.reasoning.facts.denosumab import Course, Today
from rules.reasoning.facts.fractures import DecidingClass, decide


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


def resolve(facts: Sequence[Fact], limits: Mapping[str, float]) -> list[Fact]:
    """The class that decides for the patient, and whether a rebound is to be reckoned with."""
    found = decide(facts, limits)
    return [*found, _concern(facts, next((one for one in found if isinstance(one, DecidingClass)), None))]


def _concern(facts: Sequence[Fact], verdict: DecidingClass | None) -> ReboundConcern:
    [course] = [one for one in facts if isinstance(one, Course)]
    [today] = [one for one in facts if isinstance(one, Today)]
    if verdict is not None and verdict.malignancy:
        return ReboundConcern(present=False, fracture=False, reason="malignancy not excluded")
    if verdict is not None and verdict.rebound:
        return ReboundConcern(present=True, fracture=True, reason=f"class {verdict.word}", evidence=verdict.evidence)
    recent = course.last is not None and today.day <= course.last_counts_until
    reason = f"last dose of denosumab {course.last.when}" if course.last else ""
    return ReboundConcern(present=recent, fracture=False, reason=reason, evidence=course.evidence)

"""How high the risk is when denosumab is stopped: the reasons why a weak exit is not enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rules.reasoning.fact import Fact, Field
from rules.reasoning.facts.bone_density import BoneDensity
from rules.reasoning.facts.deciding import DecidingClass
from rules.reasoning.facts.denosumab import Course
from rules.reasoning.facts.patient import History


class StopRisk(Fact):
    """Whether a stop is one at high risk: long exposure, an old fracture, a low T-score, or a drug that raises it."""

    high: Field[bool]
    reasons: tuple[str, ...] = ()

    def in_words(self) -> str:
        """The fact as people say it."""
        return f"a stop would be at high risk: {', '.join(self.reasons)}" if self.high else ""


def stop_risk(facts: Sequence[Fact], limits: Mapping[str, float]) -> StopRisk:
    """The reasons, each with the records that it rests on."""
    reasons: dict[str, tuple[str, ...]] = {}
    for one in facts:
        if isinstance(one, Course) and one.long:
            reasons[_long(limits)] = one.evidence
        if isinstance(one, DecidingClass):
            reasons["a vertebral fracture"] = one.evidence
        if isinstance(one, History) and one.vertebral_fracture:
            reasons.setdefault("a vertebral fracture", one.evidence)
        if isinstance(one, History) and one.risk_drug:
            reasons["aromatase inhibitor, androgen deprivation or glucocorticoid"] = one.evidence
        if isinstance(one, BoneDensity) and one.measured and one.t_score <= limits["t_score_high_risk"]:
            reasons[f"T-score {one.t_score:g}"] = one.evidence
    evidence = tuple(sorted({reference for references in reasons.values() for reference in references}))
    return StopRisk(high=bool(reasons), reasons=tuple(reasons), evidence=evidence)


def _long(limits: Mapping[str, float]) -> str:
    return f"{limits['exposure_long_doses']:g} or more doses, or {limits['exposure_long_duration']:g} months"

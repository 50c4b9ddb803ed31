"""What speaks against a drug today: cautions, found one by one by rules, and the appraisal they add up to.

Every candidate is appraised, ordered or not: a draft is judged by it, and a suggestion obeys it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rules.reasoning.fact import Fact, Field
from rules.reasoning.facts.drugs import ALENDRONATE, DENOSUMAB, ZOLEDRONATE
from rules.reasoning.facts.laboratory import Calcium, Kidney, VitaminD
from rules.reasoning.facts.patient import PotentOrder
from rules.reasoning.facts.safety import Draft, SafetyHistory

BLOCK, NOT_YET, WARNING, REMARK, NONE = "block", "not yet", "warning", "remark", "none"
WEIGHTS = (BLOCK, NOT_YET, WARNING, REMARK, NONE)
"""How much a caution weighs: contraindicated; after a correction; only with a specialist; to be known; nothing."""

TESTS_BEFORE: Mapping[str, tuple[str, ...]] = {
    DENOSUMAB: ("calcium",),
    ZOLEDRONATE: ("calcium", "kidney"),
    ALENDRONATE: (),
}
"""The candidates, and the tests that must be fresh before a draft of each is offered."""

_HOLDS = (BLOCK, NOT_YET)
_HOLDS_TABLETS = (*_HOLDS, WARNING)
"""Tablets that the label does not recommend are not proposed: there is an infusion."""


class Caution(Fact):
    """One thing that speaks against a drug: why, and the step that would lift it ("" when none would).

    `duplicate` marks that the drug was given too recently: a matter of timing, not of safety. `tests_may_lift` marks
    what a blood test can show to be over, as it can for low calcium and not for pregnancy.
    """

    drug: Field[str]
    weight: Field[str]
    duplicate: Field[bool]
    reason: str
    step: str = ""
    tests_may_lift: bool = False

    def in_words(self) -> str:
        """The fact as people say it."""
        return ""  # the appraisal says it


class Appraisal(Fact):
    """All that speaks against one drug today. One for each candidate, always.

    `weight` is that of the heaviest caution (timing aside); `untested` are the blood tests that it needs and that are
    not fresh. `offered` says that a draft may be proposed: all tested, and neither blocked nor to be corrected first,
    nor a duplicate; to a minor none is.
    """

    drug: Field[str]
    weight: Field[str]
    offered: Field[bool]
    cautions: tuple[Caution, ...] = ()
    untested: tuple[str, ...] = ()

    def in_words(self) -> str:
        """The fact as people say it."""
        said = [f"{one.weight}: {one.reason}" for one in self.cautions]
        said += [f"waits for {' and '.join(self.untested)}"] if self.untested else []
        # Tablets are only of interest where they do not fit.
        return f"{self.drug}: {'; '.join(said) or 'no block found'}" if said or self.drug != ALENDRONATE else ""

    @property
    def barriers(self) -> tuple[Caution, ...]:
        """The cautions that keep the drug from being offered."""
        return tuple(one for one in self.cautions if one.duplicate or one.weight in _holds(self.drug))


def _holds(drug: str) -> tuple[str, ...]:
    return _HOLDS_TABLETS if drug == ALENDRONATE else _HOLDS


class JudgedDraft(Fact):
    """A new order that the call is about, with the heaviest caution against its drug ("none" when there is none)."""

    subject: Field[str]
    weight: Field[str]
    reference: str
    cautions: tuple[Caution, ...] = ()

    def in_words(self) -> str:
        """The fact as people say it."""
        return f"order of {self.subject}: {'; '.join(one.reason for one in self.cautions) or 'no block found'}"

    @property
    def reason(self) -> str:
        """What the heaviest caution says."""
        return next(one.reason for one in self.cautions if one.weight == self.weight)


class OnItsWay(Fact):
    """A potent antiresorptive is drafted or freshly ordered, and nothing in the record blocks it."""

    drug: Field[str]


APPRAISED: tuple[type[Fact], ...] = (Appraisal, JudgedDraft, OnItsWay)
"""The kinds of facts that `appraise` may add."""


def appraise(facts: Sequence[Fact], limits: Mapping[str, float]) -> list[Fact]:
    """One appraisal a candidate, and the orders that count as treatment on its way."""
    del limits  # the rules that found the cautions read them
    appraisals = [_appraisal(drug, facts) for drug in TESTS_BEFORE]
    held = {one.drug for one in appraisals if one.weight in _HOLDS}
    orders = [one for one in facts if isinstance(one, PotentOrder) and not (one.draft and one.drug in held)]
    judged = [_judged(one, facts) for one in facts if isinstance(one, Draft) and one.selected and not one.stop]
    return [*appraisals, *judged, *(OnItsWay(drug=one.drug, evidence=one.evidence) for one in orders)]


def _judged(draft: Draft, facts: Sequence[Fact]) -> JudgedDraft:
    cautions = [one for one in _cautions(draft.subject, facts) if not one.duplicate]
    evidence = {*draft.evidence, *(reference for one in cautions for reference in one.evidence)}
    return JudgedDraft(
        subject=draft.subject,
        weight=cautions[0].weight if cautions else NONE,
        reference=draft.reference,
        cautions=tuple(cautions),
        evidence=tuple(sorted(evidence)),
    )


def _cautions(drug: str, facts: Sequence[Fact]) -> list[Caution]:
    """All cautions against a drug, heaviest first."""
    found = [one for one in facts if isinstance(one, Caution) and one.drug == drug]
    return sorted(found, key=lambda one: (WEIGHTS.index(one.weight), one.reason))


def _appraisal(drug: str, facts: Sequence[Fact]) -> Appraisal:
    cautions = _cautions(drug, facts)
    weight = next((one.weight for one in cautions if not one.duplicate), NONE)
    fresh = {
        "calcium": any(one.fresh for one in facts if isinstance(one, Calcium)),
        "kidney": any(one.fresh for one in facts if isinstance(one, Kidney)),
    }
    untested = tuple(test for test in TESTS_BEFORE[drug] if not fresh[test])
    barred = weight in _holds(drug) or any(one.duplicate for one in cautions)
    barred |= any(one.minor for one in facts if isinstance(one, SafetyHistory))
    tests = [one for one in facts if isinstance(one, Calcium | Kidney | VitaminD)]
    return Appraisal(
        drug=drug,
        weight=weight,
        offered=not untested and not barred,
        cautions=tuple(cautions),
        untested=untested,
        evidence=tuple(sorted({reference for one in (*cautions, *tests) for reference in one.evidence})),
    )

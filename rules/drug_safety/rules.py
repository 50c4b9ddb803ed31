"""Orders of parenteral bone drugs: contraindicated, to be corrected first, or not to be judged without blood tests."""

from __future__ import annotations

from rules.drug_safety.cautions import NEPHROLOGY
from rules.reasoning.conclusions import Advice, Indicator, Suggestion, Withdraw
from rules.reasoning.conditions import each, fails, holds
from rules.reasoning.facts.appraisal import BLOCK, NOT_YET, WARNING, Appraisal, Caution, JudgedDraft
from rules.reasoning.facts.drugs import DENOSUMAB, ZOLEDRONATE
from rules.reasoning.facts.laboratory import TESTS, SafetyTests
from rules.reasoning.facts.safety import Draft
from rules.reasoning.plans import NAMES, order_tests, plans, ways
from rules.reasoning.rule import Phase, rule
from rules.reasoning.words import TO_NEPHROLOGY, laboratory

order = JudgedDraft.named("order")
other = Appraisal.named("other")
draft = Draft.named("draft")
tests = SafetyTests.named("tests")

MINERAL_TESTS = laboratory(
    "Order calcium, albumin, phosphate, PTH, alkaline phosphatase and 25-hydroxyvitamin D",
    *("calcium", "albumin", "phosphate", "pth", "alp", "25ohd"),
)


LABEL_OF_ZOLEDRONATE = (
    "A clearance of 35 mL/min or less, acute kidney injury and low calcium are contraindications of the label; vitamin "
    "D is replaced first. With a clearance of 35 or less after denosumab: denosumab again with calcium checks, or "
    "advice from nephrology."
)
LABEL_OF_DENOSUMAB = (
    "Low calcium and pregnancy are contraindications. An eGFR under 30 or dialysis is a boxed warning, not a "
    "contraindication: severe hypocalcaemia in 41 % of women on dialysis within 12 weeks. Stopping harms as well: plan "
    "with nephrology, calcium weekly in the first month."
)


@rule(
    "RVFX-31",
    phase=Phase.ADVISE,
    when=[
        each(order, order.subject == ZOLEDRONATE, order.weight.one_of(BLOCK, NOT_YET)),
        each(other, other.drug == DENOSUMAB),
    ],
)
def zoledronate_blocked(order: JudgedDraft, other: Appraisal) -> Advice:
    """An order of zoledronate is blocked by kidney, calcium, pregnancy or femur; low vitamin D makes it "not yet"."""
    blocked = order.weight == BLOCK
    said = order.cautions[0]
    measurable = any(one.tests_may_lift for one in order.cautions if one.weight in (BLOCK, NOT_YET))
    return Advice(
        indicator=Indicator.CRITICAL if blocked else Indicator.WARNING,
        summary=f"Zoledronate 5 mg is contraindicated here: {said.reason}. "
        + next_step(said, "Correct it or use another agent.")
        if blocked
        else f"Zoledronate 5 mg: not yet: {order.reason}. Load vitamin D and infuse within days.",
        detail=(
            *against(order),
            *ways(other),
            *((LABEL_OF_ZOLEDRONATE,) if measurable else ()),
        ),
        suggestions=(
            *(delete(order) if blocked else ()),
            *plans(other),
            *((order_tests(("calcium", "kidney")),) if measurable else ()),
        ),
        about=order.reference,
    )


@rule(
    "RVFX-32",
    phase=Phase.ADVISE,
    when=[each(order, order.subject == DENOSUMAB, order.weight.one_of(BLOCK, WARNING))],
)
def denosumab_at_risk(order: JudgedDraft) -> Advice:
    """An order of denosumab is blocked by low calcium, pregnancy, age or femur; an eGFR under 30 is a warning."""
    blocked = order.weight == BLOCK
    said = order.cautions[0]
    kidney = any(one.step == NEPHROLOGY for one in order.cautions)
    mineral = kidney or any(one.tests_may_lift for one in order.cautions)
    return Advice(
        indicator=Indicator.CRITICAL if blocked else Indicator.WARNING,
        summary=f"Denosumab risk: {said.reason}. "
        + (
            "Plan calcium checks before it is given."
            if said.step == NEPHROLOGY
            else next_step(said, "Not before this is corrected.")
        ),
        detail=(*against(order), *((LABEL_OF_DENOSUMAB,) if mineral else ())),
        suggestions=(
            *(delete(order) if blocked else ()),
            *((MINERAL_TESTS,) if mineral else ()),
            *((TO_NEPHROLOGY,) if kidney else ()),
        ),
        about=order.reference,
    )


@rule(
    "RVFX-38",
    phase=Phase.ADVISE,
    when=[
        each(
            draft,
            draft.subject.one_of(ZOLEDRONATE, DENOSUMAB, "romosozumab", "teriparatide"),
            holds(draft.selected),
            fails(draft.stop),
        ),
        each(tests, fails(tests.complete)),
    ],
)
def tests_missing(draft: Draft, tests: SafetyTests) -> Advice:
    """Before a parenteral bone drug calcium, kidney function and vitamin D must be known and fresh."""
    missing = ", ".join(TESTS[test] for test in tests.missing)
    drug = NAMES.get(draft.subject, draft.subject).lower()
    return Advice(
        indicator=Indicator.WARNING,
        summary=f"Check {missing} before {drug}: missing or out of date. No result is not a normal result.",
        detail=(
            "Hold the drug until they are known, unless delay is the greater harm (a rebound fracture, or more than "
            "nine months since the last denosumab): then chemistry on the same day.",
        ),
        suggestions=(order_tests(tests.missing),),
        about=draft.reference,
    )


def against(order: JudgedDraft) -> tuple[str, ...]:
    """What speaks against an order, a line of a list each, with the step that would lift it."""
    lines = (f"- {one.reason}" + (f": {one.step}" if one.step else "") for one in order.cautions)
    return ("\n".join(lines),)


def next_step(said: Caution, correct: str) -> str:
    """What a summary asks for: `correct` where a blood test can show it done, else the step, else a specialist."""
    if said.tests_may_lift:
        return correct
    return f"{said.step[:1].upper()}{said.step[1:]}." if said.step else "Ask a bone specialist."


def delete(order: JudgedDraft) -> tuple[Suggestion, ...]:
    """The suggestion to delete an order that is being written."""
    return (delete_draft(order.reference, order.subject),)


def delete_draft(reference: str, drug: str) -> Suggestion:
    """The suggestion to delete the draft of a drug."""
    words = f"Delete the draft of {drug}"
    return Suggestion(words, (Withdraw(reference, words),))

"""The choice between the two potent antiresorptives, in words and as suggestions that obey every block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from rules.reasoning.conclusions import Propose, Suggestion
from rules.reasoning.facts.appraisal import NONE, Appraisal
from rules.reasoning.facts.drugs import ALENDRONATE, DENOSUMAB, ZOLEDRONATE
from rules.reasoning.facts.laboratory import TESTS
from rules.reasoning.words import ORDERS_OF_TEST, laboratory

NAMES = {DENOSUMAB: "Denosumab 60 mg", ZOLEDRONATE: "Zoledronate 5 mg", ALENDRONATE: "Alendronate 70 mg weekly"}
ORDERS = {DENOSUMAB: "denosumab-60mg", ZOLEDRONATE: "zoledronate-5mg", ALENDRONATE: "alendronate-70mg"}
NO_BLOCK = "no block found in the data at hand"


def plans(*appraisals: Appraisal, due: date | None = None, urgent: bool = False) -> tuple[Suggestion, ...]:
    """One suggestion a drug that may be offered, each with the turnover markers that it will be judged by later.

    `due` is the day on which zoledronate is planned; None means now.
    """
    return tuple(
        Suggestion(
            _label(one),
            (Propose(ORDERS[one.drug], due=due, urgent=urgent), Propose("lab-ctx"), Propose("lab-p1np")),
        )
        for one in appraisals
        if one.offered
    )


def _label(one: Appraisal) -> str:
    remark = "" if one.weight == NONE else f" ({one.cautions[0].reason}: {one.cautions[0].step})"
    return f"{NAMES[one.drug]}{remark}, with CTX and P1NP as a baseline"


def tests_first(*appraisals: Appraisal) -> tuple[Suggestion, ...]:
    """The same-day blood tests that decide, when they are not fresh, or that must be repeated after a correction."""
    needed = dict.fromkeys(test for one in appraisals for test in one.untested)
    if not needed and any(one.barriers for one in appraisals):
        needed = dict.fromkeys(("calcium", "kidney"))
    if not needed:
        return ()
    # Vitamin D belongs to every same-day sample: its result decides how calcium is corrected.
    return (order_tests((*needed, "vitamin D")),)


def order_tests(tests: Sequence[str]) -> Suggestion:
    """One suggestion that orders the named tests of `TESTS`."""
    wanted = dict.fromkeys(tests)
    names = [TESTS[test] for test in wanted]
    label = f"Order {', '.join(names)} today" + (" (calcium with albumin)" if "calcium" in wanted else "")
    return laboratory(label, *dict.fromkeys(order for test in wanted for order in ORDERS_OF_TEST[test]))


def ways(*appraisals: Appraisal) -> tuple[str, ...]:
    """What holds for each drug today, a line of a list each: open, blocked and why, or which result it waits for."""
    return ("\n".join(f"- **{NAMES[one.drug]}**: {_way(one)}." for one in appraisals),)


def _way(one: Appraisal) -> str:
    said = [_caution(caution.weight, caution.reason, caution.step) for caution in one.cautions]
    if one.untested:
        tests = " and ".join(TESTS[test] for test in one.untested)
        said.append(f"{tests} must be known first (missing or out of date)")
    return "; ".join(said) if said else NO_BLOCK


def _caution(weight: str, reason: str, step: str) -> str:
    words = {"block": "blocked: ", "not yet": "not yet: ", "warning": "only with care: ", "remark": ""}[weight]
    return f"{words}{reason}" + (f" ({step})" if step else "")


def what_follows(denosumab: Appraisal, zoledronate: Appraisal, limits: Mapping[str, float]) -> str:
    """Which drug follows which result, when no drug can be offered yet."""
    clearance = f"{limits['zoledronate_clearance']:g} mL/min"
    if denosumab.barriers and zoledronate.barriers:
        return (
            f"**Neither drug today**: first {_steps(denosumab, zoledronate)}; then the drug whose block is lifted. "
            "Do not let it wait: the risk of further fractures is highest now."
        )
    if zoledronate.barriers:
        return "With calcium in range, denosumab 60 mg follows today; zoledronate stays blocked as said above."
    if denosumab.barriers:
        return f"With calcium in range and clearance above {clearance}, zoledronate 5 mg follows."
    return (
        f"**Which drug follows which result**: clearance {clearance} or less, denosumab 60 mg; low calcium, correct "
        f"calcium and vitamin D first; 25-hydroxyvitamin D under {limits['vitamin_d_deficient']:g} nmol/L, load before "
        "zoledronate; otherwise either."
    )


def _steps(*appraisals: Appraisal) -> str:
    steps = dict.fromkeys(caution.step for one in appraisals for caution in one.barriers if caution.step)
    return "; ".join(steps) or "ask a bone specialist"

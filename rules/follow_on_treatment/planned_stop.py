"""An exit plan before the first dose, and a planned stop after long or short exposure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from rules.reasoning.conclusions import Advice, Indicator, Propose, Suggestion
from rules.reasoning.conditions import each, fails, holds
from rules.reasoning.dates import add_months
from rules.reasoning.facts.appraisal import Appraisal
from rules.reasoning.facts.denosumab import Course, DenosumabState, Today
from rules.reasoning.facts.drugs import ALENDRONATE, DENOSUMAB, ZOLEDRONATE
from rules.reasoning.facts.exit import PlannedStop
from rules.reasoning.facts.patient import Person
from rules.reasoning.facts.risk import StopRisk
from rules.reasoning.facts.safety import Draft
from rules.reasoning.plans import NAMES, ORDERS, plans, tests_first, ways
from rules.reasoning.rule import Phase, rule
from rules.reasoning.words import REFERRAL, SAFETY_TESTS, dose_sentence

person = Person.named("person")
today = Today.named("today")
course = Course.named("course")
state = DenosumabState.named("state")
draft = Draft.named("draft")
stop = PlannedStop.named("stop")
risk = StopRisk.named("risk")
zoledronate = Appraisal.named("zoledronate")
alendronate = Appraisal.named("alendronate")


@rule(
    "RVFX-14",
    phase=Phase.ADVISE,
    when=[
        each(person, holds(person.advised)),
        each(state, state.word == "NEVER"),
        each(draft, draft.subject == DENOSUMAB, holds(draft.selected), fails(draft.stop), draft.product != "120mg"),
    ],
)
def exit_plan_before_the_first_dose(draft: Draft, limits: Mapping[str, float]) -> Advice:
    """The first order of denosumab 60 mg wants a long-term plan and its exit before the first dose."""
    return Advice(
        indicator=Indicator.INFO,
        summary="Before the first denosumab dose: agree a long-term plan. Stopping or delaying can cause multiple "
        "spine fractures.",
        detail=(
            "No denosumab is on record before this order. Confirm that an injection every six months is feasible, "
            "calcium and vitamin D are replete, teeth and kidney function checked; write down which drug will follow.",
            "Think again in younger women, in short planned courses, and when a bisphosphonate will not be possible "
            f"later (clearance {limits['zoledronate_clearance']:g} mL/min or less).",
        ),
        suggestions=(SAFETY_TESTS,),
        about=draft.reference,
    )


@rule(
    "RVFX-15",
    phase=Phase.ADVISE,
    when=[
        each(person, holds(person.advised)),
        each(stop),
        each(risk, holds(risk.high)),
        each(today),
        each(course),
        each(zoledronate, zoledronate.drug == ZOLEDRONATE),
    ],
)
def stop_after_long_or_risky_exposure(
    stop: PlannedStop, risk: StopRisk, today: Today, course: Course, zoledronate: Appraisal
) -> Advice:
    """A planned stop after long exposure, or at high risk, is followed by zoledronate at six months and by CTX."""
    due = six_months(course, today)
    return Advice(
        indicator=Indicator.WARNING,
        summary="Stop after long or high-risk denosumab use: zoledronate 5 mg at 6 months, CTX at 3 and 6 months "
        "after it.",
        detail=(
            f"**High risk**: {', '.join(risk.reasons)}. {dose_sentence(course)}",
            f"**Exit plan**: zoledronate 5 mg on {due}; CTX, fasting in the morning, around {add_months(due, 3)} and "
            f"{add_months(due, 6)}; a further infusion when turnover is high; bone density around "
            f"{add_months(due, 12)}. One infusion often does not hold the spine after more than six injections.",
            *ways(zoledronate),
            "To continue denosumab is a valid choice when the risk stays high.",
        ),
        suggestions=(*_exit_plan(due, zoledronate), *tests_first(zoledronate)),
        about=stop.reference,
    )


@rule(
    "RVFX-16",
    phase=Phase.ADVISE,
    when=[
        each(person, holds(person.advised)),
        each(stop),
        each(risk, fails(risk.high)),
        each(today),
        each(course),
        each(zoledronate, zoledronate.drug == ZOLEDRONATE),
        each(alendronate, alendronate.drug == ALENDRONATE),
    ],
)
def stop_after_short_exposure(
    stop: PlannedStop, today: Today, course: Course, zoledronate: Appraisal, alendronate: Appraisal
) -> Advice:
    """A planned stop after short exposure without high risk is followed by alendronate for one to two years.

    Where tablets do not fit, it is followed by zoledronate, or by what a specialist finds.
    """
    due = six_months(course, today)
    if not alendronate.offered:
        return Advice(
            indicator=Indicator.INFO,
            summary="Stop after a short denosumab course: alendronate does not fit here. Plan what follows 6 months "
            "after the last dose.",
            detail=(
                f"Nothing on record makes the risk high; what is not on record may. {dose_sentence(course)}",
                f"**Exit plan**: an antiresorptive from {due}, then bone density and CTX again. No treatment at all is "
                "not supported.",
                *ways(alendronate, zoledronate),
            ),
            suggestions=plans(zoledronate, due=due) or (*tests_first(zoledronate), REFERRAL),
            about=stop.reference,
        )
    order = Propose(ORDERS[ALENDRONATE], due=due)
    return Advice(
        indicator=Indicator.INFO,
        summary="Stop after a short denosumab course: oral bisphosphonate 1-2 years or zoledronate, starting 6 months "
        "after last dose.",
        detail=(
            f"Nothing on record makes the risk high; what is not on record may. {dose_sentence(course)}",
            f"**Exit plan**: alendronate 70 mg weekly from {due} for 12 to 24 months, or one infusion of zoledronate; "
            "then bone density and CTX again. No treatment at all is not supported.",
        ),
        suggestions=(Suggestion(f"{NAMES[ALENDRONATE]} from {due}", (order,)),),
        about=stop.reference,
    )


def six_months(course: Course, today: Today) -> date:
    """The day on which the effect of the last dose ends, or today when that is past or not known."""
    return max(course.due.latest, today.when) if course.due is not None else today.when


def _exit_plan(due: date, zoledronate: Appraisal) -> tuple[Suggestion, ...]:
    later = (
        Propose("lab-ctx", due=add_months(due, 3)),
        Propose("lab-ctx", due=add_months(due, 6)),
        Propose("dxa", due=add_months(due, 12)),
    )
    watch = Suggestion("Order CTX at 3 and 6 months after the infusion, and bone density at 12", later)
    if not zoledronate.offered:
        return (watch,)
    infusion = Propose("zoledronate-5mg", due=due)
    return (Suggestion(f"{NAMES[ZOLEDRONATE]} on {due}, with its follow-up", (infusion, *later)), watch)

"""The infusion that follows denosumab: its day, its follow-up, and follow-on drugs that are too weak."""

from __future__ import annotations

from collections.abc import Mapping

from rules.reasoning.conclusions import Advice, Indicator, Suggestion, Withdraw
from rules.reasoning.conditions import each, fails, holds
from rules.reasoning.dates import DateInterval
from rules.reasoning.facts.appraisal import Appraisal, OnItsWay
from rules.reasoning.facts.denosumab import Course, DenosumabState
from rules.reasoning.facts.drugs import DENOSUMAB, ZOLEDRONATE
from rules.reasoning.facts.exit import ExitInfusion, InfusionDraft, WeakFollowOn
from rules.reasoning.facts.patient import FollowOn, Person
from rules.reasoning.facts.rebound import ReboundConcern
from rules.reasoning.plans import plans, tests_first, ways
from rules.reasoning.rule import Phase, rule
from rules.reasoning.words import dose_sentence, laboratory, months_between

person = Person.named("person")
course = Course.named("course")
state = DenosumabState.named("state")
concern = ReboundConcern.named("concern")
planned = InfusionDraft.named("planned")
infusion = ExitInfusion.named("infusion")
weak = WeakFollowOn.named("weak")
follow_on = FollowOn.named("follow_on")
coming = OnItsWay.named("coming")
denosumab = Appraisal.named("denosumab")
zoledronate = Appraisal.named("zoledronate")

CTX = laboratory("Order CTX, fasting in the morning", "ctx")


@rule(
    "RVFX-17",
    phase=Phase.ADVISE,
    when=[
        each(person, holds(person.advised)),
        each(concern, fails(concern.fracture)),
        each(course),
        each(planned, planned.timing.one_of("early", "late")),
    ],
)
def infusion_at_the_wrong_time(course: Course, planned: InfusionDraft, limits: Mapping[str, float]) -> Advice:
    """Zoledronate after denosumab is given at six months: not before five months, and not later than nine."""
    months = months_between(course.last.when, DateInterval.on(planned.planned)) if course.last else "?"
    return Advice(
        indicator=Indicator.WARNING,
        summary=f"Zoledronate timing after denosumab: aim for 6 months after last dose; now {months} months.",
        detail=(
            dose_sentence(course),
            f"Before {limits['follow_on_from']:g} months turnover is still suppressed and bone may take up little "
            f"of the drug: plan the infusion for {course.due}."
            if planned.timing == "early"
            else "Do not delay further: give it now and measure CTX. The arms of the randomised trial at six months, "
            "nine months and by CTX lost similar bone density at the spine.",
        ),
        suggestions=() if planned.timing == "early" else (CTX,),
        about=planned.reference,
    )


@rule(
    "RVFX-18",
    phase=Phase.ADVISE,
    when=[
        each(person, holds(person.advised)),
        each(infusion, infusion.finding.one_of("due", "high", "lost")),
        each(denosumab, denosumab.drug == DENOSUMAB),
        each(zoledronate, zoledronate.drug == ZOLEDRONATE),
    ],
)
def follow_up_of_the_infusion(infusion: ExitInfusion, denosumab: Appraisal, zoledronate: Appraisal) -> Advice:
    """After zoledronate CTX is measured at three and six months; a high CTX or lost bone asks for more treatment."""
    due = infusion.finding == "due"
    finding = {
        "due": "CTX due. High turnover means a second infusion should be considered.",
        "high": "CTX high. High turnover means a second infusion should be considered.",
        "lost": "bone density was lost. Consider a second infusion, or denosumab again.",
    }[infusion.finding]
    offered = () if due else plans(denosumab, zoledronate)
    return Advice(
        indicator=Indicator.WARNING,
        summary=f"After denosumab-zoledronate switch: {finding}",
        detail=(
            f"Infusion on {infusion.when}; {infusion.said}.",
            "CTX, fasting in the morning, at three and six months. If it stays high: zoledronate 5 mg again, or "
            "denosumab again; where CTX cannot be measured consider a second infusion at six months. No cut-off is "
            "validated for everybody.",
            *(() if due else ways(denosumab, zoledronate)),
        ),
        suggestions=(CTX,) if due else offered or tests_first(denosumab, zoledronate),
        choice=bool(offered),
    )


@rule(
    "RVFX-19",
    phase=Phase.ADVISE,
    when=[
        each(person, holds(person.advised)),
        each(state, state.word.one_of("OVERDUE", "PRESUMED_DISCONTINUED", "STOPPED_EXPLICIT")),
        each(course, fails(course.last_120mg)),
        each(follow_on, fails(follow_on.covering)),
        each(weak),
        each(denosumab, denosumab.drug == DENOSUMAB),
        each(zoledronate, zoledronate.drug == ZOLEDRONATE),
    ],
    unless=[each(coming)],
)
def weak_drug_alone(course: Course, weak: WeakFollowOn, denosumab: Appraisal, zoledronate: Appraisal) -> Advice:
    """A SERM, hormones, calcitonin or a bone-forming drug alone does not hold the rebound after denosumab."""
    offered = plans(denosumab, zoledronate)
    words = f"Delete the draft of {weak.drug}"
    delete = (Suggestion(words, (Withdraw(weak.reference, words),)),) if weak.drafted else ()
    return Advice(
        indicator=Indicator.WARNING,
        summary=f"{weak.drug.capitalize()} alone does not contain the rebound after denosumab. Prefer zoledronate, or "
        "continue denosumab.",
        detail=(
            dose_sentence(course),
            "Fractures were reported with raloxifene and during romosozumab after denosumab; teriparatide after "
            "denosumab lost bone at hip and radius. Use a potent antiresorptive.",
            *ways(denosumab, zoledronate),
        ),
        suggestions=(*offered, *delete) or tests_first(denosumab, zoledronate),
        choice=bool(offered),
        about=weak.reference,
    )

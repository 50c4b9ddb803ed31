"""Denosumab on time: the next dose, a dose overdue, a lapse, and a last dose that nobody can date."""

from __future__ import annotations

from collections.abc import Mapping

from rules.reasoning.conclusions import Advice, Indicator, Suggestion
from rules.reasoning.conditions import each, fails, holds
from rules.reasoning.facts.appraisal import WARNING, Appraisal
from rules.reasoning.facts.denosumab import Course, DenosumabState, Today
from rules.reasoning.facts.drugs import DENOSUMAB, ZOLEDRONATE
from rules.reasoning.facts.patient import FollowOn, History, NextDose, Person
from rules.reasoning.plans import plans, tests_first, ways, what_follows
from rules.reasoning.rule import Phase, rule
from rules.reasoning.words import (
    RADIOGRAPHS,
    SAFETY_TESTS,
    booked_too_late,
    dose_sentence,
    laboratory,
    months_since_last_dose,
)

person = Person.named("person")
course = Course.named("course")
state = DenosumabState.named("state")
today = Today.named("today")
booking = NextDose.named("booking")
follow_on = FollowOn.named("follow_on")
history = History.named("history")
denosumab = Appraisal.named("denosumab")
zoledronate = Appraisal.named("zoledronate")

WORK_UP_OF_A_LAPSE = Suggestion(
    "Order radiographs of the spine, turnover and safety tests",
    (
        *RADIOGRAPHS.actions,
        *laboratory("", "ctx", "p1np", "calcium", "albumin", "creatinine", "25ohd").actions,
    ),
)


@rule(
    "RVFX-10",
    phase=Phase.ADVISE,
    when=[
        each(person, holds(person.advised)),
        each(state, state.word.one_of("DUE_SOON", "DUE")),
        each(today),
        each(course, course.remind_from <= today.day),
        each(booking, fails(booking.in_time)),
    ],
)
def dose_due(course: Course, booking: NextDose) -> Advice:
    """From 30 days before the due date to a month after it the next dose is to be booked, when it is not in time."""
    return Advice(
        indicator=Indicator.INFO,
        summary=f"Denosumab due {course.due}. Book it now; effect fades after 6 months and a delay over 1 month "
        "is linked with more fractures.",
        detail=(
            f"{dose_sentence(course)}{booked_too_late(booking)}",
            "Not before five months. Check calcium before the dose.",
        ),
        suggestions=(SAFETY_TESTS,),
    )


@rule(
    "RVFX-11",
    phase=Phase.ADVISE,
    when=[
        each(person, holds(person.advised)),
        each(state, state.word == "OVERDUE"),
        each(course),
        each(today),
        each(denosumab, denosumab.drug == DENOSUMAB),
        each(zoledronate, zoledronate.drug == ZOLEDRONATE),
    ],
)
def dose_overdue(
    course: Course, today: Today, denosumab: Appraisal, zoledronate: Appraisal, limits: Mapping[str, float]
) -> Advice:
    """More than 7 months after the last dose denosumab is overdue."""
    offered = plans(denosumab, zoledronate)
    conflict = bool(denosumab.barriers) or denosumab.weight == WARNING
    act = (
        f"Conflict: {denosumab.cautions[0].reason}. Plan the dose with care; ask about back pain."
        if conflict
        else "Give it now or switch; ask about new back pain first."
    )
    return Advice(
        indicator=Indicator.WARNING,
        summary=f"Denosumab overdue: {months_since_last_dose(course, today)} months since last dose. {act}",
        detail=(
            dose_sentence(course),
            "To wait has its own risk: the effect of denosumab is ending, and something speaks against the next dose. "
            "Plan the injection, or another antiresorptive, with a specialist within days. Ask about back pain and "
            "loss of height."
            if conflict
            else "Give 60 mg as soon as calcium is known to allow it, and time the next doses from this injection. If "
            "it cannot be given, change to another antiresorptive. Ask about back pain and loss of height.",
            *ways(denosumab, zoledronate),
            *(() if offered else (what_follows(denosumab, zoledronate, limits),)),
        ),
        suggestions=offered or tests_first(denosumab, zoledronate),
        choice=bool(offered),
    )


@rule(
    "RVFX-12",
    phase=Phase.ADVISE,
    when=[
        each(person, holds(person.advised)),
        each(state, state.word.one_of("PRESUMED_DISCONTINUED", "STOPPED_EXPLICIT")),
        each(today),
        each(
            course,
            course.lapsed_from <= today.day,
            fails(course.only_120mg),
        ),
        each(follow_on, fails(follow_on.covering)),
        each(history),
        each(denosumab, denosumab.drug == DENOSUMAB),
        each(zoledronate, zoledronate.drug == ZOLEDRONATE),
    ],
)
def denosumab_lapsed(
    course: Course,
    today: Today,
    history: History,
    denosumab: Appraisal,
    zoledronate: Appraisal,
    limits: Mapping[str, float],
) -> Advice:
    """Nine to 36 months after the last dose without a follow-on drug, denosumab has lapsed."""
    months = months_since_last_dose(course, today)
    high_risk = history.vertebral_fracture or history.risk_drug or course.doses >= limits["exposure_long_doses"]
    late = course.last_counts_until < today.day
    period = (
        "Rebound risk may persist: check for fractures, review treatment."
        if late
        else "Peak rebound period: check for fractures, treat within days."
    )
    offered = plans(denosumab, zoledronate)
    hold = "Denosumab is on hold: the clock runs. " if course.stop is not None and course.stop.on_hold else ""
    return Advice(
        indicator=Indicator.CRITICAL if high_risk else Indicator.WARNING,
        summary=f"Denosumab lapsed: {months} months since last dose, no follow-on drug. {period}",
        detail=(
            f"{hold}{dose_sentence(course)}",
            "Treat as an unplanned stop: image the spine, measure turnover, calcium, kidney function and vitamin D; "
            "then restart denosumab or give zoledronate 5 mg, now rather than at the next clinic.",
            *ways(denosumab, zoledronate),
            *(() if offered else (what_follows(denosumab, zoledronate, limits),)),
        ),
        # One choice: each drug brings the work-up along, for "at most one" may be taken.
        suggestions=(*(_with_work_up(one) for one in offered), WORK_UP_OF_A_LAPSE),
        choice=bool(offered),
    )


def _with_work_up(plan: Suggestion) -> Suggestion:
    further = [action for action in WORK_UP_OF_A_LAPSE.actions if action not in plan.actions]
    return Suggestion(f"{plan.label}, and radiographs of the spine", (*plan.actions, *further))


@rule("ASK-01", phase=Phase.ADVISE, when=[each(state, state.word == "UNKNOWN"), each(course, fails(course.only_120mg))])
def ask_for_the_date(course: Course) -> Advice:
    """Denosumab on record without a usable date or strength: ask for the date of the last injection."""
    return Advice(
        indicator=Indicator.INFO,
        summary="Denosumab is on record without a usable date or strength: ask when the last injection was given.",
        detail=(
            dose_sentence(course),
            "Whether a dose is due, overdue or lapsed cannot be told. A missed dose is dangerous: ask the patient, the "
            "pharmacy or the practice that injects, and record the injection with its day and strength.",
        ),
    )

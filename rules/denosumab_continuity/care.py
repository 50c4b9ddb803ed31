"""Denosumab around dental surgery and around a stay in hospital."""

from __future__ import annotations

from rules.reasoning.conclusions import Advice, Indicator
from rules.reasoning.conditions import each, fails
from rules.reasoning.facts.appraisal import Appraisal, OnItsWay
from rules.reasoning.facts.care import Admission, DentalSurgery
from rules.reasoning.facts.denosumab import Course, DenosumabState
from rules.reasoning.facts.drugs import DENOSUMAB
from rules.reasoning.facts.patient import NextDose, Person
from rules.reasoning.plans import plans, tests_first, ways
from rules.reasoning.rule import Phase, rule
from rules.reasoning.words import booked_too_late, dose_sentence

person = Person.named("person")
state = DenosumabState.named("state")
course = Course.named("course")
surgery = DentalSurgery.named("surgery")
stay = Admission.named("stay")
booking = NextDose.named("booking")
denosumab = Appraisal.named("denosumab")
coming = OnItsWay.named("coming")


@rule(
    "RVFX-20",
    phase=Phase.ADVISE,
    when=[
        each(state, state.word.one_of("ACTIVE", "DUE_SOON", "DUE", "OVERDUE")),
        each(course, fails(course.last_120mg)),
        each(surgery),
    ],
)
def dental_surgery_on_denosumab(course: Course, surgery: DentalSurgery) -> Advice:
    """Dental surgery on denosumab is timed late in the cycle; denosumab is not stopped for it."""
    return Advice(
        indicator=Indicator.WARNING,
        summary="Dental procedure: do not stop denosumab. Time it late in the cycle; next dose no more than 4 weeks "
        "late.",
        detail=(
            f"{dose_sentence(course)} Next dose due {course.due}.",
            "Dental care without surgery needs no change. An extraction or implant is best in month five to six after "
            "an injection, the next dose four to six weeks after it when the wound has healed, never more than four "
            "weeks late. Other bodies say just before the next dose, or three to four months after one: the sources "
            "differ. Established osteonecrosis: joint plan with oral surgery, and what bridges.",
        ),
        about=surgery.reference,
    )


@rule(
    "RVFX-21",
    phase=Phase.ADVISE,
    when=[
        each(stay),
        each(person),
        each(state, state.word.one_of("ACTIVE", "DUE_SOON", "DUE", "OVERDUE", "PRESUMED_DISCONTINUED")),
        each(course),
        each(booking, fails(booking.in_time)),
        each(denosumab, denosumab.drug == DENOSUMAB),
    ],
    unless=[each(coming)],
)
def due_around_an_admission(course: Course, stay: Admission, booking: NextDose, denosumab: Appraisal) -> Advice:
    """Denosumab that falls due around a stay in hospital is given before discharge or booked."""
    offered = plans(denosumab)
    return Advice(
        indicator=Indicator.WARNING,
        summary=f"Denosumab falls due around this admission ({course.due}). Give before discharge or book it; do not "
        "let it lapse.",
        detail=(
            f"{dose_sentence(course)} In hospital since {stay.when}; no dose since then and none planned "
            f"{'in time' if booking.booked else 'on record'}."
            f"{booked_too_late(booking)}",
            "A dose missed in a long stay is a known way to rebound fractures. Write the day given, or the next due "
            "day, into the discharge summary.",
            *ways(denosumab),
        ),
        suggestions=offered or tests_first(denosumab),
    )

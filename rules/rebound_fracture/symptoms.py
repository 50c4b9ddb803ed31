"""Symptoms after denosumab that nobody has imaged yet."""

from __future__ import annotations

from rules.reasoning.conclusions import Advice, Indicator
from rules.reasoning.conditions import each, fails
from rules.reasoning.facts.denosumab import Course, DenosumabState, Today
from rules.reasoning.facts.symptoms import NewSymptom
from rules.reasoning.rule import Phase, rule
from rules.reasoning.words import MRI, RADIOGRAPHS, dose_sentence, months_since_last_dose

today = Today.named("today")
state = DenosumabState.named("state")
course = Course.named("course")
symptom = NewSymptom.named("symptom")


@rule(
    "RVFX-03",
    phase=Phase.ADVISE,
    when=[
        each(state, state.word.one_of("OVERDUE", "PRESUMED_DISCONTINUED", "STOPPED_EXPLICIT")),
        each(today),
        each(course, course.due_from <= today.day),
        each(symptom, fails(symptom.imaged)),
    ],
)
def symptom_not_imaged(course: Course, today: Today, symptom: NewSymptom) -> Advice:
    """New back pain, loss of height or kyphosis after the effect of denosumab has ended, and no image of the spine."""
    months = months_since_last_dose(course, today)
    what = "Back pain" if symptom.pain else symptom.words[0].upper() + symptom.words[1:]
    return Advice(
        indicator=Indicator.WARNING,
        summary=f"{what} {months} months after last "
        "denosumab and no spine imaging: image T+L spine to find rebound fractures.",
        detail=(
            f"{symptom.words[0].upper()}{symptom.words[1:]} ({symptom.when}); no image of the spine since then on "
            f"record. {dose_sentence(course)}",
            "Lateral radiographs of the thoracic and lumbar spine, or a vertebral fracture assessment, now; MRI with "
            "STIR when they are negative and the pain is acute, or to tell the age of a deformity. Several levels are "
            "the rule: image the whole thoracolumbar spine, not one segment.",
        ),
        suggestions=(RADIOGRAPHS, MRI),
    )

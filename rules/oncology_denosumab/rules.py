"""Denosumab 120 mg that was stopped, with nothing after it."""

from __future__ import annotations

from rules.reasoning.conclusions import Advice, Indicator, Propose, Suggestion
from rules.reasoning.conditions import each
from rules.reasoning.facts.denosumab import Course
from rules.reasoning.facts.oncology import OncologyStop
from rules.reasoning.rule import Phase, rule
from rules.reasoning.words import dose_sentence, laboratory

course = Course.named("course")
stop = OncologyStop.named("stop")

ADVICE = Suggestion("Ask oncology for advice", (Propose("referral-oncology"),))
CALCIUM = laboratory("Order calcium and albumin", "calcium", "albumin")


@rule("RVFX-22", phase=Phase.ADVISE, when=[each(course), each(stop)])
def oncology_course_stopped(course: Course, stop: OncologyStop) -> Advice:
    """A course of 120 mg that has ended without a bisphosphonate can be followed by the same rebound."""
    return Advice(
        indicator=Indicator.INFO,
        summary="Oncology denosumab stopped: rebound fractures and hypercalcaemia also occur. Agree a bisphosphonate "
        "with oncology.",
        detail=(
            f"{stop.words} {dose_sentence(course)}",
            "Not the calendar of six months: these doses come every four weeks, or are spaced. Ask oncology about "
            "zoledronate; check calcium three to eight months after the last dose; tell a new collapse from a "
            "metastasis by MRI.",
        ),
        suggestions=(CALCIUM, ADVICE),
        about=stop.reference,
    )

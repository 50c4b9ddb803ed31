"""Care of a rebound fracture beside its drug: romosozumab, pain, rehabilitation."""

from __future__ import annotations

from collections.abc import Mapping

from rules.reasoning.conclusions import Advice, Indicator, Propose, Suggestion
from rules.reasoning.conditions import each, fails, holds
from rules.reasoning.facts.care import CareNeed
from rules.reasoning.facts.denosumab import Course, Today
from rules.reasoning.facts.patient import Person
from rules.reasoning.facts.safety import Draft
from rules.reasoning.rule import Phase, rule
from rules.reasoning.words import REFERRAL, dose_sentence

person = Person.named("person")
today = Today.named("today")
course = Course.named("course")
draft = Draft.named("draft")
need = CareNeed.named("need")

PHYSIOTHERAPY = Suggestion("Refer to physiotherapy with back protection", (Propose("physiotherapy"),))
PAIN_TEAM = Suggestion("Ask the pain team", (Propose("referral-pain"),))


@rule(
    "RVFX-28",
    phase=Phase.ADVISE,
    when=[
        each(person, holds(person.advised)),
        each(today),
        each(course, holds(course.exposed), course.last_counts_until > today.day),
        each(draft, draft.subject == "romosozumab", holds(draft.selected), fails(draft.stop)),
    ],
)
def romosozumab_after_denosumab(course: Course, draft: Draft) -> Advice:
    """Romosozumab within 24 months of denosumab is a decision for a specialist."""
    return Advice(
        indicator=Indicator.WARNING,
        summary="Romosozumab after denosumab: conflicting case data and small BMD gain. Specialist decision; "
        "antiresorptive first.",
        detail=(
            dose_sentence(course),
            "One patient had five new fractures after three doses; a series of four had none. Check the heart and "
            "vessels, and calcium.",
        ),
        suggestions=(REFERRAL,),
        about=draft.reference,
    )


@rule("RVFX-29", phase=Phase.ADVISE, when=[each(need, need.topic == "pain")])
def pain_and_opioids(need: CareNeed, limits: Mapping[str, float]) -> Advice:
    """The pain of a rebound fracture is relieved early, and an opioid is given with safeguards."""
    return Advice(
        indicator=Indicator.INFO,
        summary="Rebound fracture pain is often severe: short opioid course with safeguards; check sedatives, falls, "
        "bowel, kidneys."
        if not need.reference
        else "Opioid order: check sedatives, falls, bowel and kidneys; lowest dose, short course, early review.",
        detail=(
            f"**Here**: {', '.join(need.words)}.",
            "Paracetamol by the clock; an opioid at the lowest dose for the acute phase, with a laxative and a review "
            "within seven days; not beside a benzodiazepine; offer naloxone when the risk is raised; no morphine or "
            f"codeine with an eGFR under {limits['opioid_kidney']:g}.",
        ),
        suggestions=(PAIN_TEAM,),
        about=need.reference,
    )


@rule("RVFX-30", phase=Phase.ADVISE, when=[each(need, need.topic == "rehabilitation")])
def rehabilitation(need: CareNeed) -> Advice:
    """A rebound fracture wants back protection, early mobilisation, supervised exercise and a team."""
    return Advice(
        indicator=Indicator.INFO,
        summary="Add back protection, early mobilisation, supervised exercise and FLS. Brace: optional, evidence "
        "scarce.",
        detail=(
            f"**Here**: {', '.join(need.words)}.",
            "Short relative rest only, days, then walking; hinge at the hips, no loaded or end-range flexion, no "
            "manipulation of the spine; a programme led by physiotherapy; a review of falls. A soft or rigid brace was "
            "not better than none in trials of ordinary fractures; there are no data in rebound fractures.",
        ),
        suggestions=(PHYSIOTHERAPY, REFERRAL),
        about=need.reference,
    )

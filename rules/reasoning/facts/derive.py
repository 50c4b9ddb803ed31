"""All facts of one timeline: what the rules of the first phase start from, and what is drawn together after a phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rules.reasoning.fact import Fact
from rules.reasoning.facts.appraisal import APPRAISED, appraise
from rules.reasoning.facts.bone_density import bone_density_fact
from rules.reasoning.facts.care import CareNeed, admissions, care_needs, dental_surgery, rehabilitation_fact
from rules.reasoning.facts.comorbidity import comorbidity_facts
from rules.reasoning.facts.course import Exposure, exposure
from rules.reasoning.facts.denosumab import Today, course_fact
from rules.reasoning.facts.duplicates import duplicate_drafts
from rules.reasoning.facts.exit import exit_infusion_fact, infusion_drafts, weak_follow_on
from rules.reasoning.facts.fracture_events import fracture_events
from rules.reasoning.facts.fractures import earlier_fractures, fracture_facts
from rules.reasoning.facts.laboratory import Calcium, laboratory_facts
from rules.reasoning.facts.oncology import high_calcium, oncology_stop
from rules.reasoning.facts.patient import (
    drug_record_fact,
    follow_on_fact,
    history_fact,
    next_dose_fact,
    person_fact,
    potent_orders,
    turnover_fact,
)
from rules.reasoning.facts.place import Place
from rules.reasoning.facts.rebound import RESOLVED, resolve
from rules.reasoning.facts.red_flags import emergency_facts, other_causes
from rules.reasoning.facts.safety import allergies, drafts, safety_history, stop_of_the_stay
from rules.reasoning.facts.symptoms import symptom_facts
from rules.reasoning.knowledge import Limits
from rules.reasoning.rule import Phase, Summary
from rules.reasoning.timeline import PatientTimeline

KINDS: Sequence[type[Fact]] = tuple(
    kind for kind in Fact.__subclasses__() if kind.__module__.startswith("rules.reasoning.facts.")
)
"""Every kind of fact of the product: found where they are defined, not listed a second time."""


def after_appraisal(facts: Sequence[Fact], limits: Mapping[str, float]) -> list[Fact]:
    """What every drug's cautions add up to, and which care that leaves to be said."""
    appraised = appraise(facts, limits)
    return [*appraised, *care_needs([*facts, *appraised])]


SUMMARIES: Mapping[Phase, Summary] = {
    Phase.RESOLVE: Summary(resolve, RESOLVED),
    Phase.APPRAISE: Summary(after_appraisal, (*APPRAISED, CareNeed)),
}
"""What is drawn together after a phase, before the next one begins."""


def derive(timeline: PatientTimeline, limits: Limits, jurisdiction: str) -> tuple[list[Fact], Exposure]:
    """The facts of a timeline, and the exposure to denosumab that they were read from."""
    found = exposure(timeline, limits)
    fractures = fracture_facts(timeline, fracture_events(timeline, limits), found, limits)
    facts: list[Fact] = [
        Today(day=timeline.as_of.toordinal(), when=timeline.as_of),
        Place(jurisdiction=jurisdiction),
        person_fact(timeline, limits),
        turnover_fact(timeline, limits),
        drug_record_fact(timeline),
        history_fact(timeline, earlier_fractures(fractures)),
        follow_on_fact(timeline, found, limits),
        next_dose_fact(timeline, found, limits),
        safety_history(timeline, found, limits),
        rehabilitation_fact(timeline, limits),
        other_causes(timeline, limits),
        *comorbidity_facts(timeline, limits),
        *potent_orders(timeline, limits),
        *allergies(timeline),
        *symptom_facts(timeline, limits),
        *emergency_facts(timeline, limits),
        *dental_surgery(timeline),
        *admissions(timeline, found, limits),
        *weak_follow_on(timeline, found),
        *fractures,
        *_of_the_course(timeline, found, limits),
    ]
    return facts, found


def _of_the_course(timeline: PatientTimeline, found: Exposure, limits: Limits) -> list[Fact]:
    """The course of denosumab, and the facts that are measured against it."""
    course, density, orders = (
        course_fact(timeline, found, limits),
        bone_density_fact(timeline, limits),
        drafts(timeline, limits) or stop_of_the_stay(timeline, found, limits),
    )
    laboratory = laboratory_facts(timeline, limits)
    [calcium] = [one for one in laboratory if isinstance(one, Calcium)]
    return [
        course,
        density,
        *orders,
        *laboratory,
        *infusion_drafts(orders, course, timeline.as_of, limits),
        *exit_infusion_fact(timeline, found, density, limits),
        *duplicate_drafts(orders, found, timeline.as_of, limits),
        *oncology_stop(timeline, found, orders, limits),
        *high_calcium(timeline, found, calcium, limits),
    ]

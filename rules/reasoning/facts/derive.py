"""All facts of one timeline: what the rules of the first phase start from."""

from __future__ import annotations

from collections.abc import Sequence

from rules.reasoning.fact import Fact
from rules.reasoning.facts.appraisal import Appraisal, Caution, OnItsWay
from rules.reasoning.facts.course import Exposure, exposure
from rules.reasoning.facts.denosumab import Course, DenosumabState, Today, Turnover, course_fact
from rules.reasoning.facts.fracture_events import fracture_events
from rules.reasoning.facts.fractures import (
    DecidingClass,
    Fracture,
    FractureClass,
    IndexDose,
    PossibleRebound,
    UnrelatedFractures,
    fracture_facts,
)
from rules.reasoning.facts.laboratory import Calcium, Kidney, SafetyTests, VitaminD, laboratory_facts
from rules.reasoning.facts.patient import (
    FollowOn,
    History,
    NextDose,
    Person,
    PotentOrder,
    follow_on_fact,
    history_fact,
    next_dose_fact,
    person_fact,
    potent_orders,
    turnover_fact,
)
from rules.reasoning.facts.rebound import ReboundConcern
from rules.reasoning.facts.safety import Draft, DrugAllergy, SafetyHistory, allergies, drafts, safety_history
from rules.reasoning.facts.symptoms import NewSymptom, symptom_facts
from rules.reasoning.knowledge import Limits
from rules.reasoning.timeline import PatientTimeline

KINDS: Sequence[type[Fact]] = (
    Today,
    Person,
    Course,
    Turnover,
    History,
    FollowOn,
    NextDose,
    PotentOrder,
    Draft,
    Calcium,
    Kidney,
    VitaminD,
    SafetyTests,
    SafetyHistory,
    DrugAllergy,
    NewSymptom,
    Fracture,
    IndexDose,
    DenosumabState,
    FractureClass,
    PossibleRebound,
    UnrelatedFractures,
    DecidingClass,
    ReboundConcern,
    Caution,
    Appraisal,
    OnItsWay,
)


def derive(timeline: PatientTimeline, limits: Limits) -> tuple[list[Fact], Exposure]:
    """The facts of a timeline, and the exposure to denosumab that they were read from."""
    found = exposure(timeline, limits)
    facts: list[Fact] = [
        Today(day=timeline.as_of.toordinal(), when=timeline.as_of),
        person_fact(timeline, limits),
        course_fact(timeline, found, limits),
        turnover_fact(timeline, limits),
        history_fact(timeline),
        follow_on_fact(timeline, found, limits),
        next_dose_fact(timeline),
        *potent_orders(timeline, limits),
        *drafts(timeline, limits),
        *laboratory_facts(timeline, limits),
        safety_history(timeline, found, limits),
        *allergies(timeline),
        *symptom_facts(timeline, limits),
        *fracture_facts(timeline, fracture_events(timeline, limits), found, limits),
    ]
    return facts, found

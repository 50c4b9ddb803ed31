"""Facts that speak for or against a drug beside blood tests: diagnoses, allergies, and the orders being written."""

from __future__ import annotations

from datetime import date, timedelta

from rules.reasoning.dates import DateInterval, add_months, whole_months
from rules.reasoning.fact import Fact, Field
from rules.reasoning.facts.course import Exposure
from rules.reasoning.facts.doses import stated_product
from rules.reasoning.facts.drugs import AUGMENTATION, DENOSUMAB, ZOLEDRONATE, drug_of
from rules.reasoning.knowledge import Limits
from rules.reasoning.timeline import (
    AllergyEvent,
    ClinicalEvent,
    ConditionEvent,
    EncounterEvent,
    MedicationEvent,
    MedicationRecord,
    OrderEvent,
    PatientTimeline,
    ProcedureEvent,
    Standing,
)

OTHER_ORDERS = (AUGMENTATION, "nsaid", "opioid", "spinal-orthosis", "dental-surgery")
"""Orders beside bone drugs that rules judge, by their concepts."""


class SafetyHistory(Fact):
    """What the record holds against antiresorptives. Always present; false means "not on record", never "excluded".

    `atypical_femur` is a current or past atypical femoral fracture; `oncology_zoledronate` that the 4 mg product is in
    use; `dose_too_close` that the last dose of denosumab is so recent that another would be a duplicate.
    """

    pregnant: Field[bool]
    lactating: Field[bool]
    minor: Field[bool]
    atypical_femur: Field[bool]
    jaw_necrosis: Field[bool]
    oncology_zoledronate: Field[bool]
    dose_too_close: Field[bool]

    def in_words(self) -> str:
        """The fact as people say it."""
        marks = [name.replace("_", " ") for name, value in self.values().items() if value]
        return f"against antiresorptives: {', '.join(marks) or 'nothing on record'}"


class DrugAllergy(Fact):
    """An allergy or intolerance to a bone drug."""

    drug: Field[str]


class Draft(Fact):
    """An order in the context of the call: a bone drug by name, or one of `OTHER_ORDERS`.

    `stop` says that the order ends or suspends the drug; `selected` that the call is about this order. `planned` is the
    day that the order names (`dated`), else the day it was written.
    """

    subject: Field[str]
    stop: Field[bool]
    selected: Field[bool]
    product: Field[str]
    reference: str
    planned: DateInterval | None = None
    dated: bool = False


def safety_history(timeline: PatientTimeline, found: Exposure, limits: Limits) -> SafetyHistory:
    """Diagnoses and records that speak against a drug today."""
    pregnant = pregnancies(timeline, limits)
    since = add_months(timeline.as_of, -limits.months("lactation_counts"))
    lactating = [one for one in _diagnoses(timeline, "lactation") if _active(one) and _from(one, since)]
    femur = _diagnoses(timeline, "atypical-femoral-fracture")
    jaw = [one for one in _diagnoses(timeline, "onj") if _active(one)]
    oncology = [one for one in timeline.events if _oncology_zoledronate(one, timeline, limits)]
    close = timeline.as_of - timedelta(days=limits.days("dose_too_close"))
    last = found.last
    too_close = last is not None and last.when.latest > close and last.basis != "stated"
    marked: list[ClinicalEvent] = [*pregnant, *lactating, *femur, *jaw, *oncology]
    return SafetyHistory(
        pregnant=bool(pregnant),
        lactating=bool(lactating),
        minor=is_minor(timeline, limits),
        atypical_femur=bool(femur),
        jaw_necrosis=bool(jaw),
        oncology_zoledronate=bool(oncology),
        dose_too_close=too_close,
        evidence=tuple(sorted({one.reference for one in marked})),
    )


def is_minor(timeline: PatientTimeline, limits: Limits) -> bool:
    """Whether the patient is under age on every day of birth that the record allows."""
    birth = timeline.patient.birth
    return birth is not None and whole_months(birth.earliest, timeline.as_of) < 12 * limits.years("adult_from")


def pregnancies(timeline: PatientTimeline, limits: Limits) -> list[ConditionEvent]:
    """Active pregnancies; one that was recorded longer ago than a pregnancy lasts is over."""
    since = add_months(timeline.as_of, -limits.months("pregnancy_counts"))
    return [one for one in _diagnoses(timeline, "pregnancy") if _active(one) and _from(one, since)]


def allergies(timeline: PatientTimeline) -> list[DrugAllergy]:
    """Allergies and intolerances to a bone drug, one a drug."""
    found: dict[str, list[str]] = {}
    for one in timeline.of(AllergyEvent):
        if drug := drug_of(one.concepts):
            found.setdefault(drug, []).append(one.reference)
    return [DrugAllergy(drug=drug, evidence=tuple(sorted(named))) for drug, named in found.items()]


def drafts(timeline: PatientTimeline, limits: Limits) -> list[Draft]:
    """The orders of the call's context that rules judge; zoledronate 4 mg of oncology is for others to judge."""
    found = []
    for one in timeline.of(MedicationEvent, OrderEvent):
        if not one.from_context or _is_oncology_zoledronate(one, limits):
            continue
        subject = drug_of(one.concepts) or next((name for name in OTHER_ORDERS if name in one.concepts), "")
        if not subject:
            continue
        planned = one.when or one.recorded
        found.append(
            Draft(
                subject=subject,
                stop=one.standing in (Standing.STOPPED, Standing.ON_HOLD),
                selected=one.selected,
                product=stated_product(one, limits) if subject == DENOSUMAB else "",
                reference=one.reference,
                planned=planned,
                dated=one.when is not None,
                evidence=(one.reference,),
            )
        )
    return found


def stop_of_the_stay(timeline: PatientTimeline, found: Exposure, limits: Limits) -> list[Draft]:
    """A stop of denosumab in the stay of now, or in one that has just ended: it is judged as the stop that it is."""
    stop, last = found.stop, found.last
    if stop is None or last is None:
        return []
    just = timeline.as_of - timedelta(days=limits.days("admission_just_ended"))
    for one in timeline.of(EncounterEvent):
        end = one.ended.latest if one.ended is not None else timeline.as_of
        if not one.inpatient or one.when is None or end < just:
            continue
        if one.when.earliest <= stop.when.earliest and stop.when.latest <= end:
            evidence = tuple(sorted({stop.evidence, one.reference}))
            return [
                Draft(
                    subject=DENOSUMAB,
                    stop=True,
                    selected=True,
                    product=last.product,
                    reference=stop.evidence,
                    planned=stop.when,
                    dated=True,
                    evidence=evidence,
                )
            ]
    return []


def _diagnoses(timeline: PatientTimeline, concept: str) -> list[ConditionEvent]:
    return [one for one in timeline.of(ConditionEvent) if concept in one.concepts and one.confirmed]


def _active(one: ConditionEvent) -> bool:
    return one.active and one.ended is None


def _from(one: ConditionEvent, since: date) -> bool:
    """Whether a diagnosis is not older than `since`; one without any date counts."""
    day = one.when or one.recorded or one.encounter_start
    return day is None or day.latest >= since


def _oncology_zoledronate(one: ClinicalEvent, timeline: PatientTimeline, limits: Limits) -> bool:
    if not isinstance(one, MedicationEvent | ProcedureEvent) or not _is_oncology_zoledronate(one, limits):
        return False
    ordered = isinstance(one, MedicationEvent) and one.record in (MedicationRecord.STATEMENT, MedicationRecord.REQUEST)
    if ordered:
        return one.standing is Standing.ACTIVE
    since = add_months(timeline.as_of, -limits.months("oncology_zoledronate_counts"))
    return one.standing is Standing.HAPPENED and one.when is not None and one.when.latest >= since


def _is_oncology_zoledronate(one: ClinicalEvent, limits: Limits) -> bool:
    """Whether it is the 4 mg product, by its codes or by its amount."""
    if drug_of(one.concepts) != ZOLEDRONATE:
        return False
    dose = one.dose_mg if isinstance(one, MedicationEvent) else None
    by_dose = dose == limits.number("zoledronate_oncology_dose") and "zoledronate-5mg" not in one.concepts
    return "zoledronate-4mg" in one.concepts or by_dose

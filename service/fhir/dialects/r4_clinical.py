"""FHIR R4 diagnoses, procedures, orders and observations as events of the timeline."""

from __future__ import annotations

from rules.reasoning.dates import DateInterval
from rules.reasoning.facts.drugs import DRUGS
from rules.reasoning.timeline import (
    ClinicalEvent,
    ConditionEvent,
    ObservationEvent,
    OrderEvent,
    ProcedureEvent,
    Standing,
)
from rules.reasoning.units import QUANTITIES, QUANTITY_OF, UnusableUnit, canonical, factor
from service.fhir import resources_r4 as r4
from service.fhir.dialects import r4_status as words
from service.fhir.elements import Component, Quantity
from service.fhir.reading import Coded, PatientReading, last_two, test_named

_CERTAINTY = "icd-10-gm-diagnosesicherheit"


def condition(resource: r4.Condition, reading: PatientReading) -> list[ClinicalEvent]:
    reference = words.name(resource)
    verification = words.word(resource.verificationStatus)
    if verification in ("refuted", "entered-in-error"):
        return []
    sure = {one.valueCoding.code for one in resource.extension if _CERTAINTY in one.url and one.valueCoding}
    coded = reading.coded([resource.code], resource.note)
    concepts = coded.concepts - DRUGS
    if not concepts or "A" in sure:
        return []
    onset = reading.day(resource.onsetDateTime, reference, "Condition.onsetDateTime")
    if resource.onsetPeriod is not None:
        onset, _ = words.period(resource.onsetPeriod, reading, reference, "Condition.onsetPeriod")
    if words.in_the_future(onset, reading):
        reading.refuse(reference, "Condition.onset", "dated after the day of evaluation")
        return []
    encounter = resource.encounter.reference if resource.encounter else None
    return [
        ConditionEvent(
            reference=reference,
            concepts=frozenset({"vertebral-fracture-history"}) if "Z" in sure else concepts,
            standing=Standing.HAPPENED,
            when=onset,
            recorded=reading.day(resource.recordedDate, reference, "Condition.recordedDate"),
            ended=reading.day(resource.abatementDateTime, reference, "Condition.abatementDateTime"),
            codes=coded.codes,
            text=coded.text,
            confirmed=verification in ("", "confirmed") and "V" not in sure,
            active=words.word(resource.clinicalStatus) in ("", "active", "recurrence", "relapse"),
            encounter_diagnosis=any(words.word(one) == "encounter-diagnosis" for one in resource.category),
            encounter_start=reading.encounters.get(last_two(encounter)) if encounter else None,
            body_sites=reading.sites(resource.bodySite),
        )
    ]


def procedure(resource: r4.Procedure, reading: PatientReading) -> list[ClinicalEvent]:
    reference = words.name(resource)
    standing = words.standing(resource.status, words.DONE, words.NOT_DONE_YET, reference, reading)
    coded = reading.coded([resource.code], resource.note)
    if standing is None or not coded.concepts:
        return []
    if standing is Standing.UNCERTAIN and coded.concepts.isdisjoint(DRUGS):
        return []
    when = reading.day(resource.performedDateTime, reference, "Procedure.performedDateTime")
    if resource.performedPeriod is not None:
        when, _ = words.period(resource.performedPeriod, reading, reference, "Procedure.performedPeriod")
    if words.in_the_future(when, reading):
        reading.refuse(reference, "Procedure.performed", "dated after the day of evaluation")
        return []
    return [
        ProcedureEvent(
            reference=reference,
            concepts=coded.concepts,
            standing=standing,
            when=when,
            codes=coded.codes,
            text=coded.text,
            body_sites=reading.sites(resource.bodySite),
        )
    ]


def service_request(resource: r4.ServiceRequest, reading: PatientReading) -> list[ClinicalEvent]:
    reference = words.name(resource)
    standing = words.standing(resource.status, words.ORDER, frozenset({"draft"}), reference, reading)
    coded = reading.coded([resource.code], resource.note)
    if standing is None or not coded.concepts:
        return []
    return [
        OrderEvent(
            reference=reference,
            concepts=coded.concepts,
            standing=Standing.STOPPED if resource.doNotPerform else standing,
            when=reading.day(resource.occurrenceDateTime, reference, "ServiceRequest.occurrenceDateTime", planned=True),
            recorded=reading.day(resource.authoredOn, reference, "ServiceRequest.authoredOn"),
            codes=coded.codes,
            text=coded.text,
            body_sites=reading.sites(resource.bodySite),
            from_context=reading.draft,
            selected=reading.draft and reading.selected,
        )
    ]


def observation(resource: r4.Observation, reading: PatientReading) -> list[ClinicalEvent]:
    reference = words.name(resource)
    if resource.status not in words.OBSERVED:
        return []
    parts: tuple[r4.Observation | Component, ...] = (resource, *resource.component)
    known = [(one, coded) for one in parts if (coded := _finding(one, reading)).concepts]
    if not known:
        return []
    when = reading.day(resource.effectiveDateTime, reference, "Observation.effectiveDateTime")
    if resource.effectivePeriod is not None:
        when, _ = words.period(resource.effectivePeriod, reading, reference, "Observation.effectivePeriod")
    when = when or reading.day(resource.issued, reference, "Observation.issued")
    if words.in_the_future(when, reading):
        reading.refuse(reference, "Observation.effective", "dated after the day of evaluation")
        return []
    found = [_observed(one, coded, when, reference, reading) for one, coded in known]
    return [event for event in found if event is not None]


def _finding(one: r4.Observation | Component, reading: PatientReading) -> Coded:
    """What was measured, with what a coded answer names."""
    if one.valueCodeableConcept is None:
        return test_named(reading.terminology, one.code)
    coded = reading.coded([one.code, one.valueCodeableConcept])
    return Coded(coded.codes, coded.text, coded.concepts - DRUGS)


def _observed(
    one: r4.Observation | Component, coded: Coded, when: DateInterval | None, reference: str, reading: PatientReading
) -> ObservationEvent | None:
    quantities = {QUANTITY_OF[concept] for concept in coded.concepts if concept in QUANTITY_OF}
    value = low = high = None
    unit = ""
    if quantities:
        quantity = quantities.pop()
        value = _measured(quantity, one.valueQuantity, reference, reading)
        if value is None:
            return None
        unit = QUANTITIES[quantity].unit
        ranges = one.referenceRange[:1]
        low = _bound(quantity, ranges[0].low, reference, reading) if ranges else None
        high = _bound(quantity, ranges[0].high, reference, reading) if ranges else None
    return ObservationEvent(
        reference=reference,
        concepts=coded.concepts,
        standing=Standing.HAPPENED,
        when=when,
        codes=coded.codes,
        text=" | ".join(word for word in (coded.text, one.valueString) if word),
        value=value,
        unit=unit,
        low=low,
        high=high,
    )


def _measured(quantity: str, given: Quantity | None, reference: str, reading: PatientReading) -> float | None:
    """A value in its canonical unit; one that is only known to lie below or above a number lies a trifle beyond it."""
    if given is None or given.value is None:
        reading.refuse(reference, "Observation.valueQuantity", "has no value")
        return None
    try:
        value = canonical(quantity, given.value, given.code or given.unit or "")
    except UnusableUnit as error:
        reading.refuse(reference, "Observation.valueQuantity", str(error))
        return None
    return value + _BEYOND.get(given.comparator or "", 0.0) * abs(value)


_BEYOND = {"<": -1e-7, ">": 1e-7}
"""Less than any laboratory tells, and more than is lost by rounding."""

_DECIMALS = 9
"""Those of a value in its canonical unit, so that one at a bound of its range is at it."""


def _bound(quantity: str, given: Quantity | None, reference: str, reading: PatientReading) -> float | None:
    """A bound of a reference range, which need not be a value that a person can have: many begin at 0."""
    if given is None or given.value is None:
        return None
    try:
        return round(given.value * factor(quantity, given.code or given.unit or ""), _DECIMALS)
    except UnusableUnit as error:
        reading.refuse(reference, "Observation.referenceRange", str(error))
        return None

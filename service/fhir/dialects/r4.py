"""FHIR R4: its resources as events of the timeline."""

from __future__ import annotations

import re
from collections.abc import Callable

from rules.reasoning.dates import DateInterval
from rules.reasoning.timeline import (
    ClinicalEvent,
    ConditionEvent,
    MedicationEvent,
    MedicationRecord,
    ObservationEvent,
    ProcedureEvent,
    Standing,
)
from rules.reasoning.units import QUANTITIES, QUANTITY_OF, UnusableUnit, canonical
from service.fhir import resources_r4 as r4
from service.fhir.elements import CodeableConcept, Dosage, Period, Quantity
from service.fhir.reading import PatientReading, last_two

_MILLIGRAMS = re.compile(r"\b(\d+(?:\.\d+)?)\s?mg\b(?!\s?/)", re.IGNORECASE)
_MONTHLY = re.compile(r"\b(?:every|q)\s?(\d+)\s?(?:months?|mo)\b", re.IGNORECASE)
_MONTHS_PER = {"d": 12 / 365.25, "wk": 84 / 365.25, "mo": 1.0, "a": 12.0}
_CERTAINTY = "icd-10-gm-diagnosesicherheit"

IGNORED = frozenset({"entered-in-error", "not-done", "unknown"})
STATEMENT = {
    "active": Standing.ACTIVE,
    "completed": Standing.HAPPENED,
    "stopped": Standing.STOPPED,
    "not-taken": Standing.STOPPED,
    "on-hold": Standing.ON_HOLD,
    "intended": Standing.PLANNED,
}
REQUEST = {
    "active": Standing.ACTIVE,
    "completed": Standing.HAPPENED,
    "stopped": Standing.STOPPED,
    "cancelled": Standing.STOPPED,
    "on-hold": Standing.ON_HOLD,
}
DONE = {"completed": Standing.HAPPENED}
NOT_DONE_YET = frozenset({"in-progress", "preparation", "on-hold", "stopped", "cancelled", "declined", "draft"})
OBSERVED = frozenset({"final", "amended", "corrected", "preliminary"})


def events(resource: r4.Resource, reading: PatientReading) -> list[ClinicalEvent]:
    """The events of one resource: none when it never counts, or when nothing in it matters here."""
    read = _READERS.get(type(resource))
    return read(resource, reading) if read is not None else []


def _statement(resource: r4.MedicationStatement, reading: PatientReading) -> list[ClinicalEvent]:
    reference = _name(resource)
    standing = _standing(resource.status, STATEMENT, frozenset(), reference, reading)
    period = resource.effectivePeriod
    when = reading.day(resource.effectiveDateTime, reference, "MedicationStatement.effectiveDateTime")
    ended = when if standing in (Standing.HAPPENED, Standing.STOPPED) else None
    if period is not None:
        when, ended = _period(period, reading, reference, "MedicationStatement.effectivePeriod")
    return _medication(
        resource,
        MedicationRecord.STATEMENT,
        standing,
        reading,
        when=when,
        ended=ended,
        recorded=reading.day(resource.dateAsserted, reference, "MedicationStatement.dateAsserted"),
        dosages=resource.dosage,
    )


def _request(resource: r4.MedicationRequest, reading: PatientReading) -> list[ClinicalEvent]:
    reference = _name(resource)
    standing = _standing(resource.status, REQUEST, frozenset({"draft"}), reference, reading)
    if resource.intent in ("proposal", "plan"):
        standing = Standing.PLANNED if standing is not None else None
    if resource.doNotPerform and standing is not None:
        standing = Standing.STOPPED
    period = resource.dispenseRequest.validityPeriod if resource.dispenseRequest else None
    when, ended = _period(period, reading, reference, "MedicationRequest.dispenseRequest.validityPeriod")
    planned = [day for dosage in resource.dosageInstruction if dosage.timing for day in dosage.timing.event]
    if planned:
        when = reading.day(planned[0], reference, "MedicationRequest.dosageInstruction.timing.event")
    return _medication(
        resource,
        MedicationRecord.REQUEST,
        standing,
        reading,
        when=when,
        ended=ended,
        recorded=reading.day(resource.authoredOn, reference, "MedicationRequest.authoredOn"),
        dosages=resource.dosageInstruction,
        prohibited=bool(resource.doNotPerform),
    )


def _administration(resource: r4.MedicationAdministration, reading: PatientReading) -> list[ClinicalEvent]:
    reference = _name(resource)
    when = reading.day(resource.effectiveDateTime, reference, "MedicationAdministration.effectiveDateTime")
    if resource.effectivePeriod is not None:
        when, _ = _period(resource.effectivePeriod, reading, reference, "MedicationAdministration.effectivePeriod")
    dosage = resource.dosage
    return _medication(
        resource,
        MedicationRecord.ADMINISTRATION,
        _standing(resource.status, DONE, NOT_DONE_YET, reference, reading),
        reading,
        when=when,
        order=last_two(resource.request.reference) if resource.request and resource.request.reference else None,
        dose_mg=_milligrams(dosage.dose, dosage.text) if dosage else None,
    )


def _dispense(resource: r4.MedicationDispense, reading: PatientReading) -> list[ClinicalEvent]:
    reference = _name(resource)
    orders = [last_two(order.reference) for order in resource.authorizingPrescription if order.reference]
    return _medication(
        resource,
        MedicationRecord.DISPENSE,
        _standing(resource.status, DONE, NOT_DONE_YET, reference, reading),
        reading,
        when=reading.day(resource.whenHandedOver, reference, "MedicationDispense.whenHandedOver")
        or reading.day(resource.whenPrepared, reference, "MedicationDispense.whenPrepared"),
        order=orders[0] if orders else None,
        dosages=resource.dosageInstruction,
    )


def _medication(
    resource: r4.Drug,
    record: MedicationRecord,
    standing: Standing | None,
    reading: PatientReading,
    *,
    when: DateInterval | None,
    ended: DateInterval | None = None,
    recorded: DateInterval | None = None,
    dosages: list[Dosage] | None = None,
    order: str | None = None,
    dose_mg: float | None = None,
    prohibited: bool = False,
) -> list[ClinicalEvent]:
    if standing is None:
        return []
    reference = _name(resource)
    contained = {one.id: one.code for one in resource.contained if one.id and one.code}
    drug = reading.drug(resource.medicationCodeableConcept, resource.medicationReference, contained, reference)
    coded = reading.coded([drug], resource.note)
    if not coded.concepts:
        return []
    if _in_the_future(when, reading) and record is not MedicationRecord.REQUEST:
        reading.refuse(reference, "", "dated after the day of evaluation")
        return []
    if when is None and recorded is None and record is not MedicationRecord.STATEMENT:
        reading.refuse(reference, "", "has no usable date")
    words = [dosage.text or "" for dosage in dosages or []]
    for dosage in dosages or []:
        amount = dosage.doseAndRate[0].doseQuantity if dosage.doseAndRate else None
        dose_mg = dose_mg or _milligrams(amount, dosage.text)
    return [
        MedicationEvent(
            reference=reference,
            concepts=coded.concepts,
            standing=standing,
            record=record,
            when=when,
            ended=ended,
            recorded=recorded,
            codes=coded.codes,
            text=coded.text,
            dose_mg=dose_mg,
            interval_months=_interval(dosages or [], words),
            order=order,
            prohibited=prohibited,
        )
    ]


def _condition(resource: r4.Condition, reading: PatientReading) -> list[ClinicalEvent]:
    reference = _name(resource)
    verification = _word(resource.verificationStatus)
    if verification in ("refuted", "entered-in-error"):
        return []
    sure = {one.valueCoding.code for one in resource.extension if _CERTAINTY in one.url and one.valueCoding}
    coded = reading.coded([resource.code], resource.note)
    if not coded.concepts or "A" in sure:
        return []
    onset = reading.day(resource.onsetDateTime, reference, "Condition.onsetDateTime")
    if resource.onsetPeriod is not None:
        onset, _ = _period(resource.onsetPeriod, reading, reference, "Condition.onsetPeriod")
    if _in_the_future(onset, reading):
        reading.refuse(reference, "Condition.onset", "dated after the day of evaluation")
        return []
    encounter = resource.encounter.reference if resource.encounter else None
    return [
        ConditionEvent(
            reference=reference,
            concepts=frozenset({"vertebral-fracture-history"}) if "Z" in sure else coded.concepts,
            standing=Standing.HAPPENED,
            when=onset,
            recorded=reading.day(resource.recordedDate, reference, "Condition.recordedDate"),
            ended=reading.day(resource.abatementDateTime, reference, "Condition.abatementDateTime"),
            codes=coded.codes,
            text=coded.text,
            confirmed=verification in ("", "confirmed") and "V" not in sure,
            active=_word(resource.clinicalStatus) in ("", "active", "recurrence", "relapse"),
            encounter_diagnosis=any(_word(one) == "encounter-diagnosis" for one in resource.category),
            encounter_start=reading.encounters.get(last_two(encounter)) if encounter else None,
            body_sites=reading.sites(resource.bodySite),
        )
    ]


def _procedure(resource: r4.Procedure, reading: PatientReading) -> list[ClinicalEvent]:
    reference = _name(resource)
    standing = _standing(resource.status, DONE, NOT_DONE_YET, reference, reading)
    coded = reading.coded([resource.code], resource.note)
    if standing is None or not coded.concepts:
        return []
    when = reading.day(resource.performedDateTime, reference, "Procedure.performedDateTime")
    if resource.performedPeriod is not None:
        when, _ = _period(resource.performedPeriod, reading, reference, "Procedure.performedPeriod")
    if _in_the_future(when, reading):
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


def _observation(resource: r4.Observation, reading: PatientReading) -> list[ClinicalEvent]:
    reference = _name(resource)
    coded = reading.coded([resource.code])
    if resource.status not in OBSERVED or not coded.concepts:
        return []
    when = reading.day(resource.effectiveDateTime, reference, "Observation.effectiveDateTime")
    if resource.effectivePeriod is not None:
        when, _ = _period(resource.effectivePeriod, reading, reference, "Observation.effectivePeriod")
    when = when or reading.day(resource.issued, reference, "Observation.issued")
    if _in_the_future(when, reading):
        reading.refuse(reference, "Observation.effective", "dated after the day of evaluation")
        return []
    quantities = {QUANTITY_OF[concept] for concept in coded.concepts if concept in QUANTITY_OF}
    value = low = high = None
    unit = ""
    if quantities:
        quantity = quantities.pop()
        value = _measured(quantity, resource.valueQuantity, reference, reading)
        if value is None:
            return []
        unit = QUANTITIES[quantity].unit
        ranges = resource.referenceRange[:1]
        low = _bound(quantity, ranges[0].low, reference, reading) if ranges else None
        high = _bound(quantity, ranges[0].high, reference, reading) if ranges else None
    return [
        ObservationEvent(
            reference=reference,
            concepts=coded.concepts,
            standing=Standing.HAPPENED,
            when=when,
            codes=coded.codes,
            text=" | ".join(word for word in (coded.text, resource.valueString) if word),
            value=value,
            unit=unit,
            comparator=(resource.valueQuantity.comparator or "") if resource.valueQuantity else "",
            low=low,
            high=high,
        )
    ]


def _measured(quantity: str, given: Quantity | None, reference: str, reading: PatientReading) -> float | None:
    if given is None or given.value is None:
        reading.refuse(reference, "Observation.valueQuantity", "has no value")
        return None
    try:
        return canonical(quantity, given.value, given.code or given.unit or "")
    except UnusableUnit as error:
        reading.refuse(reference, "Observation.valueQuantity", str(error))
        return None


def _bound(quantity: str, given: Quantity | None, reference: str, reading: PatientReading) -> float | None:
    return None if given is None or given.value is None else _measured(quantity, given, reference, reading)


def _standing(
    status: str | None,
    words: dict[str, Standing],
    without_effect: frozenset[str],
    reference: str,
    reading: PatientReading,
) -> Standing | None:
    """Where a record stands; None when it never counts. A status that FHIR does not know is named."""
    if status in words:
        return words[status]
    if status not in IGNORED and status not in without_effect:
        reading.refuse(reference, "status", "missing" if status is None else "a word that FHIR R4 does not know here")
    return None


def _period(
    period: Period | None, reading: PatientReading, reference: str, element: str
) -> tuple[DateInterval | None, DateInterval | None]:
    if period is None:
        return None, None
    return (
        reading.day(period.start, reference, f"{element}.start"),
        reading.day(period.end, reference, f"{element}.end"),
    )


def _in_the_future(when: DateInterval | None, reading: PatientReading) -> bool:
    return when is not None and when.earliest > reading.as_of


def _milligrams(quantity: Quantity | None, text: str | None) -> float | None:
    if quantity is not None and quantity.value is not None and (quantity.code or quantity.unit or "").strip() == "mg":
        return quantity.value
    found = _MILLIGRAMS.findall(text or "")
    return float(found[0]) if len(set(found)) == 1 else None


def _interval(dosages: list[Dosage], words: list[str]) -> float | None:
    for dosage in dosages:
        repeat = dosage.timing.repeat if dosage.timing else None
        if repeat is not None and repeat.period and repeat.periodUnit in _MONTHS_PER:
            return repeat.period * _MONTHS_PER[repeat.periodUnit]
    found = [int(number) for text in words for number in _MONTHLY.findall(text)]
    return float(found[0]) if found else None


def _word(concept: CodeableConcept | None) -> str:
    return next((coding.code for coding in concept.coding if coding.code), "") if concept else ""


def _name(resource: r4.Resource) -> str:
    return f"{resource.resourceType}/{resource.id or '?'}"


_READERS: dict[type[r4.Resource], Callable[..., list[ClinicalEvent]]] = {
    r4.MedicationStatement: _statement,
    r4.MedicationRequest: _request,
    r4.MedicationAdministration: _administration,
    r4.MedicationDispense: _dispense,
    r4.Condition: _condition,
    r4.Procedure: _procedure,
    r4.Observation: _observation,
}

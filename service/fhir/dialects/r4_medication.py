"""FHIR R4 medication records as events of the timeline."""

from __future__ import annotations

import re

from rules.reasoning.dates import DateInterval
from rules.reasoning.timeline import ClinicalEvent, MedicationEvent, MedicationRecord, Standing
from service.fhir import resources_r4 as r4
from service.fhir.dialects import r4_status as words
from service.fhir.elements import Dosage, Quantity
from service.fhir.reading import PatientReading, last_two

_MILLIGRAMS = re.compile(r"\b(\d+(?:\.\d+)?)\s?mg\b(?!\s?/)", re.IGNORECASE)
_MONTHLY = re.compile(r"\b(?:every|q)\s?(\d+)\s?(?:months?|mo)\b", re.IGNORECASE)
_MONTHS_PER = {"d": 12 / 365.25, "wk": 84 / 365.25, "mo": 1.0, "a": 12.0}


def statement(resource: r4.MedicationStatement, reading: PatientReading) -> list[ClinicalEvent]:
    reference = words.name(resource)
    standing = words.standing(resource.status, words.STATEMENT, frozenset(), reference, reading)
    period = resource.effectivePeriod
    when = reading.day(resource.effectiveDateTime, reference, "MedicationStatement.effectiveDateTime")
    ended = when if standing in (Standing.HAPPENED, Standing.STOPPED) else None
    if standing is Standing.STOPPED:
        when = None  # the day of the stop tells nothing of the start
    if period is not None:
        when, ended = words.period(period, reading, reference, "MedicationStatement.effectivePeriod")
    recorded = reading.day(resource.dateAsserted, reference, "MedicationStatement.dateAsserted")
    if standing is Standing.NOT_TAKEN:
        # The period of a drug that is not taken is one without it: from its first day on, for whatever reason.
        standing = Standing.NOT_TAKEN if resource.statusReason else Standing.UNCERTAIN
        when, ended, recorded = None, None, when or recorded
    return _medication(
        resource,
        MedicationRecord.STATEMENT,
        standing,
        reading,
        when=when,
        ended=ended,
        recorded=recorded,
        dosages=resource.dosage,
    )


def request(resource: r4.MedicationRequest, reading: PatientReading) -> list[ClinicalEvent]:
    reference = words.name(resource)
    standing = words.standing(resource.status, words.DRUG_ORDER, frozenset({"draft"}), reference, reading)
    if resource.intent in ("proposal", "plan"):
        standing = Standing.PLANNED if standing is not None else None
    if resource.doNotPerform and standing is not None:
        standing = Standing.STOPPED
    period = resource.dispenseRequest.validityPeriod if resource.dispenseRequest else None
    element = "MedicationRequest.dispenseRequest.validityPeriod"
    when, ended = words.period(period, reading, reference, element, planned=True)
    planned = [day for dosage in resource.dosageInstruction if dosage.timing for day in dosage.timing.event]
    if planned:
        when = reading.day(planned[0], reference, "MedicationRequest.dosageInstruction.timing.event", planned=True)
    return _medication(
        resource,
        MedicationRecord.REQUEST,
        standing,
        reading,
        when=when,
        ended=ended,
        recorded=reading.day(resource.authoredOn, reference, "MedicationRequest.authoredOn"),
        changed=reading.day(resource.statusChanged, reference, "MedicationRequest.statusChanged"),
        dosages=resource.dosageInstruction,
        repeated=_repeated(resource),
        prohibited=bool(resource.doNotPerform),
    )


def administration(resource: r4.MedicationAdministration, reading: PatientReading) -> list[ClinicalEvent]:
    reference = words.name(resource)
    when = reading.day(resource.effectiveDateTime, reference, "MedicationAdministration.effectiveDateTime")
    if resource.effectivePeriod is not None:
        when, _ = words.period(resource.effectivePeriod, reading, reference, "MedicationAdministration.effectivePeriod")
    dosage = resource.dosage
    return _medication(
        resource,
        MedicationRecord.ADMINISTRATION,
        words.standing(resource.status, words.DONE, words.NOT_DONE_YET, reference, reading),
        reading,
        when=when,
        order=last_two(resource.request.reference) if resource.request and resource.request.reference else None,
        dose_mg=_milligrams(dosage.dose, dosage.text) if dosage else None,
    )


def dispense(resource: r4.MedicationDispense, reading: PatientReading) -> list[ClinicalEvent]:
    reference = words.name(resource)
    orders = [last_two(order.reference) for order in resource.authorizingPrescription if order.reference]
    return _medication(
        resource,
        MedicationRecord.DISPENSE,
        words.standing(resource.status, words.DONE, words.NOT_DONE_YET, reference, reading),
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
    changed: DateInterval | None = None,
    dosages: list[Dosage] | None = None,
    order: str | None = None,
    dose_mg: float | None = None,
    repeated: bool = False,
    prohibited: bool = False,
) -> list[ClinicalEvent]:
    if standing is None:
        return []
    reference = words.name(resource)
    contained = {one.id: one.code for one in resource.contained if one.id and one.code}
    drug = reading.drug(resource.medicationCodeableConcept, resource.medicationReference, contained, reference)
    coded = reading.coded([drug], resource.note)
    if not coded.concepts:
        return []
    if words.in_the_future(when, reading) and record is not MedicationRecord.REQUEST:
        reading.refuse(reference, "", "dated after the day of evaluation")
        return []
    if when is None and recorded is None and not reading.draft and record is not MedicationRecord.STATEMENT:
        reading.refuse(reference, "", "has no usable date")
    if standing is Standing.UNCERTAIN and resource.status in (*words.UNCERTAIN, "not-taken"):
        reading.refuse(reference, "status", f"{resource.status}: tells neither a dose nor a stop")
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
            changed=changed,
            codes=coded.codes,
            text=coded.text,
            dose_mg=dose_mg,
            interval_months=_interval(dosages or []),
            repeated=repeated,
            order=order,
            prohibited=prohibited,
            from_context=reading.draft,
            selected=reading.draft and reading.selected,
        )
    ]


def _repeated(request: r4.MedicationRequest) -> bool:
    """Whether an order says that it is for more than one dose."""
    again = request.dispenseRequest.numberOfRepeatsAllowed if request.dispenseRequest else None
    if again is not None:
        return again > 0
    repeats = [dosage.timing.repeat for dosage in request.dosageInstruction if dosage.timing and dosage.timing.repeat]
    return any(repeat.count != 1 and repeat.period is not None for repeat in repeats)


def _milligrams(quantity: Quantity | None, text: str | None) -> float | None:
    if quantity is not None and quantity.value is not None and (quantity.code or quantity.unit or "").strip() == "mg":
        return quantity.value
    found = _MILLIGRAMS.findall(text or "")
    return float(found[0]) if len(set(found)) == 1 else None


def _interval(dosages: list[Dosage]) -> float | None:
    for dosage in dosages:
        repeat = dosage.timing.repeat if dosage.timing else None
        if repeat is not None and repeat.period and repeat.periodUnit in _MONTHS_PER:
            return repeat.period * _MONTHS_PER[repeat.periodUnit]
    found = [int(number) for dosage in dosages for number in _MONTHLY.findall(dosage.text or "")]
    return float(found[0]) if found else None

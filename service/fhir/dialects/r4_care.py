"""FHIR R4 imaging, allergies, encounters and appointments as events of the timeline."""

from __future__ import annotations

from rules.reasoning.facts.drugs import DRUGS
from rules.reasoning.timeline import (
    AllergyEvent,
    AppointmentEvent,
    ClinicalEvent,
    EncounterEvent,
    ImagingEvent,
    Standing,
)
from service.fhir import resources_r4 as r4
from service.fhir.dialects import r4_status as words
from service.fhir.elements import CodeableConcept
from service.fhir.reading import PatientReading, last_two

REPORTED = frozenset({"final", "amended", "corrected", "appended", "preliminary"})
"""A preliminary report counts: the spine was imaged."""

INPATIENT = frozenset({"IMP", "ACUTE", "NONAC"})
_BOOKINGS = {
    "booked": Standing.ACTIVE,
    "arrived": Standing.ACTIVE,
    "checked-in": Standing.ACTIVE,
    "fulfilled": Standing.HAPPENED,
    "proposed": Standing.PLANNED,
    "pending": Standing.PLANNED,
    "waitlist": Standing.PLANNED,
}
_NO_VISIT = frozenset({"cancelled", "noshow", "entered-in-error"})


def diagnostic_report(resource: r4.DiagnosticReport, reading: PatientReading) -> list[ClinicalEvent]:
    reference = words.name(resource)
    if resource.status not in REPORTED:
        return []
    coded = reading.coded([resource.code, *resource.conclusionCode], conclusion=resource.conclusion)
    concepts = coded.concepts - DRUGS
    if not concepts:
        return []
    when = reading.day(resource.effectiveDateTime, reference, "DiagnosticReport.effectiveDateTime")
    if resource.effectivePeriod is not None:
        when, _ = words.period(resource.effectivePeriod, reading, reference, "DiagnosticReport.effectivePeriod")
    recorded = reading.day(resource.issued, reference, "DiagnosticReport.issued")
    if words.in_the_future(when or recorded, reading):
        reading.refuse(reference, "DiagnosticReport.effective", "dated after the day of evaluation")
        return []
    return [
        ImagingEvent(
            reference=reference,
            concepts=concepts,
            standing=Standing.HAPPENED,
            when=when,
            recorded=recorded,
            codes=coded.codes,
            text=coded.text,
        )
    ]


def imaging_study(resource: r4.ImagingStudy, reading: PatientReading) -> list[ClinicalEvent]:
    reference = words.name(resource)
    if resource.status not in ("available", "inactive", None):
        return []
    modality = [one for one in (*resource.modality, *(series.modality for series in resource.series)) if one]
    sites = [series.bodySite for series in resource.series if series.bodySite]
    said = " ".join(word for word in (*(code.code for code in modality), *(site.display for site in sites)) if word)
    described = CodeableConcept(text=" | ".join(word for word in (resource.description, said) if word) or None)
    coded = reading.coded([*resource.procedureCode, described])
    if not coded.concepts:
        return []
    when = reading.day(resource.started, reference, "ImagingStudy.started")
    if words.in_the_future(when, reading):
        reading.refuse(reference, "ImagingStudy.started", "dated after the day of evaluation")
        return []
    return [
        ImagingEvent(
            reference=reference,
            concepts=coded.concepts - DRUGS,
            standing=Standing.HAPPENED,
            when=when,
            codes=coded.codes,
            text=coded.text,
        )
    ]


def allergy(resource: r4.AllergyIntolerance, reading: PatientReading) -> list[ClinicalEvent]:
    reference = words.name(resource)
    if words.word(resource.verificationStatus) in ("refuted", "entered-in-error"):
        return []
    if words.word(resource.clinicalStatus) in ("inactive", "resolved"):
        return []
    coded = reading.coded([resource.code])
    if not coded.concepts:
        return []
    return [
        AllergyEvent(
            reference=reference,
            concepts=coded.concepts,
            standing=Standing.HAPPENED,
            when=reading.day(resource.onsetDateTime, reference, "AllergyIntolerance.onsetDateTime"),
            recorded=reading.day(resource.recordedDate, reference, "AllergyIntolerance.recordedDate"),
            codes=coded.codes,
            text=coded.text,
        )
    ]


def encounter(resource: r4.Encounter, reading: PatientReading) -> list[ClinicalEvent]:
    """Stays in hospital; the start of any encounter is known to the reading already."""
    reference = words.name(resource)
    kind = resource.class_kind.code if resource.class_kind else None
    if kind not in INPATIENT or resource.status in ("planned", "cancelled", "entered-in-error"):
        return []
    start = reading.encounters.get(last_two(reference))
    end = resource.period.end if resource.period else None
    return [
        EncounterEvent(
            reference=reference,
            concepts=frozenset({"encounter"}),
            standing=Standing.HAPPENED if end else Standing.ACTIVE,
            when=start,
            ended=reading.day(end, reference, "Encounter.period.end"),
            inpatient=True,
        )
    ]


def appointment(resource: r4.Appointment, reading: PatientReading) -> list[ClinicalEvent]:
    reference = words.name(resource)
    if resource.status in _NO_VISIT:
        return []
    standing = _BOOKINGS.get(resource.status or "")
    if standing is None:
        reading.refuse(reference, "status", "missing" if resource.status is None else "a word that FHIR does not know")
        return []
    concepts = [*resource.serviceType, *resource.reasonCode, resource.appointmentType]
    coded = reading.coded([*concepts, CodeableConcept(text=resource.description)])
    if not coded.concepts:
        return []
    return [
        AppointmentEvent(
            reference=reference,
            concepts=coded.concepts,
            standing=standing,
            when=reading.day(resource.start, reference, "Appointment.start", planned=True),
            codes=coded.codes,
            text=coded.text,
        )
    ]

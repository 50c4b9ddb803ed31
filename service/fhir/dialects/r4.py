"""FHIR R4: which reader turns which resource into events of the timeline."""

from __future__ import annotations

from collections.abc import Callable

from rules.reasoning.timeline import ClinicalEvent
from service.fhir import resources_r4 as r4
from service.fhir.dialects import r4_care, r4_claims, r4_clinical, r4_medication
from service.fhir.reading import PatientReading


def events(resource: r4.Resource, reading: PatientReading) -> list[ClinicalEvent]:
    """The events of one resource: none when it never counts, or when nothing in it matters here."""
    read = _READERS.get(type(resource))
    return read(resource, reading) if read is not None else []


_READERS: dict[type[r4.Resource], Callable[..., list[ClinicalEvent]]] = {
    r4.MedicationStatement: r4_medication.statement,
    r4.MedicationRequest: r4_medication.request,
    r4.MedicationAdministration: r4_medication.administration,
    r4.MedicationDispense: r4_medication.dispense,
    r4.Condition: r4_clinical.condition,
    r4.Procedure: r4_clinical.procedure,
    r4.ServiceRequest: r4_clinical.service_request,
    r4.Observation: r4_clinical.observation,
    r4.DiagnosticReport: r4_care.diagnostic_report,
    r4.ImagingStudy: r4_care.imaging_study,
    r4.AllergyIntolerance: r4_care.allergy,
    r4.Encounter: r4_care.encounter,
    r4.Appointment: r4_care.appointment,
    r4.Claim: r4_claims.claim,
    r4.ExplanationOfBenefit: r4_claims.claim,
}

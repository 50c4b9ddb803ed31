"""The FHIR R5 resources whose members differ from R4, holding only the members that are read."""

from __future__ import annotations

import msgspec

from service.fhir.elements import (
    AdministeredDosage,
    Annotation,
    CodeableConcept,
    CodeableReference,
    Contained,
    Dosage,
    Participant,
    Period,
    Quantity,
    Reference,
    Supply,
)
from service.fhir.resources_r4 import Resource


class Owned(Resource):
    """What every resource of a patient has."""

    status: str | None = None
    subject: Reference | None = None


class Drug(Owned):
    """What the four kinds of medication records have in common."""

    medication: CodeableReference | None = None
    contained: list[Contained] = []
    note: list[Annotation] = []


class Adherence(msgspec.Struct, omit_defaults=True, gc=False):
    """Whether a drug is taken."""

    code: CodeableConcept | None = None
    reason: CodeableConcept | None = None


class MedicationStatement(Drug):
    """That a drug is or was taken; whether it still is stands in `adherence`."""

    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    dateAsserted: str | None = None
    dosage: list[Dosage] = []
    adherence: Adherence | None = None


class MedicationRequest(Drug):
    """An order."""

    intent: str | None = None
    doNotPerform: bool | None = None
    authoredOn: str | None = None
    statusChanged: str | None = None
    dosageInstruction: list[Dosage] = []
    dispenseRequest: Supply | None = None


class MedicationAdministration(Drug):
    """A dose that was given; R5 spells `occurence`."""

    occurenceDateTime: str | None = None
    occurencePeriod: Period | None = None
    request: Reference | None = None
    dosage: AdministeredDosage | None = None


class MedicationDispense(Drug):
    """A drug that was handed over."""

    whenPrepared: str | None = None
    whenHandedOver: str | None = None
    quantity: Quantity | None = None
    authorizingPrescription: list[Reference] = []
    dosageInstruction: list[Dosage] = []


class Procedure(Owned):
    """Something done."""

    code: CodeableConcept | None = None
    bodySite: list[CodeableConcept] = []
    occurrenceDateTime: str | None = None
    occurrencePeriod: Period | None = None
    note: list[Annotation] = []


class ServiceRequest(Owned):
    """An order for a procedure, imaging, laboratory test or referral."""

    intent: str | None = None
    doNotPerform: bool | None = None
    code: CodeableReference | None = None
    bodySite: list[CodeableConcept] = []
    occurrenceDateTime: str | None = None
    authoredOn: str | None = None
    note: list[Annotation] = []


class Series(msgspec.Struct, omit_defaults=True, gc=False):
    """A series of images."""

    modality: CodeableConcept | None = None
    bodySite: CodeableReference | None = None


class ImagingStudy(Owned):
    """An examination by images."""

    started: str | None = None
    procedure: list[CodeableReference] = []
    modality: list[CodeableConcept] = []
    description: str | None = None
    series: list[Series] = []


class Encounter(Owned):
    """A contact with care."""

    class_kind: list[CodeableConcept] = msgspec.field(default_factory=list, name="class")
    actualPeriod: Period | None = None


class Appointment(Owned):
    """A visit, booked or proposed."""

    serviceType: list[CodeableReference] = []
    appointmentType: CodeableConcept | None = None
    reason: list[CodeableReference] = []
    description: str | None = None
    start: str | None = None
    participant: list[Participant] = []

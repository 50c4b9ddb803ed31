"""The FHIR R4 resources that are read, holding only the members that are read."""

from __future__ import annotations

import msgspec

from service.fhir.elements import (
    AdministeredDosage,
    Annotation,
    CodeableConcept,
    Coding,
    Dosage,
    Extension,
    Participant,
    Period,
    Quantity,
    Reference,
    ReferenceRange,
)


class Resource(msgspec.Struct, omit_defaults=True, gc=False):
    """What every resource has."""

    resourceType: str = ""
    id: str | None = None


class Patient(Resource):
    """The person; names and addresses are never read."""

    birthDate: str | None = None
    gender: str | None = None
    deceasedBoolean: bool | None = None
    deceasedDateTime: str | None = None


class Medication(Resource):
    """A drug by itself, referred to by records."""

    code: CodeableConcept | None = None


class Drug(Resource):
    """What the four kinds of medication records have in common."""

    status: str | None = None
    subject: Reference | None = None
    medicationCodeableConcept: CodeableConcept | None = None
    medicationReference: Reference | None = None
    contained: list[Medication] = []
    note: list[Annotation] = []


class MedicationStatement(Drug):
    """That a drug is or was taken."""

    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    dateAsserted: str | None = None
    dosage: list[Dosage] = []


class Supply(msgspec.Struct, omit_defaults=True, gc=False):
    """How long an order is valid."""

    validityPeriod: Period | None = None


class MedicationRequest(Drug):
    """An order."""

    intent: str | None = None
    doNotPerform: bool | None = None
    authoredOn: str | None = None
    dosageInstruction: list[Dosage] = []
    dispenseRequest: Supply | None = None


class MedicationAdministration(Drug):
    """A dose that was given."""

    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    request: Reference | None = None
    dosage: AdministeredDosage | None = None


class MedicationDispense(Drug):
    """A drug that was handed over."""

    whenPrepared: str | None = None
    whenHandedOver: str | None = None
    quantity: Quantity | None = None
    authorizingPrescription: list[Reference] = []
    dosageInstruction: list[Dosage] = []


class Condition(Resource):
    """A diagnosis or problem."""

    clinicalStatus: CodeableConcept | None = None
    verificationStatus: CodeableConcept | None = None
    category: list[CodeableConcept] = []
    code: CodeableConcept | None = None
    bodySite: list[CodeableConcept] = []
    subject: Reference | None = None
    encounter: Reference | None = None
    onsetDateTime: str | None = None
    onsetPeriod: Period | None = None
    abatementDateTime: str | None = None
    recordedDate: str | None = None
    note: list[Annotation] = []
    extension: list[Extension] = []


class Procedure(Resource):
    """Something done."""

    status: str | None = None
    code: CodeableConcept | None = None
    bodySite: list[CodeableConcept] = []
    subject: Reference | None = None
    performedDateTime: str | None = None
    performedPeriod: Period | None = None
    note: list[Annotation] = []


class ServiceRequest(Resource):
    """An order for a procedure, imaging, laboratory test or referral."""

    status: str | None = None
    intent: str | None = None
    doNotPerform: bool | None = None
    code: CodeableConcept | None = None
    bodySite: list[CodeableConcept] = []
    subject: Reference | None = None
    occurrenceDateTime: str | None = None
    authoredOn: str | None = None
    note: list[Annotation] = []


class Component(msgspec.Struct, omit_defaults=True, gc=False):
    """One of several values that were measured together."""

    code: CodeableConcept | None = None
    valueQuantity: Quantity | None = None
    valueCodeableConcept: CodeableConcept | None = None
    valueString: str | None = None
    referenceRange: list[ReferenceRange] = []


class Observation(Resource):
    """A measured value or a coded finding."""

    status: str | None = None
    code: CodeableConcept | None = None
    valueQuantity: Quantity | None = None
    valueCodeableConcept: CodeableConcept | None = None
    valueString: str | None = None
    referenceRange: list[ReferenceRange] = []
    subject: Reference | None = None
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    issued: str | None = None
    component: list[Component] = []


class DiagnosticReport(Resource):
    """The report of an examination."""

    status: str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    issued: str | None = None
    conclusion: str | None = None
    conclusionCode: list[CodeableConcept] = []


class Series(msgspec.Struct, omit_defaults=True, gc=False):
    """A series of images."""

    modality: Coding | None = None
    bodySite: Coding | None = None


class ImagingStudy(Resource):
    """An examination by images."""

    status: str | None = None
    subject: Reference | None = None
    started: str | None = None
    procedureCode: list[CodeableConcept] = []
    modality: list[Coding] = []
    description: str | None = None
    series: list[Series] = []


class AllergyIntolerance(Resource):
    """An allergy or intolerance; its owner is `patient`."""

    clinicalStatus: CodeableConcept | None = None
    verificationStatus: CodeableConcept | None = None
    code: CodeableConcept | None = None
    patient: Reference | None = None
    recordedDate: str | None = None
    onsetDateTime: str | None = None


class Encounter(Resource):
    """A contact with care; `class` is what FHIR calls `class_kind` here."""

    status: str | None = None
    class_kind: Coding | None = msgspec.field(default=None, name="class")
    subject: Reference | None = None
    period: Period | None = None


class Appointment(Resource):
    """A visit, booked or proposed; its patient is a participant."""

    status: str | None = None
    serviceType: list[CodeableConcept] = []
    appointmentType: CodeableConcept | None = None
    reasonCode: list[CodeableConcept] = []
    description: str | None = None
    start: str | None = None
    participant: list[Participant] = []


TYPES: dict[str, type[Resource]] = {
    kind.__name__: kind
    for kind in (
        Patient,
        Medication,
        MedicationStatement,
        MedicationRequest,
        MedicationAdministration,
        MedicationDispense,
        Condition,
        Procedure,
        ServiceRequest,
        Observation,
        DiagnosticReport,
        ImagingStudy,
        AllergyIntolerance,
        Encounter,
        Appointment,
    )
}
"""The resource types that are read; all others are passed over."""

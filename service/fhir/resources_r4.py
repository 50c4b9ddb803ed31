"""The FHIR R4 resources that are read, holding only the members that are read.

A member of type None is one that only another version of FHIR has: what has it is no R4, and is refused here.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from service.fhir.elements import (
    AdministeredDosage,
    Annotation,
    ClaimItem,
    CodeableConcept,
    Coding,
    Component,
    Contained,
    Dosage,
    Extension,
    Insurance,
    Participant,
    Period,
    Quantity,
    Reference,
    ReferenceRange,
    Series,
    Supply,
)


class Resource(msgspec.Struct, omit_defaults=True, gc=False, tag=True, tag_field="resourceType"):
    """What every resource has; its class is named by its `resourceType`."""

    id: str | None = None

    @property
    def kind(self) -> str:
        """The resource type."""
        return type(self).__name__


class Owned(Resource):
    """What belongs to a patient by its `subject`; the `patient` of older versions is none of R4."""

    subject: Reference | None = None
    patient: None = None


class Patient(Resource):
    """The person; names and addresses are never read."""

    birthDate: str | None = None
    gender: str | None = None
    deceasedBoolean: bool | None = None
    deceasedDateTime: str | None = None


class Medication(Resource):
    """A drug by itself, referred to by records."""

    code: CodeableConcept | None = None


class Drug(Owned):
    """What the four kinds of medication records have in common; R5 has `medication` instead."""

    status: str | None = None
    medicationCodeableConcept: CodeableConcept | None = None
    medicationReference: Reference | None = None
    medication: None = None
    contained: list[Contained] = []
    note: list[Annotation] = []


class MedicationStatement(Drug):
    """That a drug is or was taken; in R5 it is only recorded, and its adherence told apart."""

    status: Annotated[str, msgspec.Meta(pattern="^(?!recorded$)")] | None = None
    adherence: None = None
    taken: None = None
    wasNotTaken: None = None

    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    dateAsserted: str | None = None
    statusReason: list[CodeableConcept] = []
    dosage: list[Dosage] = []


class MedicationRequest(Drug):
    """An order; only R5 says since when it stands as it does."""

    intent: str | None = None
    doNotPerform: bool | None = None
    authoredOn: str | None = None
    statusChanged: str | None = None
    dosageInstruction: list[Dosage] = []
    dispenseRequest: Supply | None = None


class MedicationAdministration(Drug):
    """A dose that was given."""

    occurenceDateTime: None = None
    occurencePeriod: None = None
    notGiven: None = None
    wasNotGiven: None = None
    effectiveTimeDateTime: None = None
    effectiveTimePeriod: None = None

    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    request: Reference | None = None
    dosage: AdministeredDosage | None = None


class MedicationDispense(Drug):
    """A drug that was handed over."""

    notDone: None = None

    whenPrepared: str | None = None
    whenHandedOver: str | None = None
    quantity: Quantity | None = None
    authorizingPrescription: list[Reference] = []
    dosageInstruction: list[Dosage] = []


class Condition(Owned):
    """A diagnosis or problem."""

    clinicalStatus: CodeableConcept | None = None
    verificationStatus: CodeableConcept | None = None
    category: list[CodeableConcept] = []
    code: CodeableConcept | None = None
    bodySite: list[CodeableConcept] = []
    encounter: Reference | None = None
    onsetDateTime: str | None = None
    onsetPeriod: Period | None = None
    abatementDateTime: str | None = None
    recordedDate: str | None = None
    note: list[Annotation] = []
    extension: list[Extension] = []


class Procedure(Owned):
    """Something done."""

    status: str | None = None
    code: CodeableConcept | None = None
    bodySite: list[CodeableConcept] = []
    performedDateTime: str | None = None
    performedPeriod: Period | None = None
    occurrenceDateTime: None = None
    occurrencePeriod: None = None
    notDone: None = None
    notPerformed: None = None
    note: list[Annotation] = []


class Named(CodeableConcept, frozen=True):
    """A thing by its codes and words alone; in R5 it may be a pointer to a resource."""

    concept: None = None
    reference: None = None


class ServiceRequest(Owned):
    """An order for a procedure, imaging, laboratory test or referral."""

    status: str | None = None
    intent: str | None = None
    doNotPerform: bool | None = None
    code: Named | None = None
    bodySite: list[CodeableConcept] = []
    occurrenceDateTime: str | None = None
    authoredOn: str | None = None
    note: list[Annotation] = []


class Observation(Owned):
    """A measured value or a coded finding."""

    status: str | None = None
    code: CodeableConcept | None = None
    valueQuantity: Quantity | None = None
    valueCodeableConcept: CodeableConcept | None = None
    valueString: str | None = None
    referenceRange: list[ReferenceRange] = []
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    issued: str | None = None
    component: list[Component] = []


class DiagnosticReport(Owned):
    """The report of an examination."""

    status: str | None = None
    code: CodeableConcept | None = None
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    issued: str | None = None
    conclusion: str | None = None
    conclusionCode: list[CodeableConcept] = []


class Modality(Coding, frozen=True):
    """A kind of imaging; R5 has a concept in its place."""

    coding: None = None
    text: None = None


class ImagingStudy(Owned):
    """An examination by images."""

    status: str | None = None
    started: str | None = None
    procedureCode: list[CodeableConcept] = []
    modality: list[Modality] = []
    procedure: None = None
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


class Encounter(Owned):
    """A contact with care; `class` is what FHIR calls `class_kind` here."""

    status: str | None = None
    class_kind: Coding | None = msgspec.field(default=None, name="class")
    period: Period | None = None
    actualPeriod: None = None


class Appointment(Resource):
    """A visit, booked or proposed; its patient is a participant."""

    status: str | None = None
    subject: None = None
    reason: None = None
    serviceType: list[Named] = []
    appointmentType: CodeableConcept | None = None
    reasonCode: list[CodeableConcept] = []
    description: str | None = None
    start: str | None = None
    participant: list[Participant] = []


class Claim(Resource):
    """What was billed; its owner is `patient`. Who billed whom is only held against the official model."""

    status: str | None = None
    type: CodeableConcept | None = None
    use: str | None = None
    outcome: str | None = None
    patient: Reference | None = None
    created: str | None = None
    provider: Reference | None = None
    insurer: Reference | None = None
    priority: CodeableConcept | None = None
    insurance: list[Insurance] = []
    billablePeriod: Period | None = None
    item: list[ClaimItem] = []


class ExplanationOfBenefit(Claim):
    """How a claim was settled."""

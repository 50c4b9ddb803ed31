"""FHIR R5: its resources are put into the shape of R4, so that one reader serves both.

A record says by itself which version it is: only R5 has `medication` with a concept or reference, `occurrence[x]` of
procedures, `occurence[x]` of administrations (spelled so), `actualPeriod` of encounters, `concept` in the code of an
order, lists of codes or references in imaging studies and appointments. A resource without any such member means the
same in both, and is read as R4.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from service.fhir import resources_r4 as r4
from service.fhir import resources_r5 as source
from service.fhir.bundles import TYPES
from service.fhir.elements import CodeableConcept, CodeableReference, Coding, Participant, Series

_MARKS = {
    "MedicationStatement": rb'"medication"\s*:\s*\{|"adherence"\s*:\s*\{|"status"\s*:\s*"recorded"',
    "MedicationRequest": rb'"medication"\s*:\s*\{',
    "MedicationAdministration": rb'"medication"\s*:\s*\{|"occurence(?:DateTime|Period)"\s*:',
    "MedicationDispense": rb'"medication"\s*:\s*\{',
    "Procedure": rb'"occurrence(?:DateTime|Period)"\s*:',
    "ServiceRequest": rb'"code"\s*:\s*\{\s*"(?:concept|reference)"\s*:',
    "ImagingStudy": rb'"procedure"\s*:\s*\[|"modality"\s*:\s*\[\s*\{\s*"(?:coding|text)"',
    "Encounter": rb'"actualPeriod"\s*:|"class"\s*:\s*\[',
    "Appointment": rb'"(?:serviceType|reason)"\s*:\s*\[\s*\{\s*"(?:concept|reference)"|"subject"\s*:\s*\{',
}
_ONLY_R5 = {kind: re.compile(pattern) for kind, pattern in _MARKS.items()}


def version_of(kind: str, raw: bytes | msgspec.Raw) -> str:
    """ "R5" when a resource has a member that only R5 has, else "R4"."""
    mark = _ONLY_R5.get(kind)
    return "R5" if mark is not None and mark.search(raw) else "R4"


def decoded(kind: str, raw: bytes | msgspec.Raw) -> tuple[r4.Resource, msgspec.Struct]:
    """An R5 resource in the shape of R4, and as it was sent (for the official model to judge).

    Raises:
        msgspec.MsgspecError: it is malformed.
    """
    if kind not in _TRANSLATE:
        same = msgspec.json.decode(raw, type=TYPES[kind])
        return same, same
    sent, translate = _TRANSLATE[kind]
    given = msgspec.json.decode(raw, type=sent)
    return translate(given), given


def _made(kind: Callable[..., r4.Resource], given: source.Owned, **members: Any) -> r4.Resource:
    return kind(id=given.id, subject=given.subject, **members)


def _drug(medication: CodeableReference | None) -> dict[str, Any]:
    if medication is None:
        return {}
    return {"medicationCodeableConcept": medication.concept, "medicationReference": medication.reference}


def _statement(given: source.MedicationStatement) -> r4.Resource:
    return _made(
        r4.MedicationStatement,
        given,
        **_drug(given.medication),
        status=_statement_status(given),
        statusReason=[given.adherence.reason] if given.adherence and given.adherence.reason else [],
        contained=given.contained,
        note=given.note,
        effectiveDateTime=given.effectiveDateTime,
        effectivePeriod=given.effectivePeriod,
        dateAsserted=given.dateAsserted,
        dosage=given.dosage,
    )


def _statement_status(given: source.MedicationStatement) -> str | None:
    """The word of R4 for what R5 splits into status and adherence."""
    if given.status != "recorded":
        return "intended" if given.status == "draft" else given.status
    adherence = given.adherence.code.coding if given.adherence and given.adherence.code else []
    word = next((one.code for one in adherence if one.code), "")
    for begins, meaning in _ADHERED.items():
        if word.startswith(begins):
            return meaning
    return "completed" if given.effectivePeriod and given.effectivePeriod.end else "active"


_ADHERED = {"stopped": "stopped", "on-hold": "on-hold", "not-taking": "not-taken", "unknown": "unknown"}
"""How a word of R5's adherence begins, and the word of R4 for it."""


def _request(given: source.MedicationRequest) -> r4.Resource:
    return _made(
        r4.MedicationRequest,
        given,
        **_drug(given.medication),
        status=given.status,
        contained=given.contained,
        note=given.note,
        intent=given.intent,
        doNotPerform=given.doNotPerform,
        authoredOn=given.authoredOn,
        statusChanged=given.statusChanged,
        dosageInstruction=given.dosageInstruction,
        dispenseRequest=given.dispenseRequest,
    )


def _administration(given: source.MedicationAdministration) -> r4.Resource:
    return _made(
        r4.MedicationAdministration,
        given,
        **_drug(given.medication),
        status=given.status,
        contained=given.contained,
        note=given.note,
        effectiveDateTime=given.occurenceDateTime,
        effectivePeriod=given.occurencePeriod,
        request=given.request,
        dosage=given.dosage,
    )


def _dispense(given: source.MedicationDispense) -> r4.Resource:
    return _made(
        r4.MedicationDispense,
        given,
        **_drug(given.medication),
        status=given.status,
        contained=given.contained,
        note=given.note,
        whenPrepared=given.whenPrepared,
        whenHandedOver=given.whenHandedOver,
        quantity=given.quantity,
        authorizingPrescription=given.authorizingPrescription,
        dosageInstruction=given.dosageInstruction,
    )


def _procedure(given: source.Procedure) -> r4.Resource:
    return _made(
        r4.Procedure,
        given,
        status=given.status,
        code=given.code,
        bodySite=given.bodySite,
        performedDateTime=given.occurrenceDateTime,
        performedPeriod=given.occurrencePeriod,
        note=given.note,
    )


def _service_request(given: source.ServiceRequest) -> r4.Resource:
    return _made(
        r4.ServiceRequest,
        given,
        status=given.status,
        intent=given.intent,
        doNotPerform=given.doNotPerform,
        code=_named(given.code.concept) if given.code and given.code.concept else None,
        bodySite=given.bodySite,
        occurrenceDateTime=given.occurrenceDateTime,
        authoredOn=given.authoredOn,
        note=given.note,
    )


def _imaging_study(given: source.ImagingStudy) -> r4.Resource:
    return _made(
        r4.ImagingStudy,
        given,
        status=given.status,
        started=given.started,
        procedureCode=_concepts(given.procedure),
        modality=[
            r4.Modality(code.system, code.code, code.display) for concept in given.modality for code in concept.coding
        ],
        description=given.description,
        series=[
            Series(
                modality=_first(one.modality),
                bodySite=_first(one.bodySite.concept if one.bodySite else None),
            )
            for one in given.series
        ],
    )


def _encounter(given: source.Encounter) -> r4.Resource:
    return _made(
        r4.Encounter,
        given,
        status="finished" if given.status in ("completed", "discharged") else given.status,
        class_kind=next((code for one in given.class_kind if (code := _first(one))), None),
        period=given.actualPeriod,
    )


def _appointment(given: source.Appointment) -> r4.Resource:
    subject = [Participant(actor=given.subject)] if given.subject else []
    return r4.Appointment(
        id=given.id,
        status=given.status,
        serviceType=[_named(one) for one in _concepts(given.serviceType)],
        appointmentType=given.appointmentType,
        reasonCode=_concepts(given.reason),
        description=given.description,
        start=given.start,
        participant=[*subject, *given.participant],
    )


def _concepts(given: list[CodeableReference]) -> list[CodeableConcept]:
    return [one.concept for one in given if one.concept is not None]


def _named(concept: CodeableConcept) -> r4.Named:
    return r4.Named(concept.coding, concept.text)


def _first(concept: CodeableConcept | None) -> Coding | None:
    return next(iter(concept.coding), None) if concept else None


_TRANSLATE: dict[str, tuple[type[source.Owned], Callable[..., r4.Resource]]] = {
    "MedicationStatement": (source.MedicationStatement, _statement),
    "MedicationRequest": (source.MedicationRequest, _request),
    "MedicationAdministration": (source.MedicationAdministration, _administration),
    "MedicationDispense": (source.MedicationDispense, _dispense),
    "Procedure": (source.Procedure, _procedure),
    "ServiceRequest": (source.ServiceRequest, _service_request),
    "ImagingStudy": (source.ImagingStudy, _imaging_study),
    "Encounter": (source.Encounter, _encounter),
    "Appointment": (source.Appointment, _appointment),
}

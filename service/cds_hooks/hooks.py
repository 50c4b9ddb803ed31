"""The hooks of the contract: what asks, and what each must and may bring in its context (CDS Hooks 2.0.1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Shape(Enum):
    """What a member of a context is made of."""

    ID = "a bare FHIR id (letters, digits, - and . only, at most 64), without a resource type before it"
    USER = "a reference to a Practitioner, PractitionerRole, Patient or RelatedPerson, such as Practitioner/1"
    REFERENCES = "a list of references, such as MedicationRequest/1"
    ORDERS = "a FHIR Bundle of orders still being written"
    RECORDS = "a FHIR Bundle"


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a context."""

    name: str
    shape: Shape
    required: bool = True


@dataclass(frozen=True, slots=True)
class Hook:
    """One moment of a clinician's work at which advice can be asked for; `moment` says which, in words."""

    name: str
    moment: str
    context: tuple[Member, ...]


_PATIENT = Member("patientId", Shape.ID)
_USER = Member("userId", Shape.USER)
_ENCOUNTER = Member("encounterId", Shape.ID)
_PERHAPS_USER = Member("userId", Shape.USER, required=False)
_PERHAPS_ENCOUNTER = Member("encounterId", Shape.ID, required=False)
_DRAFTS = Member("draftOrders", Shape.ORDERS)

HOOKS = {
    hook.name: hook
    for hook in (
        Hook("patient-view", "when a chart is opened", (_USER, _PATIENT, _PERHAPS_ENCOUNTER)),
        Hook(
            "order-select",
            "while orders are chosen",
            (_USER, _PATIENT, _PERHAPS_ENCOUNTER, Member("selections", Shape.REFERENCES), _DRAFTS),
        ),
        Hook("order-sign", "before orders are signed", (_USER, _PATIENT, _PERHAPS_ENCOUNTER, _DRAFTS)),
        Hook("encounter-start", "when an encounter begins", (_USER, _PATIENT, _ENCOUNTER)),
        Hook("encounter-discharge", "at discharge", (_USER, _PATIENT, _ENCOUNTER)),
        Hook(
            "problem-list-item-create",
            "after a problem is added",
            (_USER, _PATIENT, _PERHAPS_ENCOUNTER, Member("conditions", Shape.RECORDS)),
        ),
        Hook(
            "appointment-book",
            "while an appointment is booked",
            (_USER, _PATIENT, _PERHAPS_ENCOUNTER, Member("appointments", Shape.RECORDS)),
        ),
        Hook(
            "medication-refill",
            "when a refill is asked for",
            (_PERHAPS_USER, _PATIENT, _PERHAPS_ENCOUNTER, Member("medications", Shape.ORDERS)),
        ),
    )
}
"""Every hook of the contract by name, in the order in which they are listed."""

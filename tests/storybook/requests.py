"""Whole CDS Hooks requests of a case: its record as prefetch, its drafts as context."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from tests.storybook.record import bundle
from tests.storybook.vocabulary import Json

PREFETCHED = {
    "conditions": "Condition",
    "medicationAdministrations": "MedicationAdministration",
    "medicationDispenses": "MedicationDispense",
    "medicationStatements": "MedicationStatement",
    "medicationRequests": "MedicationRequest",
    "procedures": "Procedure",
    "serviceRequests": "ServiceRequest",
    "observations": "Observation",
    "diagnosticReports": "DiagnosticReport",
    "imagingStudies": "ImagingStudy",
    "allergies": "AllergyIntolerance",
    "encounters": "Encounter",
    "appointments": "Appointment",
}
"""The keys of a prefetch, each with the kind of resource that it holds."""

_NAMES = uuid.UUID("8f6dbb0a-9a2e-4f2b-9d7a-2f6f0c3a51d4")


def hook_request(
    hook: str, resources: Sequence[Json], as_of: str, drafts: Sequence[Json] = (), selected: Sequence[str] = ()
) -> Json:
    """The request in which every question of the prefetch was answered; what found nothing is null."""
    [person] = (one for one in resources if one["resourceType"] == "Patient")
    drugs = [one for one in resources if one["resourceType"] == "Medication"]
    prefetch: Json = {"patient": person}
    for key, kind in PREFETCHED.items():
        kinds = (kind, "Claim") if kind == "MedicationDispense" else (kind,)  # nothing asks for claims by themselves
        found = [one for one in resources if one["resourceType"] in kinds]
        if kind.startswith("Medication") and any("medicationReference" in one for one in found):
            found += drugs
        prefetch[key] = {**bundle(found), "type": "searchset"} if found else None
    return {
        "hook": hook,
        "hookInstance": str(uuid.uuid5(_NAMES, f"{hook} {person['id']} {as_of}")),
        "context": {"userId": "Practitioner/example", "patientId": person["id"], **_context(hook, drafts, selected)},
        "prefetch": prefetch,
        "extension": {"org.reboundwatch.as-of": as_of},
    }


def _context(hook: str, drafts: Sequence[Json], selected: Sequence[str]) -> Json:
    orders = bundle(drafts)
    match hook:
        case "order-select":
            chosen = list(selected) or [f"{one['resourceType']}/{one['id']}" for one in drafts]
            return {"selections": chosen, "draftOrders": orders}
        case "order-sign":
            return {"draftOrders": orders}
        case "encounter-start" | "encounter-discharge":
            return {"encounterId": "visit"}
        case "appointment-book":
            return {"appointments": bundle(())}
        case "medication-refill":
            return {"medications": orders}
        case "problem-list-item-create":
            return {"conditions": bundle(())}
        case _:
            return {}

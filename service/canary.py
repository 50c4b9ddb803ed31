"""The evaluation of which the answer is known: a worker that does not find it must not answer for anybody."""

from __future__ import annotations

import json
from typing import Any

from rules.reasoning.errors import ClinicalCoreError
from service.cds_hooks.problems import NotReady, Overloaded, Problem
from service.cds_hooks.requests import AS_OF, read_request
from service.deployment import Deployment
from service.submission import requested

_CLASS = "RVFX_PROBABLE"
_RULE = "RVFX-01"
_DOSES = ("2022-01-10", "2022-07-10", "2023-01-10", "2023-07-10", "2024-01-10", "2024-07-10", "2025-01-10")


def check(deployment: Deployment) -> None:
    """Evaluate a woman whose vertebra broke ten months after the last of seven doses; she must get a critical card.

    Where the site has switched that rule off, her fracture must still be classified.

    Raises:
        NotReady: anything else came out.
        Overloaded: the worker had no time for it.
    """
    try:
        with deployment.turn():
            submission = requested(read_request(json.dumps(known_request()).encode()), "canary")
            assert submission.as_of is not None
            evaluation = deployment.evaluate(submission, submission.as_of)
            indicators = [card.indicator for card in deployment.cards.cards(evaluation)]
    except Overloaded:
        raise
    except (ClinicalCoreError, Problem) as error:
        raise NotReady(f"the evaluation with a known answer failed: {error}") from error
    if evaluation.fracture_class != _CLASS:
        raise NotReady(f"the fracture with a known class came out as {evaluation.fracture_class}, not {_CLASS}")
    if "critical" not in indicators and _RULE not in deployment.settings.disabled_rules:
        raise NotReady("the evaluation with a known answer gave no critical card")


def known_request() -> dict[str, Any]:
    """The hook request, with its day, of which the answer is known; the example in the description of the wire."""
    return {
        "hook": "patient-view",
        "hookInstance": "00000000-0000-4000-8000-000000000000",
        "context": {"userId": "Practitioner/canary", "patientId": "canary"},
        "prefetch": {
            "patient": {"resourceType": "Patient", "id": "canary", "gender": "female", "birthDate": "1950-01-01"},
            "conditions": {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": _fracture()}]},
            "medicationAdministrations": {
                "resourceType": "Bundle",
                "type": "searchset",
                "entry": [{"resource": _dose(number, day)} for number, day in enumerate(_DOSES, 1)],
            },
        },
        "extension": {AS_OF: "2026-01-15"},
    }


def _dose(number: int, day: str) -> dict[str, Any]:
    return {
        "resourceType": "MedicationAdministration",
        "id": f"dose-{number}",
        "status": "completed",
        "subject": {"reference": "Patient/canary"},
        "medicationCodeableConcept": {"text": "Prolia 60 mg/mL"},
        "effectiveDateTime": day,
    }


def _fracture() -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": "fracture",
        "subject": {"reference": "Patient/canary"},
        "code": {
            "coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "M80.08XA"}],
            "text": "Compression fracture of L1",
        },
        "onsetDateTime": "2025-11-12",
    }

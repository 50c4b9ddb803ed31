"""Small FHIR R4 records, and the reader over the project's own terminology."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import rules
from rules.reasoning.terminology import Terminology
from rules.reasoning.timeline import PatientTimeline
from service.fhir.reader import Document, Reading, RecordReader

READER = RecordReader(Terminology.load(Path(rules.__path__[0]) / "terminology"))
AS_OF = date(2026, 3, 1)
SUBJECT = {"subject": {"reference": "Patient/p"}}
PATIENT = {"resourceType": "Patient", "id": "p", "birthDate": "1957-04-02", "gender": "female"}
PROLIA = {
    "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "993456", "display": "Prolia 60 mg"}]
}


def bundle(*resources: dict[str, Any]) -> bytes:
    """A collection Bundle of the patient and these resources."""
    entries = [{"fullUrl": f"urn:x:{number}", "resource": one} for number, one in enumerate((PATIENT, *resources))]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


def read(*documents: bytes, name: str = "record.json") -> Reading:
    """Read documents together."""
    return READER.read([Document(name, one) for one in documents], as_of=AS_OF)


def timeline(*resources: dict[str, Any]) -> PatientTimeline:
    """The timeline of the one patient of a Bundle."""
    [found] = read(bundle(*resources)).timelines
    return found


def injection(day: str, **more: Any) -> dict[str, Any]:
    """An administration of Prolia."""
    return {
        "resourceType": "MedicationAdministration",
        "id": f"a-{day}",
        "status": "completed",
        "medicationCodeableConcept": PROLIA,
        "effectiveDateTime": day,
        **SUBJECT,
        **more,
    }


def fracture(onset: str | None = "2025-12-10", **more: Any) -> dict[str, Any]:
    """A compression fracture of T12."""
    return {
        "resourceType": "Condition",
        "id": "f",
        "code": {
            "coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "M80.08XA"}],
            "text": "Fracture of T12",
        },
        **({"onsetDateTime": onset} if onset else {}),
        **SUBJECT,
        **more,
    }

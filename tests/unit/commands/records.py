"""Small synthetic FHIR records, and the command run on them as a user would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from service.commands import main

Json = dict[str, Any]


def run(*arguments: str | Path, stdin: bytes = b"") -> Result:
    """Run `reboundwatch` with a page of 100 columns."""
    return CliRunner(env={"COLUMNS": "100"}).invoke(main, [str(argument) for argument in arguments], input=stdin)


def resource(kind: str, name: str, patient: str = "anna", **members: Any) -> Json:
    subject = {} if kind == "Patient" else {"subject": {"reference": f"Patient/{patient}"}}
    return {"resourceType": kind, "id": name, **subject, **members}


def patient(name: str = "anna") -> Json:
    return resource("Patient", name, gender="female", birthDate="1955-02-03")


def injection(day: str, name: str = "dose", owner: str = "anna") -> Json:
    return resource(
        "MedicationAdministration",
        name,
        owner,
        status="completed",
        effectiveDateTime=day,
        medicationCodeableConcept={"text": "Prolia 60 mg"},
    )


def fracture(day: str, level: str = "L1", name: str = "fracture", owner: str = "anna") -> Json:
    return resource(
        "Condition",
        name,
        owner,
        clinicalStatus={"coding": [{"code": "active"}]},
        code={
            "coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "M80.08XA"}],
            "text": f"Osteoporotic compression fracture of {level}",
        },
        onsetDateTime=day,
    )


def bundle(*resources: Json) -> Json:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}


def rebound(owner: str = "anna") -> list[Json]:
    """Two doses, and a fracture nine months after the second."""
    return [
        patient(owner),
        injection("2024-06-10", f"{owner}-1", owner),
        injection("2024-12-10", f"{owner}-2", owner),
        fracture("2025-10-01", name=f"{owner}-fracture", owner=owner),
    ]


def zoledronate_draft(name: str = "draft", owner: str = "anna") -> Json:
    return resource(
        "MedicationRequest",
        name,
        owner,
        status="draft",
        intent="order",
        authoredOn="2026-03-01",
        medicationCodeableConcept={"text": "zoledronic acid 5 mg/100 mL infusion"},
    )


def hook_request(hook: str = "patient-view", owner: str = "anna", **context: Any) -> Json:
    record = rebound(owner)
    kinds = {"conditions": "Condition", "medicationAdministrations": "MedicationAdministration"}
    return {
        "hook": hook,
        "hookInstance": "4f2a7c1e-93a5-4d0e-8f1b-6f2f7c3f9a10",
        "context": {"userId": "Practitioner/1", "patientId": owner, **context},
        "prefetch": {
            "patient": record[0],
            **{key: bundle(*(one for one in record if one["resourceType"] == kind)) for key, kind in kinds.items()},
        },
        "extension": {"org.reboundwatch.as-of": "2026-03-01"},
    }


def saved(folder: Path, content: Json | list[Json], name: str = "record.json") -> Path:
    """Write JSON, or a list of resources as lines."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(json.dumps(one) for one in content) if isinstance(content, list) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return path


def objects(result: Result) -> list[Json]:
    """What `--format json` printed."""
    return [json.loads(line) for line in result.stdout.splitlines()]

"""Charts made by rule, the same on every machine: a woman with a rebound fracture among 10 or 400 resources.

About twenty resources matter to the rules (doses, fractures, bone markers, kidney, calcium, imaging); the others are
what a chart is full of: vital signs, laboratory panels, encounters, procedures, conditions, orders of other drugs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import cycle, islice
from typing import Any

AS_OF = date(2026, 3, 1)
LOINC, SNOMED, ICD = "http://loinc.org", "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10-cm"
RXNORM, UCUM = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://unitsofmeasure.org"
SUBJECT = {"reference": "Patient/chart", "display": "Chart, Charlotte"}
DOSES = ("2022-01-10", "2022-07-10", "2023-01-10", "2023-07-10", "2024-01-10", "2024-07-10", "2025-01-10")
KEYS = {
    "Condition": "conditions",
    "MedicationAdministration": "medicationAdministrations",
    "MedicationRequest": "medicationRequests",
    "MedicationStatement": "medicationStatements",
    "Procedure": "procedures",
    "Observation": "observations",
    "DiagnosticReport": "diagnosticReports",
    "Encounter": "encounters",
    "MedicationDispense": "medicationDispenses",
    "ServiceRequest": "serviceRequests",
    "ImagingStudy": "imagingStudies",
    "AllergyIntolerance": "allergies",
    "Appointment": "appointments",
}
"""The prefetch key of each kind of resource; of the last five the chart holds none, and says so."""

VITAL_SIGNS = (
    ("29463-7", "Body weight", 61.4, "kg"),
    ("8867-4", "Heart rate", 72, "/min"),
    ("9279-1", "Respiratory rate", 14, "/min"),
    ("8310-5", "Body temperature", 36.7, "Cel"),
    ("39156-5", "Body mass index", 22.9, "kg/m2"),
)
LABORATORY = (
    ("4548-4", "Hemoglobin A1c", 5.4, "%"),
    ("2093-3", "Cholesterol", 181, "mg/dL"),
    ("2571-8", "Triglyceride", 96, "mg/dL"),
    ("6690-2", "Leukocytes", 6.1, "10*3/uL"),
    ("789-8", "Erythrocytes", 4.4, "10*6/uL"),
    ("2951-2", "Sodium", 139, "mmol/L"),
    ("2823-3", "Potassium", 4.2, "mmol/L"),
    ("3016-3", "Thyrotropin", 1.9, "m[IU]/L"),
)
PROBLEMS = (
    ("I10", "Essential (primary) hypertension"),
    ("E78.5", "Hyperlipidemia, unspecified"),
    ("J30.2", "Other seasonal allergic rhinitis"),
    ("M17.11", "Unilateral primary osteoarthritis, right knee"),
    ("H26.9", "Unspecified cataract"),
)
DRUGS = (("314076", "lisinopril 10 MG Oral Tablet"), ("617312", "atorvastatin 20 MG Oral Tablet"))


def request(resources: int) -> bytes:
    """A whole call of patient-view whose chart holds so many resources, the patient included (at least 10)."""
    chart = list(islice(_chart(few=resources < 25), resources - 1))
    prefetch: dict[str, Any] = {"patient": _patient()}
    for key in KEYS.values():
        prefetch[key] = {"resourceType": "Bundle", "type": "searchset", "total": 0, "entry": []}
    for resource in chart:
        found = prefetch[KEYS[resource["resourceType"]]]
        address = f"https://ehr.example.org/fhir/{resource['resourceType']}/{resource['id']}"
        found["entry"].append({"fullUrl": address, "resource": resource, "search": {"mode": "match"}})
        found["total"] += 1
    call = {
        "hook": "patient-view",
        "hookInstance": "0a8de1ac-4f3a-4f2b-9c5c-2f9e6f1f8b11",
        "context": {"userId": "Practitioner/1", "patientId": "chart"},
        "extension": {"org.reboundwatch.as-of": AS_OF.isoformat()},
        "prefetch": prefetch,
    }
    return json.dumps(call, separators=(",", ":")).encode()


def _chart(*, few: bool) -> Iterator[dict[str, Any]]:
    matters = [*_doses(), _fracture("T12", "2025-11-10"), _fracture("L1", "2025-11-24"), *_tests()]
    yield from matters[:9] if few else matters
    for number in cycle(range(1_000_000)):
        yield _other(number)


def _other(number: int) -> dict[str, Any]:
    """What a chart is full of: nine of twenty are vital signs, six laboratory values, two encounters."""
    day = (AS_OF - timedelta(days=11 * (number // 20) + number % 7)).isoformat()
    match number % 20:
        case 0 | 1:
            return _encounter(number, day)
        case 2:
            code, words = PROBLEMS[number // 20 % len(PROBLEMS)]
            return _condition(number, ICD, code, words, day)
        case 3:
            return _procedure(number, day)
        case 4:
            return _order(number, day)
        case 5 | 6 | 7 | 8 | 9 | 10:
            code, words, value, unit = LABORATORY[number % len(LABORATORY)]
            return _observation(number, "laboratory", code, words, value, unit, day)
        case 11 | 12:
            return _blood_pressure(number, day)
        case _:
            code, words, value, unit = VITAL_SIGNS[number % len(VITAL_SIGNS)]
            return _observation(number, "vital-signs", code, words, value, unit, day)


def _patient() -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": "chart",
        "meta": {"versionId": "12", "lastUpdated": "2026-02-20T08:11:02Z"},
        "identifier": [{"use": "usual", "system": "https://ehr.example.org/mrn", "value": "synthetic-400"}],
        "active": True,
        "name": [{"use": "official", "family": "Chart", "given": ["Charlotte"]}],
        "gender": "female",
        "birthDate": "1955-06-02",
        "address": [{"use": "home", "line": ["1 Example Street"], "city": "Exampletown", "country": "US"}],
    }


def _resource(kind: str, number: int | str, **members: Any) -> dict[str, Any]:
    meta = {"versionId": "1", "lastUpdated": "2026-02-20T08:11:02Z", "source": "#synthetic"}
    return {"resourceType": kind, "id": f"{kind.lower()}-{number}", "meta": meta, **members}


def _concept(system: str, code: str, words: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": words}], "text": words}


def _category(code: str) -> list[dict[str, Any]]:
    return [_concept("http://terminology.hl7.org/CodeSystem/observation-category", code, code)]


def _encounter_of(number: int) -> dict[str, Any]:
    return {"reference": f"Encounter/encounter-{number // 20 * 20}"}


def _doses() -> list[dict[str, Any]]:
    prolia = _concept(RXNORM, "993456", "1 ML denosumab 60 MG/ML Prefilled Syringe [Prolia]")
    dosage = {"text": "60 mg under the skin", "dose": {"value": 60, "unit": "mg", "system": UCUM, "code": "mg"}}
    return [
        _resource(
            "MedicationAdministration",
            f"dose-{number}",
            status="completed",
            medicationCodeableConcept=prolia,
            subject=SUBJECT,
            effectiveDateTime=f"{day}T09:30:00Z",
            dosage=dosage,
        )
        for number, day in enumerate(DOSES)
    ]


def _fracture(level: str, day: str) -> dict[str, Any]:
    words = f"Compression fracture of {level}, no trauma"
    return _condition(f"fracture-{level}", ICD, "M80.08XA", words, day)


def _condition(number: int | str, system: str, code: str, words: str, day: str) -> dict[str, Any]:
    clinical = _concept("http://terminology.hl7.org/CodeSystem/condition-clinical", "active", "Active")
    verified = _concept("http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed", "Confirmed")
    return _resource(
        "Condition",
        number,
        clinicalStatus=clinical,
        verificationStatus=verified,
        category=[_concept("http://terminology.hl7.org/CodeSystem/condition-category", "problem-list-item", "Problem")],
        code=_concept(system, code, words),
        subject=SUBJECT,
        onsetDateTime=day,
        recordedDate=day,
    )


def _tests() -> list[dict[str, Any]]:
    values = (
        ("33959-8", "Collagen crosslinked C-telopeptide", 0.71, "ng/mL"),
        ("17861-6", "Calcium", 9.4, "mg/dL"),
        ("1751-7", "Albumin", 4.1, "g/dL"),
        ("33914-3", "Glomerular filtration rate", 64, "mL/min/{1.73_m2}"),
        ("2160-0", "Creatinine", 0.8, "mg/dL"),
        ("1989-3", "25-hydroxyvitamin D3", 31, "ng/mL"),
        ("2731-8", "Parathyrin.intact", 41, "pg/mL"),
    )
    found = [
        _observation(f"bone-{code}", "laboratory", code, words, value, unit, "2026-02-20")
        for code, words, value, unit in values
    ]
    report = _resource(
        "DiagnosticReport",
        "spine",
        status="final",
        code=_concept(LOINC, "24969-2", "MR Thoracic and lumbar spine"),
        subject=SUBJECT,
        effectiveDateTime="2025-11-26",
        conclusion="Fresh compression fractures of T12 and L1 with bone marrow oedema.",
    )
    return [*found, report]


def _observation(
    number: int | str, category: str, code: str, words: str, value: float, unit: str, day: str
) -> dict[str, Any]:
    return _resource(
        "Observation",
        number,
        status="final",
        category=_category(category),
        code=_concept(LOINC, code, words),
        subject=SUBJECT,
        effectiveDateTime=f"{day}T08:05:00Z",
        issued=f"{day}T10:05:00.000Z",
        performer=[{"reference": "Organization/laboratory", "display": "Example Laboratory"}],
        valueQuantity={"value": value, "unit": unit, "system": UCUM, "code": unit},
        **({"encounter": _encounter_of(number)} if isinstance(number, int) else {}),
    )


def _blood_pressure(number: int, day: str) -> dict[str, Any]:
    parts = (("8480-6", "Systolic blood pressure", 128), ("8462-4", "Diastolic blood pressure", 76))
    return _resource(
        "Observation",
        number,
        status="final",
        category=_category("vital-signs"),
        code=_concept(LOINC, "85354-9", "Blood pressure panel with all children optional"),
        subject=SUBJECT,
        encounter=_encounter_of(number),
        effectiveDateTime=f"{day}T08:05:00Z",
        component=[
            {
                "code": _concept(LOINC, code, words),
                "valueQuantity": {"value": value, "unit": "mm[Hg]", "system": UCUM, "code": "mm[Hg]"},
            }
            for code, words, value in parts
        ],
    )


def _encounter(number: int, day: str) -> dict[str, Any]:
    return _resource(
        "Encounter",
        number,
        status="finished",
        **{"class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}},
        type=[_concept(SNOMED, "185349003", "Encounter for check up")],
        subject=SUBJECT,
        participant=[{"individual": {"reference": "Practitioner/1", "display": "Dr. Example"}}],
        period={"start": f"{day}T08:00:00Z", "end": f"{day}T08:30:00Z"},
        serviceProvider={"reference": "Organization/clinic", "display": "Example Clinic"},
    )


def _procedure(number: int, day: str) -> dict[str, Any]:
    return _resource(
        "Procedure",
        number,
        status="completed",
        code=_concept(SNOMED, "430193006", "Medication reconciliation"),
        subject=SUBJECT,
        encounter=_encounter_of(number),
        performedPeriod={"start": f"{day}T08:10:00Z", "end": f"{day}T08:15:00Z"},
    )


def _order(number: int, day: str) -> dict[str, Any]:
    code, words = DRUGS[number // 20 % len(DRUGS)]
    return _resource(
        "MedicationRequest",
        number,
        status="active",
        intent="order",
        medicationCodeableConcept=_concept(RXNORM, code, words),
        subject=SUBJECT,
        encounter=_encounter_of(number),
        authoredOn=day,
        dosageInstruction=[{"text": "one tablet a day", "timing": {"repeat": {"frequency": 1, "period": 1}}}],
    )

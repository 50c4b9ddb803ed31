"""The record that a case tells, as FHIR R4 resources with ids that can be read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import TypeVar

from rules.reasoning.dates import add_months
from tests.storybook import care, medication
from tests.storybook.given import Diagnosis, Given, Person, VertebralFracture, When
from tests.storybook.vocabulary import Json, Untellable, codings, concept, slug

T = TypeVar("T")

CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
CATEGORY = "http://terminology.hl7.org/CodeSystem/condition-category"


def record(name: str, given: Given, as_of: date) -> list[Json]:
    """The resources of one patient, the Patient first; `name` is the patient's id."""
    resources = [
        patient(name, given.patient, as_of),
        *medication.injections(_several(given.denosumab)),
        *medication.statements(_several(given.denosumab_statement)),
        *medication.drugs_taken(given.drugs_taken),
        *medication.given_once(given.given_once),
        *medication.orders(given.orders),
        *(one for fracture in given.vertebral_fractures for one in _fracture(fracture)),
        *(_diagnosis(one) for one in given.history),
        *care.images(given.images),
        *care.appointments(given.appointments),
        *care.stays(given.stays),
        *care.allergies(given.allergies),
        *care.laboratory(given.laboratory),
        *(json.loads(one) for one in given.as_FHIR),
    ]
    return list(_belonging(name, resources))


def drafts(name: str, when: When) -> list[Json]:
    """The orders that are being written: "zoledronic acid 5 mg", "kyphoplasty of L1", "stop Prolia 60 mg"."""
    return list(_belonging(name, [medication.draft(words, when.as_of) for words in when.drafts]))


def bundle(resources: Sequence[Json]) -> Json:
    """A collection Bundle."""
    entries = [
        {"fullUrl": f"http://example.org/fhir/{one['resourceType']}/{one['id']}", "resource": one} for one in resources
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def export(records: Iterable[Sequence[Json]]) -> dict[str, str]:
    """A Bulk Data export of these records: the files, one a type of resource, with each resource once."""
    lines: dict[str, dict[str, None]] = {}
    for resource in (one for record in records for one in record):
        lines.setdefault(f"{resource['resourceType']}.ndjson", {})[json.dumps(resource, ensure_ascii=False)] = None
    return {name: "".join(f"{line}\n" for line in some) for name, some in lines.items()}


def patient(name: str, person: Person, as_of: date) -> Json:
    born = person.born
    if person.age is not None:
        if born is not None:
            raise Untellable("a patient has an age or a day of birth, not both")
        born = (add_months(as_of, -12 * person.age) - timedelta(days=40)).isoformat()
    death = {"deceasedBoolean": True} if person.died == "some day" else {"deceasedDateTime": person.died}
    members = {"birthDate": born, "gender": person.sex, **death}
    return {"resourceType": "Patient", "id": name, **{key: value for key, value in members.items() if value}}


def _several(told: T | tuple[T, ...]) -> tuple[T, ...]:
    return told if isinstance(told, tuple) else (told,)


def _belonging(name: str, resources: Sequence[Json]) -> Iterator[Json]:
    """The resources with the patient as their subject, each under an id of its own."""
    taken: dict[tuple[str, str], int] = {}
    for one in resources:
        key = (one["resourceType"], one.get("id", ""))
        taken[key] = taken.get(key, 0) + 1
        if taken[key] > 1:
            one = {**one, "id": f"{key[1]}-{taken[key]}"}
        yield {**_owner(one["resourceType"], name), **one}


def _owner(kind: str, name: str) -> Json:
    """The member by which a kind of resource names its patient."""
    patient_ = {"reference": f"Patient/{name}"}
    match kind:
        case "Patient" | "Medication":
            return {}
        case "AllergyIntolerance" | "Claim":
            return {"patient": patient_}
        case "Appointment":
            return {"participant": [{"actor": patient_, "status": "accepted"}]}
        case _:
            return {"subject": patient_}


def _status(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def _fracture(told: VertebralFracture) -> Iterator[Json]:
    for level in told.levels or ("",):
        words = told.words or f"Compression fracture of {level or 'a vertebra'}"
        resource: Json = {
            "resourceType": "Condition",
            "id": slug(f"fracture {level}"),
            "clinicalStatus": _status(CLINICAL, "active"),
            **({"verificationStatus": _status(VERIFICATION, told.verification)} if told.verification else {}),
            "code": concept("fractures", told.coded_as, words),
        }
        if told.encounter_diagnosis:
            resource["category"] = [_status(CATEGORY, "encounter-diagnosis")]
        if told.level_as_code:
            resource["bodySite"] = [{"coding": codings("levels", level)}]
        if told.onset:
            start, _, end = told.onset.partition(" to ")
            resource |= {"onsetPeriod": {"start": start, "end": end}} if end else {"onsetDateTime": start}
        if told.recorded:
            resource["recordedDate"] = told.recorded
        if told.encounter_started:
            resource["encounter"] = {"reference": "Encounter/visit"}
            yield _encounter(told.encounter_started)
        yield resource


def _encounter(started: str) -> Json:
    ambulatory = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
    period = {"start": started}
    return {"resourceType": "Encounter", "id": "visit", "status": "finished", "class": ambulatory, "period": period}


def _diagnosis(told: str | Diagnosis) -> Json:
    one = told if isinstance(told, Diagnosis) else _read_diagnosis(told)
    days = {"onsetDateTime": one.since, "recordedDate": one.recorded, "abatementDateTime": one.resolved}
    return {
        "resourceType": "Condition",
        "id": slug(one.what),
        "clinicalStatus": _status(CLINICAL, one.clinical_status),
        "verificationStatus": _status(VERIFICATION, one.verification),
        "code": concept("diagnoses", one.what),
        **{element: day for element, day in days.items() if day},
    }


def _read_diagnosis(words: str) -> Diagnosis:
    """The short form: "multiple myeloma since 2024-05"."""
    what, _, since = words.partition(" since ")
    return Diagnosis(what=what, since=since or None)

"""What is found and arranged in a case as FHIR R4: images, visits, allergies, blood tests and measures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rules.reasoning.dates import DateInterval
from tests.storybook.given import Allergy, Appointment, Imaged, Stay
from tests.storybook.vocabulary import Json, concept, observed, slug


def images(told: Iterable[Imaged]) -> Iterator[Json]:
    """Imaging studies, reports and procedures of imaging."""
    for one in told:
        code, name = concept("procedures", one.what), slug(f"image {one.what}")
        match one.known_from:
            case "the study":
                study = {"procedureCode": [code], "started": f"{one.on}T10:00:00Z"}
                yield {"resourceType": "ImagingStudy", "id": name, "status": "available", **study}
            case "the report":
                report = {"code": code, "effectiveDateTime": one.on, **({"conclusion": one.says} if one.says else {})}
                yield {"resourceType": "DiagnosticReport", "id": name, "status": "final", **report}
            case _:
                procedure = {"status": "completed", "code": code, "performedDateTime": one.on}
                yield {"resourceType": "Procedure", "id": name, **procedure}


def appointments(told: Iterable[Appointment]) -> Iterator[Json]:
    """Visits, past and to come."""
    for one in told:
        day = {"start": f"{one.on}T09:00:00Z", "end": f"{one.on}T09:15:00Z"}
        yield {"resourceType": "Appointment", "id": "visit", "status": one.status, "description": one.for_, **day}


def stays(told: Iterable[Stay]) -> Iterator[Json]:
    """Stays in hospital."""
    inpatient = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"}
    for one in told:
        status = "in-progress" if one.to is None else "finished"
        period = {"start": one.from_, **({"end": one.to} if one.to else {})}
        name = slug(f"stay {one.from_}")
        yield {"resourceType": "Encounter", "id": name, "status": status, "class": inpatient, "period": period}


def allergies(told: Iterable[str | Allergy]) -> Iterator[Json]:
    """Allergies and intolerances."""
    system = "http://terminology.hl7.org/CodeSystem/allergyintolerance"
    for one in told:
        allergy = Allergy(to=one) if isinstance(one, str) else one
        clinical = {"coding": [{"system": f"{system}-clinical", "code": allergy.clinical_status}]}
        verified = {"coding": [{"system": f"{system}-verification", "code": allergy.verification}]}
        yield {
            "resourceType": "AllergyIntolerance",
            "id": slug(f"allergy {allergy.to}"),
            "clinicalStatus": clinical,
            "verificationStatus": verified,
            "code": concept("drugs", allergy.to),
        }


def laboratory(told: Mapping[str, str | list[str]]) -> Iterator[Json]:
    """Blood tests and measures; each value is written like "2.05 mmol/L on 2026-02-20"."""
    for test, values in told.items():
        for value in [values] if isinstance(values, str) else values:
            members, day = observed(value)
            DateInterval.parse(day)
            yield {
                "resourceType": "Observation",
                "id": slug(f"{test} {day}"),
                "status": "final",
                "code": concept("laboratory", test),
                "effectiveDateTime": day,
                **members,
            }

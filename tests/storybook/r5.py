"""Records of a case in FHIR R5: what the two versions say differently, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from tests.storybook.vocabulary import Json, Untellable

_ADHERENCE = "http://hl7.org/fhir/CodeSystem/medication-statement-adherence"
_ADHERED = {
    "active": "taking",
    "stopped": "stopped",
    "on-hold": "on-hold",
    "not-taken": "not-taking",
    "unknown": "unknown",
}
_ENDED = {"completed": "completed", "finished": "completed"}


def in_r5(resources: Sequence[Json]) -> list[Json]:
    """The same records in R5.

    Raises:
        Untellable: R5 has no words for a status.
    """
    return [_CHANGES.get(one["resourceType"], dict)(one) for one in resources]


def _drug(old: Json) -> Json:
    """A CodeableReference in place of a code or a reference."""
    new = dict(old)
    if "medicationCodeableConcept" in new:
        new["medication"] = {"concept": new.pop("medicationCodeableConcept")}
    else:
        new["medication"] = {"reference": new.pop("medicationReference")}
    return new


def _statement(old: Json) -> Json:
    new = _drug(old)
    status = new["status"]
    reasons = new.pop("statusReason", [])
    new["status"] = "recorded"
    if status in _ADHERED:
        new["adherence"] = {"code": {"coding": [{"system": _ADHERENCE, "code": _ADHERED[status]}]}}
        if reasons:
            new["adherence"]["reason"] = reasons[0]
    elif status == "entered-in-error":
        new["status"] = status
    elif status != "completed":
        raise Untellable(f"R5 has no words for a statement that is {status}")
    return new


def _administration(old: Json) -> Json:
    new = _drug(old)
    # R5 spells the element with one r.
    new["occurenceDateTime"] = new.pop("effectiveDateTime")
    return new


def _procedure(old: Json) -> Json:
    new = dict(old)
    new["occurrenceDateTime"] = new.pop("performedDateTime")
    return new


def _service_request(old: Json) -> Json:
    return {**old, "code": {"concept": old["code"]}}


def _imaging_study(old: Json) -> Json:
    new = dict(old)
    new["procedure"] = [{"concept": one} for one in new.pop("procedureCode")]
    return new


def _encounter(old: Json) -> Json:
    new = dict(old)
    new["actualPeriod"] = new.pop("period")
    return {**new, "status": _ENDED.get(new["status"], new["status"]), "class": [{"coding": [new["class"]]}]}


_CHANGES = {
    "MedicationStatement": _statement,
    "MedicationAdministration": _administration,
    "MedicationDispense": _drug,
    "MedicationRequest": _drug,
    "Procedure": _procedure,
    "ServiceRequest": _service_request,
    "Encounter": _encounter,
    "ImagingStudy": _imaging_study,
}

"""What the status words of FHIR R4 mean for a timeline, and how its dates and names are read."""

from __future__ import annotations

from rules.reasoning.dates import DateInterval
from rules.reasoning.timeline import Standing
from service.fhir import resources_r4 as r4
from service.fhir.elements import CodeableConcept, Period
from service.fhir.reading import PatientReading

IGNORED = frozenset({"entered-in-error", "not-done", "unknown"})
UNCERTAIN = {"unknown": Standing.UNCERTAIN}
"""A drug or injection of which not even its author knows where it stands is on record, and no more."""
STATEMENT = {
    "active": Standing.ACTIVE,
    "completed": Standing.HAPPENED,
    "stopped": Standing.STOPPED,
    "not-taken": Standing.NOT_TAKEN,
    "on-hold": Standing.ON_HOLD,
    "intended": Standing.PLANNED,
    **UNCERTAIN,
}
_ORDERED = {
    "active": Standing.ACTIVE,
    "completed": Standing.HAPPENED,
    "stopped": Standing.STOPPED,
    "cancelled": Standing.STOPPED,
    "on-hold": Standing.ON_HOLD,
}
DRUG_ORDER = {**_ORDERED, **UNCERTAIN}
ORDER = {**_ORDERED, "revoked": Standing.STOPPED}
DONE = {"completed": Standing.HAPPENED, **UNCERTAIN}
NOT_DONE_YET = frozenset({"in-progress", "preparation", "on-hold", "stopped", "cancelled", "declined", "draft"})
OBSERVED = frozenset({"final", "amended", "corrected", "preliminary"})


def standing(
    status: str | None,
    words: dict[str, Standing],
    without_effect: frozenset[str],
    reference: str,
    reading: PatientReading,
) -> Standing | None:
    """Where a record stands; None when it never counts. A status that FHIR does not know is named.

    A drug or injection of such a status is on record all the same: it would otherwise seem never to have been given.
    """
    if reading.draft:
        stop = words.get(status or "")
        return stop if stop in (Standing.STOPPED, Standing.ON_HOLD) else Standing.DRAFT
    if status in words:
        return words[status]
    if status not in IGNORED and status not in without_effect:
        reading.refuse(reference, "status", "missing" if status is None else "a word that FHIR R4 does not know here")
        return words.get("unknown")
    return None


def period(
    period: Period | None, reading: PatientReading, reference: str, element: str, *, planned: bool = False
) -> tuple[DateInterval | None, DateInterval | None]:
    if period is None:
        return None, None
    return (
        reading.day(period.start, reference, f"{element}.start", planned=planned),
        reading.day(period.end, reference, f"{element}.end", planned=planned),
    )


def in_the_future(when: DateInterval | None, reading: PatientReading) -> bool:
    return when is not None and when.earliest > reading.as_of


def word(concept: CodeableConcept | None) -> str:
    return next((coding.code for coding in concept.coding if coding.code), "") if concept else ""


def name(resource: r4.Resource) -> str:
    return f"{resource.kind}/{resource.id or '?'}"

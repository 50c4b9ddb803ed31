"""Claims and their settlements as events of the timeline: each item that names a drug was supplied on its day."""

from __future__ import annotations

from rules.reasoning.facts.drugs import DRUGS, is_denosumab
from rules.reasoning.timeline import ClinicalEvent, MedicationEvent, MedicationRecord, Standing
from service.fhir import resources_r4 as r4
from service.fhir.dialects import r4_status as words
from service.fhir.elements import ClaimItem
from service.fhir.reading import Coded, PatientReading


def claim(resource: r4.Claim, reading: PatientReading) -> list[ClinicalEvent]:
    """What was billed; an inquiry beforehand, a draft, a cancelled or a failed claim tells nothing."""
    if resource.status != "active" or resource.use != "claim" or resource.outcome == "error":
        return []
    found = (_item(item, resource, reading) for item in resource.item)
    return [event for event in found if event is not None]


def _item(item: ClaimItem, resource: r4.Claim, reading: PatientReading) -> ClinicalEvent | None:
    coded = reading.coded([item.productOrService])
    if coded.concepts.isdisjoint(DRUGS):
        return None
    reference = words.name(resource)
    kind = f"{resource.kind}.item"
    when = reading.day(item.servicedDate, reference, f"{kind}.servicedDate")
    for period, element in (
        (item.servicedPeriod, f"{kind}.servicedPeriod"),
        (resource.billablePeriod, f"{resource.kind}.billablePeriod"),
    ):
        if when is None:
            when, _ = words.period(period, reading, reference, element)
    if words.in_the_future(when, reading):
        reading.refuse(reference, kind, "dated after the day of evaluation")
        return None
    if when is None:
        reading.refuse(reference, kind, "has no usable date")
    return MedicationEvent(
        reference=reference,
        concepts=coded.concepts & DRUGS,
        standing=Standing.HAPPENED,
        record=MedicationRecord.CLAIM,
        when=when,
        codes=coded.codes,
        text=coded.text,
        dose_mg=_milligrams(item, coded),
    )


def _milligrams(item: ClaimItem, coded: Coded) -> float | None:
    """Every HCPCS code of denosumab bills it by the milligram, so that the units tell 60 mg from 120 mg."""
    billed = is_denosumab(coded.concepts) and any(code.system == "hcpcs" for code in coded.codes)
    return item.quantity.value if billed and item.quantity is not None else None

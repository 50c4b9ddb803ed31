"""From FHIR documents to one timeline a patient: select while decoding, validate what was selected, name the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from rules.reasoning.facts.drugs import DRUGS
from rules.reasoning.terminology import Terminology
from rules.reasoning.timeline import (
    ClinicalEvent,
    Gap,
    MedicationEvent,
    Patient,
    PatientTimeline,
    ProcedureEvent,
    Standing,
    Unusable,
)
from service.fhir import resources_r4 as r4
from service.fhir.content import Document, Item, Lost, UnreadableDocument, gaps_of
from service.fhir.dialects import r4 as dialect
from service.fhir.documents import content
from service.fhir.elements import CodeableConcept, Component, Reference
from service.fhir.reading import PatientReading, last_two, test_named
from service.fhir.validation import verdicts
from service.observation.call import noted

__all__ = ["Document", "Reading", "RecordReader", "UnreadableDocument"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One timeline a patient, and what belongs to no patient or could not be read at all."""

    timelines: tuple[PatientTimeline, ...]
    unusable: tuple[Unusable, ...]


class RecordReader:
    """Reads FHIR R4 and R5 records; holds no state of any patient."""

    def __init__(self, terminology: Terminology) -> None:
        self._terminology = terminology

    def read(self, documents: Sequence[Document], *, as_of: date, fhir_version: str | None = None) -> Reading:
        """All patients of documents that are read together.

        `fhir_version` is "R4" or "R5"; None: each resource says it by its members (see `dialects.r5`).

        Raises:
            UnreadableDocument: a document is no JSON or holds no FHIR.
        """
        items: list[Item] = []
        lost: list[Lost] = []
        gaps: list[Gap] = []
        for document in documents:
            found = content(document, self._may_matter, fhir_version)
            items += found.items
            lost += found.lost
            gaps += found.gaps
        if (call := noted()) is not None:
            call.resources = len(items)
        if any(document.prevails for document in documents):
            # What is being written is newer than the record's copy of the same resource.
            written = {item.reference for item in items if item.document.prevails}
            items = [item for item in items if item.document.prevails or item.reference not in written]
        patients = {_key(item): item for item in items if isinstance(item.resource, r4.Patient)}
        belongings, strays = _belongings(items, patients)
        used = {item.source for some in belongings.values() for item in some}
        # What was asked of one patient, and is all of somebody who is not here, names that patient in an unknown way.
        doubted = {item.source for item in strays if item.document.asked} - used
        lost += [Lost(_nobodys(one)) for one in strays if _owner_untold(one) or one.source in doubted]
        drugs = _drugs(items)
        own: dict[str | None, list[Unusable]] = {}
        for one in lost:
            own.setdefault(one.patient, []).append(one.unusable)
        gaps += gaps_of((one.unusable for one in lost if one.patient not in patients), used)
        timelines = [
            self._timeline(patients[key], belongings[key], drugs, as_of, (*gaps, *gaps_of(own.get(key, ()), used)))
            for key in patients
        ]
        others = [_nobodys(one) for one in strays if not _owner_untold(one) and one.source not in doubted]
        return Reading(tuple(timelines), (*(one.unusable for one in lost), *others))

    def _may_matter(self, one: r4.Resource) -> bool:
        """Not an observation of something that no rule asks about, as most of a chart is."""
        if type(one) is not r4.Observation:
            return True
        parts: tuple[r4.Observation | Component, ...] = (one, *one.component)
        for part in parts:
            if part.valueCodeableConcept is not None or test_named(self._terminology, part.code).concepts:
                return True
        return False

    def _timeline(
        self,
        patient: Item,
        items: Sequence[Item],
        drugs: Mapping[str, CodeableConcept],
        as_of: date,
        gaps: tuple[Gap, ...],
    ) -> PatientTimeline:
        reading = PatientReading(self._terminology, as_of, drugs, {}, patient.source)
        reading.encounters = {
            item.reference: start
            for item in items
            if isinstance(item.resource, r4.Encounter) and item.resource.period is not None
            if (start := reading.day(item.resource.period.start, item.reference, "Encounter.period.start")) is not None
        }
        person = patient.resource
        assert isinstance(person, r4.Patient)
        events = _valid_events(items, reading)
        return PatientTimeline(
            patient=Patient(
                reference=patient.reference,
                birth=reading.day(person.birthDate, patient.reference, "Patient.birthDate"),
                sex=person.gender or "",
                deceased=bool(person.deceasedBoolean) or _died(person.deceasedDateTime, patient.reference, reading),
            ),
            as_of=as_of,
            events=tuple(events),
            unusable=tuple(reading.unusable),
            gaps=gaps,
        )


def _died(day: str | None, reference: str, reading: PatientReading) -> bool:
    """Whether somebody had died by the day of evaluation; a day of death that is none is one nevertheless."""
    when = reading.day(day, reference, "Patient.deceasedDateTime")
    return day is not None and (when is None or when.earliest <= reading.as_of)


def _selected(items: Sequence[Item], refused: list[Unusable]) -> frozenset[str]:
    """The drafts that the call is about ("Type/id"); none, which is all, when no draft is one of those named."""
    named = frozenset(name for item in items if item.document.draft for name in item.document.selected)
    drafts = {item.reference for item in items if item.document.draft}
    if named and named.isdisjoint(drafts):
        refused.append(Unusable("", "names no order that is being written: all are judged", "", "context.selections"))
        return frozenset()
    return named


def _valid_events(items: Sequence[Item], reading: PatientReading) -> list[ClinicalEvent]:
    """The events of all items; one that is not valid FHIR is named after what else it lacks, and gives none.

    Of a drug in such a record it is kept that it is on record: it would otherwise seem never to have been given.
    """
    refused = reading.unusable
    read = []
    selected = _selected(items, refused)
    for item in items:
        reading.source, reading.unusable = item.source, []
        reading.draft = item.document.draft
        reading.selected = not selected or item.reference in selected
        read.append((item, dialect.events(item.resource, reading), reading.unusable))
    # Drafts are often incomplete while they are written; they are read as far as they go.
    judged = [item for item, found, _ in read if found and not item.document.draft]
    judgement = verdicts([(item.resource.kind, item.version, item.sent or item.resource) for item in judged])
    wrong = {id(item): verdict for item, verdict in zip(judged, judgement, strict=True) if verdict is not None}
    events: list[ClinicalEvent] = []
    for item, found, unusable in read:
        refused += unusable
        if verdict := wrong.get(id(item)):
            refused.append(Unusable(item.reference, verdict[1], verdict[0], item.source))
            events += _on_record(found)
        else:
            events += found
    reading.unusable = refused
    return events


def _on_record(events: Iterable[ClinicalEvent]) -> Iterator[ClinicalEvent]:
    for event in events:
        if event.standing in (Standing.PLANNED, Standing.DRAFT) or event.concepts.isdisjoint(DRUGS):
            continue
        if isinstance(event, MedicationEvent) and not event.prohibited:
            yield replace(
                event, standing=Standing.UNCERTAIN, when=None, recorded=None, ended=None, changed=None, order=None
            )
        elif isinstance(event, ProcedureEvent):
            yield replace(event, standing=Standing.UNCERTAIN, when=None)


def _belongings(items: Sequence[Item], patients: Mapping[str, Item]) -> tuple[dict[str, list[Item]], list[Item]]:
    """The records of each patient, and those of nobody in the record."""
    by_url = {item.url: key for key, item in patients.items() if item.url}
    found: dict[str, list[Item]] = {key: [] for key in patients}
    strays: list[Item] = []
    for item in items:
        if isinstance(item.resource, r4.Patient | r4.Medication):
            continue
        owner = _owner(item, patients, by_url)
        (strays if owner is None else found[owner]).append(item)
    return found, strays


def _nobodys(item: Item) -> Unusable:
    return Unusable(item.reference, "belongs to no patient of this record", "subject", item.source)


def _owner_untold(item: Item) -> bool:
    """Whether a record does not say whose it is, so that it may be of any patient."""
    return not any("/" in (one.reference or "") for one in _owners(item.resource))


def _owner(item: Item, patients: Mapping[str, Item], by_url: Mapping[str, str]) -> str | None:
    subject: Reference | None = getattr(item.resource, "subject", None)
    if subject is not None and subject.reference in patients:
        return subject.reference
    targets = [one.reference for one in _owners(item.resource) if one.reference]
    if not targets:
        return next(iter(patients)) if len(patients) == 1 else None
    for target in targets:
        if target in patients:
            return target
        if target in by_url:
            return by_url[target]
        if (key := last_two(target)) in patients:
            return key
    return None


def _owners(resource: r4.Resource) -> list[Reference]:
    """Who a resource may be about: its subject, its patient, or those who take part in a visit."""
    if isinstance(resource, r4.Appointment):
        return [one.actor for one in resource.participant if one.actor is not None]
    one = getattr(resource, "subject", None) or getattr(resource, "patient", None)
    return [one] if one is not None else []


def _drugs(items: Sequence[Item]) -> dict[str, CodeableConcept]:
    found: dict[str, CodeableConcept] = {}
    for item in items:
        if isinstance(item.resource, r4.Medication) and item.resource.code is not None:
            found[item.reference] = item.resource.code
            if item.url:
                found[item.url] = item.resource.code
    return found


def _key(item: Item) -> str:
    return item.reference if item.resource.id else item.url or item.reference

"""From FHIR documents to one timeline a patient: select while decoding, validate what was selected, name the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import msgspec
from fhir.resources.R4B import get_fhir_model_class

from rules.reasoning.terminology import Terminology
from rules.reasoning.timeline import ClinicalEvent, Patient, PatientTimeline, Unusable
from service.fhir import resources_r4 as r4
from service.fhir.dialects import r4 as dialect
from service.fhir.elements import CodeableConcept
from service.fhir.reading import PatientReading, last_two

_LINES = (".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz")
_OLDER = frozenset({"MedicationOrder", "ProcedureRequest", "DiagnosticOrder", "ReferralRequest"})


class UnreadableDocument(Exception):
    """A document that is no JSON, or holds no FHIR; the message names it and the place, never its content."""


@dataclass(frozen=True, slots=True)
class Document:
    """One file or prefetched value under the name by which the user knows it.

    `draft` says that it holds orders still being written (the context of an order hook); `selected` names those that
    the call is about ("Type/id"), all of them when it is empty.
    """

    name: str
    data: bytes
    draft: bool = False
    selected: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reading:
    """One timeline a patient, and what belongs to no patient or could not be read at all."""

    timelines: tuple[PatientTimeline, ...]
    unusable: tuple[Unusable, ...]


class _Entry(msgspec.Struct):
    fullUrl: str | None = None
    resource: msgspec.Raw = msgspec.Raw(b"")


class _Top(msgspec.Struct):
    resourceType: str = ""
    entry: list[msgspec.Raw] = []


@dataclass(slots=True)
class _Item:
    resource: r4.Resource
    url: str
    document: Document

    @property
    def source(self) -> str:
        return self.document.name


class RecordReader:
    """Reads FHIR R4 records; holds no state of any patient."""

    def __init__(self, terminology: Terminology) -> None:
        self._terminology = terminology

    def read(self, documents: Sequence[Document], *, as_of: date) -> Reading:
        """All patients of documents that are read together.

        Raises:
            UnreadableDocument: a document is no JSON or holds no FHIR.
        """
        unusable: list[Unusable] = []
        items: list[_Item] = []
        for document in documents:
            items += _items(document, unusable)
        # A draft is newer than the record's copy of the same resource.
        drafted = {_reference(item) for item in items if item.document.draft}
        items = [item for item in items if item.document.draft or _reference(item) not in drafted]
        patients = {_key(item): item for item in items if isinstance(item.resource, r4.Patient)}
        by_url = {item.url: key for key, item in patients.items() if item.url}
        belongings: dict[str, list[_Item]] = {key: [] for key in patients}
        for item in items:
            if isinstance(item.resource, r4.Patient | r4.Medication):
                continue
            owner = _owner(item, patients, by_url)
            if owner is None:
                reference = f"{item.resource.resourceType}/{item.resource.id or '?'}"
                unusable.append(Unusable(reference, "belongs to no patient of this record", "subject", item.source))
            else:
                belongings[owner].append(item)
        drugs = _drugs(items)
        timelines = [self._timeline(patients[key], belongings[key], drugs, as_of) for key in patients]
        return Reading(tuple(timelines), tuple(unusable))

    def _timeline(
        self, patient: _Item, items: Sequence[_Item], drugs: dict[str, CodeableConcept], as_of: date
    ) -> PatientTimeline:
        reading = PatientReading(self._terminology, as_of, drugs, {}, patient.source)
        encounters = {}
        for item in items:
            if isinstance(item.resource, r4.Encounter) and item.resource.period is not None:
                start = reading.day(item.resource.period.start, _reference(item), "Encounter.period.start")
                if start is not None:
                    encounters[_reference(item)] = start
        reading.encounters = encounters
        person = patient.resource
        assert isinstance(person, r4.Patient)
        events: list[ClinicalEvent] = []
        for item in items:
            reading.source = item.source
            reading.draft = item.document.draft
            reading.selected = not item.document.selected or _reference(item) in item.document.selected
            found = dialect.events(item.resource, reading)
            # Drafts are often incomplete while they are written; they are read as far as they go.
            if found and not reading.draft and (reason := _invalid(item.resource)):
                reading.refuse(_reference(item), reason[0], reason[1])
            else:
                events += found
        return PatientTimeline(
            patient=Patient(
                reference=_reference(patient),
                birth=reading.day(person.birthDate, _reference(patient), "Patient.birthDate"),
                sex=person.gender or "",
                deceased=bool(person.deceasedBoolean or person.deceasedDateTime),
            ),
            as_of=as_of,
            events=tuple(events),
            unusable=tuple(reading.unusable),
        )


def _items(document: Document, unusable: list[Unusable]) -> list[_Item]:
    found = []
    for raw in _resources(document, unusable):
        entry = raw if isinstance(raw, _Entry) else _Entry(resource=raw)
        resource = _decoded(entry.resource, document.name, unusable) if bytes(entry.resource) else None
        if resource is not None:
            found.append(_Item(resource, entry.fullUrl or "", document))
    return found


def _resources(document: Document, unusable: list[Unusable]) -> Iterable[msgspec.Raw | _Entry]:
    if document.name.endswith(_LINES):
        for number, line in enumerate(document.data.splitlines(), 1):
            if line.strip():
                try:
                    msgspec.json.decode(line, type=r4.Resource)
                    yield msgspec.Raw(line)
                except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
                    unusable.append(Unusable("", _said(error), f"line {number}", document.name))
        return
    try:
        top = msgspec.json.decode(document.data, type=_Top)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise UnreadableDocument(f"{document.name}: {_said(error)}") from None
    if top.resourceType != "Bundle":
        if not top.resourceType:
            raise UnreadableDocument(f"{document.name}: is no FHIR resource (it has no resourceType)")
        yield msgspec.Raw(document.data)
        return
    for number, raw in enumerate(top.entry):
        try:
            yield msgspec.json.decode(raw, type=_Entry)
        except (msgspec.MsgspecError, RecursionError) as error:
            unusable.append(Unusable("", _said(error), f"Bundle.entry[{number}]", document.name))


def _decoded(raw: msgspec.Raw, source: str, unusable: list[Unusable]) -> r4.Resource | None:
    try:
        known = msgspec.json.decode(raw, type=r4.Resource)
    except (msgspec.MsgspecError, RecursionError) as error:
        unusable.append(Unusable("", _said(error), "resource", source))
        return None
    reference = f"{known.resourceType}/{known.id or '?'}"
    if known.resourceType in _OLDER:
        unusable.append(Unusable(reference, "is of an older FHIR version than R4", "", source))
        return None
    kind = r4.TYPES.get(known.resourceType)
    if kind is None:
        return None
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        unusable.append(Unusable(reference, _said(error), known.resourceType, source))
        return None


def _said(error: Exception) -> str:
    """The reason in words: msgspec names types and places, never values."""
    return "is nested too deep" if isinstance(error, RecursionError) else str(error)


def _invalid(resource: r4.Resource) -> tuple[str, str] | None:
    """What the official model finds wrong with the members that were read, as (element, reason); None if nothing."""
    content = msgspec.to_builtins(resource)
    try:
        get_fhir_model_class(resource.resourceType).model_validate(content)
    except Exception as error:  # the models raise more kinds than they document; each is named, none is lost
        details = getattr(error, "errors", None)
        first = details()[0] if callable(details) else {"loc": (), "type": type(error).__name__}
        element = ".".join([resource.resourceType, *(str(part) for part in first["loc"])])
        return element, f"is not valid FHIR ({first['type']})"
    return None


def _owner(item: _Item, patients: dict[str, _Item], by_url: dict[str, str]) -> str | None:
    subject = getattr(item.resource, "subject", None)
    target = subject.reference if subject is not None else None
    if not target:
        return next(iter(patients)) if len(patients) == 1 else None
    if target in by_url:
        return by_url[target]
    key = last_two(target)
    return key if key in patients else None


def _drugs(items: Sequence[_Item]) -> dict[str, CodeableConcept]:
    found: dict[str, CodeableConcept] = {}
    for item in items:
        if isinstance(item.resource, r4.Medication) and item.resource.code is not None:
            found[_reference(item)] = item.resource.code
            if item.url:
                found[item.url] = item.resource.code
    return found


def _reference(item: _Item) -> str:
    return f"{item.resource.resourceType}/{item.resource.id or '?'}"


def _key(item: _Item) -> str:
    return _reference(item) if item.resource.id else item.url or _reference(item)

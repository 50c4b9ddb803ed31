"""A value with FHIR in it, looked at before it is read: whose records, whether whole, whether the query failed."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from enum import Enum
from typing import TypeVar

import msgspec

from service.fhir.bundles import Bundle, Entry, Issue, Link, Plain, Response, plain
from service.fhir.elements import Participant
from service.fhir.reading import last_two

_Value = TypeVar("_Value")


class Outcome(Enum):
    """What an OperationOutcome beside the records, or in their place, says of the query."""

    NONE = 0
    WARNING = 1
    ERROR = 2


class SentFhir(msgspec.Struct, frozen=True, gc=False):
    """What a Bundle or resource says of itself.

    `stranger` is the first place in it ("", ".entry[3].resource.subject") where a record of another patient stands.
    `is_cut` says that fewer entries stand in it than its `total` and it does not say where the others are. `decoded`
    is the whole of it, when it is plain.
    """

    resource_type: str
    stranger: str | None
    outcome: Outcome
    has_next_page: bool
    is_cut: bool
    holds_patient: bool
    decoded: Plain | None


_OWNERS = ("subject", "patient")
_OUTCOME = "OperationOutcome"
_NOTHING = msgspec.Raw(b"")


class _Pointer(msgspec.Struct, gc=False):
    reference: str | None = None


class _Participant(msgspec.Struct, gc=False):
    actor: _Pointer | None = None


class _Resource(msgspec.Struct, gc=False):
    """The members that say whose a record is, how a query went, and what a Bundle holds."""

    kind: str = msgspec.field(default="", name="resourceType")
    id: str | None = None
    subject: _Pointer | None = None
    patient: _Pointer | None = None
    participant: list[_Participant] | None = None
    issue: list[Issue] | None = None
    total: int | None = None
    link: list[Link] | None = None
    entry: list[_Entry] | None = None


class _Entry(msgspec.Struct, gc=False):
    resource: _Resource | None = None
    response: Response | None = None


class _LooseResource(msgspec.Struct, gc=False):
    """A resource that uses a member otherwise, as those may that are not read here: each member by itself."""

    resourceType: str = ""
    id: msgspec.Raw = _NOTHING
    subject: msgspec.Raw = _NOTHING
    patient: msgspec.Raw = _NOTHING
    participant: msgspec.Raw = _NOTHING
    issue: msgspec.Raw = _NOTHING
    total: msgspec.Raw = _NOTHING
    link: msgspec.Raw = _NOTHING
    entry: msgspec.Raw = _NOTHING


class _LooseEntry(msgspec.Struct, gc=False):
    resource: msgspec.Raw = _NOTHING
    response: msgspec.Raw = _NOTHING


_BUNDLES = (_Resource, Bundle)
"""What may be a Bundle."""


def look_at(raw: bytes, patient: str, tolerated: Container[str] = ()) -> SentFhir | None:
    """What `raw` says of itself, with all Bundles in it; None when it is no FHIR resource.

    A malformed entry is left to whoever reads it. `patient` ("Patient/x") is the one whose records may be in it,
    `tolerated` are the codes of warnings that say nothing of the record.

    Raises:
        RecursionError: it is nested too deep.
    """
    decoded = plain(raw)
    if decoded is not None:
        return _described(decoded, decoded, patient, tolerated)
    try:
        top = _decoded(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return _described(top, None, patient, tolerated) if top.kind else None


def _described(top: _Resource | Plain, decoded: Plain | None, patient: str, tolerated: Container[str]) -> SentFhir:
    # What is plain holds no Bundle within; most of a large record is, and is looked through without looking for one.
    entries = list(_entries(top)) if decoded is None else _own_entries(top)
    resources = [top, *(entry.resource for entry in entries if entry.resource is not None)]
    kinds = (
        {one.kind for one in resources} if decoded is None else {kind.__name__ for kind in set(map(type, resources))}
    )
    outcomes = [_severity(one, tolerated) for one in resources if one.kind == _OUTCOME] if _OUTCOME in kinds else []
    if any(entry.response is not None and entry.response.failed for entry in entries):
        outcomes.append(Outcome.ERROR)
    suspect = not kinds.isdisjoint(("Patient", "Appointment")) or _strangers(resources, patient)
    return SentFhir(
        resource_type=top.kind,
        stranger=_stranger(top, patient) if suspect else None,
        outcome=max(outcomes, key=lambda one: one.value, default=Outcome.NONE),
        has_next_page=any(map(_has_next_page, resources if decoded is None else (top,))),
        is_cut=isinstance(top, _BUNDLES) and (top.total or 0) > len(top.entry or ()) and not _has_next_page(top),
        holds_patient="Patient" in kinds,
        decoded=decoded,
    )


def _entries(top: _Resource | Plain) -> Iterator[_Entry | Entry]:
    """All entries of a Bundle and of the Bundles in it."""
    for entry in _own_entries(top):
        yield entry
        if entry.resource is not None:
            yield from _entries(entry.resource)


def _own_entries(one: _Resource | Plain) -> Sequence[_Entry | Entry]:
    return one.entry or () if isinstance(one, _BUNDLES) and one.kind == "Bundle" else ()


def _has_next_page(one: _Resource | Plain) -> bool:
    links = one.link or () if isinstance(one, _BUNDLES) and one.kind == "Bundle" else ()
    return any(link.relation == "next" for link in links)


def _strangers(resources: Iterable[_Resource | Plain], patient: str) -> bool:
    """Whether any resource names another patient as its own: a quick look, for most records name one only."""
    named = {
        pointer.reference
        for member in _OWNERS
        for one in resources
        if (pointer := getattr(one, member, None)) is not None
    }
    return any(_is_another(reference, patient) for reference in named)


def _is_another(reference: str | None, patient: str) -> bool:
    target = last_two(reference or "")
    return target != patient and target.startswith("Patient/")


def _stranger(resource: _Resource | Plain, patient: str, place: str = "") -> str | None:
    """Where the first record of another patient stands, with the member that says so."""
    if member := _strange(resource, patient):
        return f"{place}.{member}"
    for number, entry in enumerate(_own_entries(resource)):
        if entry.resource is not None:
            found = _stranger(entry.resource, patient, f"{place}.entry[{number}].resource")
            if found is not None:
                return found
    return None


def _strange(resource: _Resource | Plain, patient: str) -> str | None:
    if resource.kind == "Patient":
        return None if f"Patient/{resource.id or '?'}" == patient else "id"
    if resource.kind == "Appointment" and _is_of_others(getattr(resource, "participant", None) or (), patient):
        return "participant"
    for member in _OWNERS:
        pointer = getattr(resource, member, None)
        if pointer is not None and _is_another(pointer.reference, patient):
            return member
    return None


def _is_of_others(participants: Iterable[_Participant | Participant], patient: str) -> bool:
    """Whether other patients take part in a visit and `patient` does not; several may come together."""
    targets = {last_two(one.actor.reference or "") for one in participants if one.actor is not None}
    return patient not in targets and any(one.startswith("Patient/") for one in targets)


def _decoded(raw: bytes) -> _Resource:
    try:
        return msgspec.json.decode(raw, type=_Resource)
    except msgspec.ValidationError:
        loose = msgspec.json.decode(raw, type=_LooseResource)
    if bytes(loose.entry) and _tolerant(loose.entry, list[msgspec.Raw]) is None:
        raise msgspec.ValidationError("the entries of the Bundle are no list")
    entries = _tolerant(loose.entry, list[msgspec.Raw]) or []
    return _Resource(
        kind=loose.resourceType,
        id=_tolerant(loose.id, str),
        subject=_tolerant(loose.subject, _Pointer),
        patient=_tolerant(loose.patient, _Pointer),
        participant=_tolerant(loose.participant, list[_Participant]),
        issue=_tolerant(loose.issue, list[Issue]),
        total=_tolerant(loose.total, int),
        link=_tolerant(loose.link, list[Link]),
        entry=[_entry(entry) for entry in entries],
    )


def _entry(raw: msgspec.Raw) -> _Entry:
    strict = _tolerant(raw, _Entry)
    if strict is not None:
        return strict
    loose = _tolerant(raw, _LooseEntry) or _LooseEntry()
    try:
        resource = _decoded(bytes(loose.resource)) if bytes(loose.resource) else None
    except msgspec.MsgspecError:
        resource = None
    return _Entry(resource, _tolerant(loose.response, Response))


def _tolerant(raw: msgspec.Raw, kind: type[_Value]) -> _Value | None:
    if not bytes(raw):
        return None
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.MsgspecError:
        return None


def _severity(outcome: _Resource | Plain, tolerated: Container[str]) -> Outcome:
    issues: Sequence[Issue] = getattr(outcome, "issue", None) or ()
    severities = {
        "information" if one.severity == "warning" and one.is_among(tolerated) else one.severity for one in issues
    }
    if severities and severities <= {"information", "success"}:
        return Outcome.NONE
    return Outcome.WARNING if severities and severities <= {"information", "success", "warning"} else Outcome.ERROR

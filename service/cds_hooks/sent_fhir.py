"""A value with FHIR in it, looked at before it is read: whose records, whether whole, whether the query failed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

import msgspec

from service.fhir.reading import last_two

_Value = TypeVar("_Value")


class Outcome(Enum):
    """What an OperationOutcome beside the records, or in their place, says of the query."""

    NONE = 0
    WARNING = 1
    ERROR = 2


@dataclass(frozen=True, slots=True)
class SentFhir:
    """What a Bundle or resource says of itself.

    `owners` pairs a place in it ("", ".entry[3].resource.subject") with the patient whose record stands there
    ("Patient/x"); records that name no patient are not among them.
    """

    resource_type: str
    owners: tuple[tuple[str, str], ...]
    outcome: Outcome
    has_next_page: bool
    holds_patient: bool


_NOTHING = msgspec.Raw(b"")


class _Pointer(msgspec.Struct, gc=False):
    reference: str | None = None


class _Issue(msgspec.Struct, gc=False):
    severity: str = ""


class _Link(msgspec.Struct, gc=False):
    relation: str = ""


class _Resource(msgspec.Struct, gc=False):
    """The members that say whose a record is, and how a query went."""

    resourceType: str = ""
    id: str | None = None
    subject: _Pointer | None = None
    patient: _Pointer | None = None
    issue: list[_Issue] | None = None


class _Entry(msgspec.Struct, gc=False):
    resource: _Resource | None = None


class _Bundle(_Resource):
    link: list[_Link] | None = None
    entry: list[_Entry] | None = None


class _LooseResource(msgspec.Struct, gc=False):
    """A resource that uses a member otherwise, as those may that are not read here: each member by itself."""

    resourceType: str = ""
    id: msgspec.Raw = _NOTHING
    subject: msgspec.Raw = _NOTHING
    patient: msgspec.Raw = _NOTHING
    issue: msgspec.Raw = _NOTHING
    link: msgspec.Raw = _NOTHING
    entry: msgspec.Raw = _NOTHING


class _LooseEntry(msgspec.Struct, gc=False):
    resource: msgspec.Raw = _NOTHING


def look_at(raw: bytes) -> SentFhir | None:
    """What `raw` says of itself; None when it is no FHIR resource. A malformed entry is left to whoever reads it.

    Raises:
        RecursionError: it is nested too deep.
    """
    try:
        bundle = _decoded(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if not bundle.resourceType:
        return None
    inside = [(place, entry.resource) for place, entry in enumerate(bundle.entry or ()) if entry.resource is not None]
    owners = list(_owners("", bundle))
    for place, resource in inside:
        owners += _owners(f".entry[{place}].resource", resource)
    resources = [bundle, *(resource for _, resource in inside)]
    return SentFhir(
        resource_type=bundle.resourceType,
        owners=tuple(owners),
        outcome=max((_severity(one) for one in resources), key=lambda one: one.value),
        has_next_page=any(link.relation == "next" for link in bundle.link or ()),
        holds_patient=any(one.resourceType == "Patient" for one in resources),
    )


def _decoded(raw: bytes) -> _Bundle:
    try:
        return msgspec.json.decode(raw, type=_Bundle)
    except msgspec.ValidationError:
        loose = msgspec.json.decode(raw, type=_LooseResource)
    if bytes(loose.entry) and _tolerant(loose.entry, list[msgspec.Raw]) is None:
        raise msgspec.ValidationError("the entries of the Bundle are no list")
    entries = _tolerant(loose.entry, list[msgspec.Raw]) or []
    return _Bundle(
        resourceType=loose.resourceType,
        id=_tolerant(loose.id, str),
        subject=_tolerant(loose.subject, _Pointer),
        patient=_tolerant(loose.patient, _Pointer),
        issue=_tolerant(loose.issue, list[_Issue]),
        link=_tolerant(loose.link, list[_Link]),
        entry=[_entry(entry) for entry in entries],
    )


def _entry(raw: msgspec.Raw) -> _Entry:
    strict = _tolerant(raw, _Entry)
    if strict is not None:
        return strict
    loose = _tolerant(raw, _LooseEntry)
    try:
        return _Entry(_decoded(bytes(loose.resource))) if loose and bytes(loose.resource) else _Entry()
    except msgspec.MsgspecError:
        return _Entry()


def _tolerant(raw: msgspec.Raw, kind: type[_Value]) -> _Value | None:
    if not bytes(raw):
        return None
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.MsgspecError:
        return None


def _owners(place: str, resource: _Resource) -> Iterator[tuple[str, str]]:
    if resource.resourceType == "Patient":
        yield f"{place}.id", f"Patient/{resource.id or '?'}"
    for name, pointer in (("subject", resource.subject), ("patient", resource.patient)):
        if pointer is None or not pointer.reference:
            continue
        target = last_two(pointer.reference)
        if target.startswith("Patient/"):
            yield f"{place}.{name}", target


def _severity(resource: _Resource) -> Outcome:
    if resource.resourceType != "OperationOutcome":
        return Outcome.NONE
    severities = {issue.severity for issue in resource.issue or ()}
    if severities and severities <= {"information", "success"}:
        return Outcome.NONE
    return Outcome.WARNING if severities and severities <= {"information", "success", "warning"} else Outcome.ERROR

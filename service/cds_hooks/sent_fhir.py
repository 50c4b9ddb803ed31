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


class _Pointer(msgspec.Struct):
    reference: str | None = None


class _Issue(msgspec.Struct):
    severity: str = ""


class _Link(msgspec.Struct):
    relation: str = ""


class _Resource(msgspec.Struct):
    """The members that say whose a record is, undecoded: resources that are not read here may use them otherwise."""

    resourceType: str = ""
    id: str | None = None
    subject: msgspec.Raw = msgspec.Raw(b"")
    patient: msgspec.Raw = msgspec.Raw(b"")
    issue: msgspec.Raw = msgspec.Raw(b"")


class _Entry(msgspec.Struct):
    resource: _Resource | None = None


class _Bundle(_Resource):
    link: list[_Link] | None = None
    entry: list[_Entry] | None = None


class _LooseBundle(_Resource):
    """A Bundle of which an entry is malformed."""

    link: msgspec.Raw = msgspec.Raw(b"")
    entry: list[msgspec.Raw] | None = None


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
        loose = msgspec.json.decode(raw, type=_LooseBundle)
    entries = [_tolerant(entry, _Entry) or _Entry() for entry in loose.entry or ()]
    return _Bundle(
        resourceType=loose.resourceType,
        id=loose.id,
        subject=loose.subject,
        patient=loose.patient,
        issue=loose.issue,
        link=_tolerant(loose.link, list[_Link]),
        entry=entries,
    )


def _tolerant(raw: msgspec.Raw, kind: type[_Value]) -> _Value | None:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.MsgspecError:
        return None


def _owners(place: str, resource: _Resource) -> Iterator[tuple[str, str]]:
    if resource.resourceType == "Patient":
        yield f"{place}.id", f"Patient/{resource.id or '?'}"
    for name, raw in (("subject", resource.subject), ("patient", resource.patient)):
        pointer = _tolerant(raw, _Pointer) if bytes(raw) else None
        target = last_two(pointer.reference) if pointer and pointer.reference else ""
        if target.startswith("Patient/"):
            yield f"{place}.{name}", target


def _severity(resource: _Resource) -> Outcome:
    if resource.resourceType != "OperationOutcome":
        return Outcome.NONE
    severities = {issue.severity for issue in _tolerant(resource.issue, list[_Issue]) or ()}
    if severities and severities <= {"information", "success"}:
        return Outcome.NONE
    return Outcome.WARNING if severities and severities <= {"information", "success", "warning"} else Outcome.ERROR

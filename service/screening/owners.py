"""Whose the lines of an export are, and in which part of the population a patient lies; the same on every engine."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from rules.reasoning.timeline import Unusable
from service.fhir.dialects.older import OLDER, OLDER_VERSION
from service.fhir.documents import FAILURES, READ, reason_of, resource_type
from service.fhir.reading import last_two
from service.screening.export import ExportFile, Line

_PART_BYTES = 8 * 1024 * 1024
_PACKED = 10
"""How many times larger NDJSON is than the same in gzip, about."""


class _Pointer(msgspec.Struct, gc=False):
    reference: str | None = None


class _Participant(msgspec.Struct, gc=False):
    actor: _Pointer | None = None


class _Owned(msgspec.Struct, gc=False):
    """The members that say whose a resource is."""

    id: str | None = None
    subject: _Pointer | None = None
    patient: _Pointer | None = None


class _Visit(msgspec.Struct, gc=False):
    """An appointment: everybody who comes stands among the participants."""

    participant: list[_Participant] = []


_WRONG = {
    "": "is no FHIR resource",
    "Bundle": "is a Bundle: an export holds one resource a line; `assess` reads Bundles",
    "OperationOutcome": "the server reported a problem: records may be missing",
    **dict.fromkeys(OLDER, OLDER_VERSION),
}
"""What an export should not hold, by type of resource."""

_OWNED = msgspec.json.Decoder(_Owned)
_VISIT = msgspec.json.Decoder(_Visit)


@dataclass(slots=True)
class Counts:
    """How many records were read, and how many of them are of types that no rule asks about."""

    read: int = 0
    passed_over: int = 0

    def add(self, other: Counts) -> None:
        """Those of other files."""
        self.read += other.read
        self.passed_over += other.passed_over


def owned(file: ExportFile, counts: Counts) -> Iterator[tuple[str, Line] | Unusable]:
    """Each line of a file with whose it is ("Patient/1"; of a drug its own "Medication/1"), counted in `counts`.

    A line of several patients comes once for each; what cannot be read, or belongs to no patient, is named.
    """
    for line in file.lines():
        if isinstance(line, Unusable):
            yield line
            continue
        found = _owners_of(line, counts)
        if isinstance(found, Unusable):
            yield found
        else:
            yield from ((owner, line) for owner in found)


def is_drug(owner: str) -> bool:
    """Whether a line tells of a drug, to which the records of any patient may refer."""
    return owner.startswith("Medication/")


def part_of(owner: str, parts: int) -> int:
    """In which of so many parts of the population a patient lies."""
    return zlib.crc32(owner.encode()) % parts


def parts_of(files: Sequence[ExportFile], most: int) -> int:
    """How many parts an export needs, so that each fits into memory many times over."""
    size = sum(file.size * (_PACKED if file.is_packed else 1) for file in files)
    return min(most, 1 + size // _PART_BYTES)


def _owners_of(line: Line, counts: Counts) -> list[str] | Unusable:
    """Whose a line is; empty when nobody reads its type of resource, and what is wrong with it."""
    counts.read += 1
    try:
        # Tells also whether the whole line is JSON: what is in doubt must not reach a patient.
        msgspec.json.decode(line.data, type=msgspec.Raw)
        kind = resource_type(line.data)
        found = _owners(kind, line.data) if kind in READ else []
    except FAILURES as error:
        return line.unusable(reason_of(error))
    if kind in _WRONG:
        return line.unusable(_WRONG[kind])
    if kind not in READ:
        counts.passed_over += 1
    elif not found:
        return line.unusable("belongs to no patient")
    return found


def _owners(kind: str, data: bytes) -> list[str]:
    """The patients of a resource ("Patient/1"), itself when it names a drug; empty when there is none."""
    if kind == "Appointment":
        pointers = [one.actor for one in _VISIT.decode(data).participant]
    else:
        owned = _OWNED.decode(data)
        if kind in ("Patient", "Medication"):
            return [f"{kind}/{owned.id}"] if owned.id and _is_plain(owned.id) else []
        pointers = [owned.subject or owned.patient]
    targets = [last_two(pointer.reference) for pointer in pointers if pointer is not None and pointer.reference]
    return list(dict.fromkeys(one for one in targets if one.startswith("Patient/") and _is_plain(one)))


def _is_plain(text: str) -> bool:
    """Whether an id holds nothing but what may stand in a line of text."""
    return text.isprintable() and text.isascii()

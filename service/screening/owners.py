"""Whose the lines of an export are, and in which part of the population a patient lies; the same on every engine."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from rules.reasoning.timeline import Unusable
from service.fhir.content import patient_named
from service.fhir.documents import (
    FAILURES,
    NO_TYPE,
    OLDER,
    OLDER_VERSION,
    READ,
    is_failure,
    reason_of,
    reference_of,
    resource_type,
)
from service.fhir.reading import last_two
from service.screening.export import MAX_LINE, ExportFile, Line, Lost

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
    "": NO_TYPE,
    "Bundle": "is a Bundle: an export holds one resource a line; `assess` reads Bundles",
    "OperationOutcome": "the server reported a problem: records may be missing",
}
"""What an export should not hold, by type of resource."""

_TOO_LONG = f"is longer than {MAX_LINE // 1024 // 1024} MB"

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

    A line of several patients comes once for each. One that cannot be read comes to the patient whom it names, since
    whoever reads it there will say so; it is `Lost` when it names nobody.
    """
    for line in file.lines():
        if isinstance(line, Lost):
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
        if not line.cut:
            # Tells whether the whole line is JSON.
            msgspec.json.decode(line.data, type=msgspec.Raw)
        kind = resource_type(line.data)
        if kind in ("Patient", "Medication"):
            return _itself(kind, line)
        if kind in READ or kind in OLDER:
            return _patients(kind, line)
    except FAILURES as error:
        # Where its patient is read it is told what is missing; it is never used.
        patient = None if line.cut else patient_named(line.data)
        return [patient] if patient else line.lost(_TOO_LONG if line.cut else reason_of(error))
    if kind not in _WRONG or (kind == "OperationOutcome" and not is_failure(line.data)):
        counts.passed_over += 1
        return []
    return line.lost(_WRONG[kind])


def _itself(kind: str, line: Line) -> list[str] | Unusable:
    """What others call a patient or a drug ("Patient/1")."""
    name = _OWNED.decode(line.data).id
    if name and _is_plain(name):
        return [f"{kind}/{name}"]
    return Unusable(f"{kind}/?", "has no id by which others could refer to it", "", line.place)


def _patients(kind: str, line: Line) -> list[str] | Unusable:
    """The patients of a record ("Patient/1")."""
    reference = reference_of(kind, line.data)
    if line.cut:
        return line.lost(_TOO_LONG, reference)
    if kind == "Appointment":
        pointers = [one.actor for one in _VISIT.decode(line.data).participant]
    else:
        owned = _OWNED.decode(line.data)
        pointers = [owned.subject or owned.patient]
    targets = [pointer.reference for pointer in pointers if pointer is not None and pointer.reference]
    found = [one for one in dict.fromkeys(map(last_two, targets)) if one.startswith("Patient/") and _is_plain(one)]
    if found:
        return found
    if any("/" in target for target in targets):
        return Unusable(reference, "belongs to no patient", "", line.place)
    return line.lost(OLDER_VERSION if kind in OLDER else "does not say to which patient it belongs", reference)


def _is_plain(text: str) -> bool:
    """Whether an id holds nothing but what may stand in a line of text."""
    return text.isprintable() and text.isascii()

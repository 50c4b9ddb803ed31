"""An export laid apart by patient: all lines of one patient lie in one bucket, which is small enough for memory.

Bulk Data files hold one type of resource each, patients in any order; to evaluate a patient all of them are needed at
once. The buckets lie on the local disk (a hash partition), so that memory does not grow with the population.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from rules.reasoning.timeline import Unusable
from service.fhir.documents import FAILURES, OLDER, READ, reason_of, resource_type
from service.fhir.reading import last_two
from service.screening.export import ExportFile, Line

MOST = 256
_BUCKET_BYTES = 8 * 1024 * 1024
_PACKED = 10
"""How many times larger NDJSON is than the same in gzip, about."""

_TOLD_EVERY = 1000

DRUGS = "drugs"
"""The bucket of the Medications, to which records of any patient refer."""


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
    **dict.fromkeys(OLDER, "is of an older FHIR version than R4"),
}
"""What an export should not hold, by type of resource."""

_OWNED = msgspec.json.Decoder(_Owned)
_VISIT = msgspec.json.Decoder(_Visit)


@dataclass(slots=True)
class Buckets:
    """The buckets of one export in `folder`, and the files that the lines came from."""

    folder: Path
    number: int
    files: list[str] = field(default_factory=list)
    read: int = 0
    passed_over: int = 0

    @property
    def names(self) -> list[str]:
        """Those that patients may lie in."""
        return [str(number) for number in range(self.number)]

    def lines(self, name: str) -> Iterator[tuple[str, Line]]:
        """What was laid into a bucket: whose it is ("Patient/1"; of a drug its own "Medication/1") and the line."""
        with (self.folder / name).open("rb") as file:
            for kept in file:
                patient, place, number, data = kept.rstrip(b"\n").split(b"\t", 3)
                yield patient.decode(), Line(self.files[int(place)], int(number), data)

    def fill(self, files: Sequence[ExportFile], unread: Callable[[Unusable], None]) -> Iterator[int]:
        """Lay all lines of the files into their buckets; now and then, how many bytes of the files are through.

        `unread` is told of each line that cannot be read, or belongs to no patient.
        """
        with ExitStack() as stack:
            opened = {name: stack.enter_context((self.folder / name).open("wb")) for name in (*self.names, DRUGS)}
            for place, file in enumerate(files):
                self.files.append(str(file.path))
                for line in file.lines():
                    found = self._owners(line) if isinstance(line, Line) else line
                    if isinstance(found, Unusable):
                        unread(found)
                        continue
                    assert isinstance(line, Line)
                    for owner in found:
                        kept = b"%s\t%d\t%d\t%s\n" % (owner.encode(), place, line.number, line.data)
                        opened[self._bucket(owner)].write(kept)
                    if not self.read % _TOLD_EVERY:
                        yield sum(one.done for one in files)
                yield sum(one.done for one in files)

    def _bucket(self, owner: str) -> str:
        if owner.startswith("Medication/"):
            return DRUGS
        return str(zlib.crc32(owner.encode()) % self.number)

    def _owners(self, line: Line) -> list[str] | Unusable:
        """Whose a line is; empty when nobody reads its type of resource, and what is wrong with it."""
        self.read += 1
        try:
            # Tells also whether the whole line is JSON: what is in doubt must not reach a bucket.
            msgspec.json.decode(line.data, type=msgspec.Raw)
            kind = resource_type(line.data)
            found = _owners(kind, line.data) if kind in READ else []
        except FAILURES as error:
            return line.unusable(reason_of(error))
        if kind in _WRONG:
            return line.unusable(_WRONG[kind])
        if kind not in READ:
            self.passed_over += 1
        elif not found:
            return line.unusable("belongs to no patient")
        return found


def enough(files: Sequence[ExportFile]) -> int:
    """How many buckets an export needs, so that each fits into memory many times over."""
    size = sum(file.size * (_PACKED if file.is_packed else 1) for file in files)
    return min(MOST, 1 + size // _BUCKET_BYTES)


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
    """Whether an id holds nothing that divides the members of a line in a bucket."""
    return text.isprintable() and text.isascii()

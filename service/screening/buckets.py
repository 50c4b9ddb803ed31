"""An export laid apart by patient: all lines of one patient lie in one bucket, which is small enough for memory.

Bulk Data files hold one type of resource each, patients in any order; to evaluate a patient all of them are needed at
once. The buckets lie on the local disk (a hash partition), so that memory does not grow with the population.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from rules.reasoning.timeline import Unusable
from service.screening.export import ExportFile, Line
from service.screening.owners import Counts, is_drug, owned, part_of

MOST = 256
"""Buckets that are filled at the same time: open files."""

_TOLD_EVERY = 1000
_DRUGS = "drugs"


@dataclass(slots=True)
class Buckets:
    """The buckets of one export in `folder`, as many as `number`, and the files that the lines came from."""

    folder: Path
    number: int
    files: list[str] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)

    def lines(self, number: int) -> Iterator[tuple[str, Line]]:
        """What was laid into a bucket: whose it is and the line."""
        return self._lines(str(number))

    def drugs(self) -> Iterator[tuple[str, Line]]:
        """The drugs of the export, each with what it is called ("Medication/1")."""
        return self._lines(_DRUGS)

    def fill(self, files: Sequence[ExportFile], unread: Callable[[Unusable], None]) -> Iterator[int]:
        """Lay all lines of the files into their buckets; now and then, how many bytes of the files are through.

        `unread` is told of each line that cannot be read, or belongs to no patient.
        """
        names = [*map(str, range(self.number)), _DRUGS]
        with ExitStack() as stack:
            opened = {name: stack.enter_context((self.folder / name).open("wb")) for name in names}
            for place, file in enumerate(files):
                self.files.append(file.name)
                for number, found in enumerate(owned(file, self.counts)):
                    if isinstance(found, Unusable):
                        unread(found)
                    else:
                        owner, line = found
                        bucket = _DRUGS if is_drug(owner) else str(part_of(owner, self.number))
                        opened[bucket].write(b"%s\t%d\t%d\t%s\n" % (owner.encode(), place, line.number, line.data))
                    if not number % _TOLD_EVERY:
                        yield sum(one.done for one in files)
                yield sum(one.done for one in files)

    def _lines(self, name: str) -> Iterator[tuple[str, Line]]:
        with (self.folder / name).open("rb") as file:
            for kept in file:
                owner, place, number, data = kept.rstrip(b"\n").split(b"\t", 3)
                yield owner.decode(), Line(self.files[int(place)], int(number), data)

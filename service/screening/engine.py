"""What an engine of screening does: it lays the lines of an export apart by patient and evaluates part after part."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from rules.reasoning.timeline import Gap, Unusable
from service.screening.export import ExportFile
from service.screening.owners import Counts
from service.screening.population import Found


class EngineStopped(Exception):
    """The engine could not be started or did not end its work; there are no results. The message says why."""


class Engine(Protocol):
    """Finds the same whatever it runs on: only where lines lie and who evaluates them is its own."""

    @property
    def counts(self) -> Counts:
        """What was read, when all of it lies apart."""

    @property
    def parts(self) -> int:
        """In how many parts the population was laid apart."""

    def lay_apart(self, files: Sequence[ExportFile], work: Path, unread: Callable[[Unusable], None]) -> Iterator[int]:
        """Lay the lines apart by patient; now and then, how many bytes of the files are through.

        `work` is a folder for what is needed meanwhile; `unread` is told of each line that cannot be read, or belongs
        to no patient. Raises EngineStopped.
        """

    def found(self, gaps: Sequence[Gap]) -> Generator[Found]:
        """What came of the patients of each part, in the order of the parts. Raises EngineStopped.

        `gaps` are those of the whole export, which are gaps in the record of every patient.
        """

"""One screening from beginning to end: lay the export apart, evaluate its patients, write what the team needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TextIO, TypeVar

from rules.knowledge_base import Knowledge
from rules.reasoning.conclusions import Indicator
from rules.reasoning.timeline import Gap, Unusable
from service import words
from service.fhir.content import gaps_of
from service.reports.page import printable
from service.reports.terminal import with_share
from service.screening.engine import Engine
from service.screening.export import Lost, NoExport, export_files
from service.screening.results import PAGE, UNREAD, WORKLIST, OutRefused, Results, writing
from service.screening.worklist import NEVER
from service.version import SOFTWARE_VERSION

T = TypeVar("T")

_NAMED = 10
"""How many things that could not be read are said on the terminal; the file has all."""


@dataclass(slots=True)
class Losses:
    """What an export has lost that may be of anybody; memory grows with its files, not with what they lost."""

    files: int = 0
    _kinds: dict[tuple[str, str], Unusable] = field(default_factory=dict)

    def take(self, one: Unusable) -> None:
        """Something that could not be used; of a record that says whose it is, that patient is told."""
        if isinstance(one, Lost):
            self.files += one.whole
            kind = one.reference.partition("/")[0]
            lost = Unusable(kind, one.reason, "" if one.whole else "line", one.file)
            self._kinds.setdefault((one.file, "" if one.whole else f"line of {kind}"), lost)

    @property
    def gaps(self) -> list[Gap]:
        """The gaps in the record of every patient."""
        return gaps_of(self._kinds.values())


@dataclass(frozen=True, slots=True)
class Screening:
    """Screens as of one day with one engine; `knowledge` is what the engine evaluates with, too."""

    engine: Engine
    knowledge: Knowledge
    as_of: date
    stderr: TextIO

    def run(self, source: Path, out: Path) -> Results:
        """The results, which lie in the folder `out` when this returns, and nothing of them when it raises.

        Raises:
            NoExport: there is nothing to screen.
            OutRefused: the results cannot be written there, or lie in the export.
            KnowledgeError: what the site set does not hold.
            EngineStopped: the engine did not end its work.
        """
        if out.resolve().is_relative_to(source.resolve()):
            raise OutRefused(f"{out} lies in {source}, and would be read as a part of it: name a folder elsewhere")
        files, lost = export_files(source)
        size = sum(file.size for file in files)
        with writing(out) as (results, work):
            losses = Losses()
            unread = self._told(results, losses)
            for one in lost:
                unread(one)
            laid = self.engine.lay_apart(files, work, unread)
            for _ in self._shown(((done, None) for done in laid), size, "reading"):
                pass
            # Closed before the files that it reads are gone, also when this ends by an exception.
            with closing(self.engine.found(losses.gaps)) as parts:
                for found in self._shown(enumerate(parts, 1), self.engine.parts, "evaluating"):
                    for unusable in found.unread:
                        unread(unusable)
                    results.take(found)
            if not results.tally.patients:
                raise NoExport(f"{source} holds no patient: there is nothing to screen")
            results.finish(self._summary(len(files), losses.files, results))
        return results

    def told(self, results: Results, out: Path) -> Iterator[str]:
        """What came of it, in a few lines."""
        tally = results.tally
        urgent = Counter(row.urgency for row in results.rows)
        treated = tally.patients - tally.states[NEVER]
        if results.summary["filesNotRead"]:
            lost = words.counted(results.summary["filesNotRead"], "file")
            yield f"{lost} of the export could not be read to the end: anything may be missing from any record"
        yield f"{words.counted(tally.patients, 'patient')}, {treated:,} with denosumab on record, as of {self.as_of}"
        for state, number in tally.states.most_common():
            if state != NEVER:
                yield f"{number:>9,}  {words.STATES[state]}"
        counted = ", ".join(f"{urgent[one.value]:,} {one.value}" for one in sorted(Indicator, key=lambda one: one.rank))
        yield f"{len(results.rows):,} on the worklist ({counted}): {out / WORKLIST}, {out / PAGE}"
        if results.not_read:
            yield f"{words.counted(results.not_read, 'record')} or parts of records could not be read: {out / UNREAD}"

    def _told(self, results: Results, losses: Losses) -> Callable[[Unusable], None]:
        def told(one: Unusable) -> None:
            results.take_unread(one)
            losses.take(one)
            if results.not_read <= _NAMED:
                self.stderr.write(f"not read: {printable(words.unusable(one))}\n")
            elif results.not_read == _NAMED + 1:
                self.stderr.write(f"not read: more, all named in {UNREAD}\n")

        return told

    def _shown(self, steps: Iterable[tuple[int, T]], total: int, what: str) -> Iterator[T]:
        return with_share(steps, total, what, self.stderr)

    def _summary(self, files: int, lost: int, results: Results) -> dict[str, Any]:
        tally = results.tally
        return {
            "asOf": self.as_of.isoformat(),
            "knowledgeVersion": self.knowledge.version,
            "softwareVersion": SOFTWARE_VERSION,
            "files": files,
            "filesNotRead": lost,
            "records": self.engine.counts.read,
            "passedOver": self.engine.counts.passed_over,
            "notRead": results.not_read,
            "patients": tally.patients,
            "withDenosumab": tally.patients - tally.states[NEVER],
            "worklist": len(results.rows),
            "states": dict(tally.states.most_common()),
            "fractureClasses": dict(tally.classes.most_common()),
            "rules": dict(sorted(tally.rules.items())),
        }

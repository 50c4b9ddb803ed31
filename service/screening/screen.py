"""One screening from beginning to end: lay the export apart, evaluate its patients, write what the team needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TextIO, TypeVar

from rules.knowledge_base import Knowledge
from rules.reasoning.conclusions import Indicator
from rules.reasoning.timeline import Unusable
from service import words
from service.reports.page import printable
from service.reports.terminal import with_share
from service.screening.engine import Engine
from service.screening.export import export_files
from service.screening.results import PAGE, UNREAD, WORKLIST, Results, writing
from service.screening.worklist import NEVER
from service.version import SOFTWARE_VERSION

T = TypeVar("T")

_NAMED = 10
"""How many things that could not be read are said on the terminal; the file has all."""


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
            OutRefused: the results cannot be written there.
            KnowledgeError: what the site set does not hold.
            EngineStopped: the engine did not end its work.
        """
        files = export_files(source)
        size = sum(file.size for file in files)
        with writing(out) as (results, work):
            unread = self._told(results)
            laid = self.engine.lay_apart(files, work, unread)
            for _ in self._shown(((done, None) for done in laid), size, "reading"):
                pass
            for one in self._shown(enumerate(self.engine.found(), 1), self.engine.parts, "evaluating"):
                for unusable in one.unread:
                    unread(unusable)
                results.take(one)
            results.finish(self._summary(len(files), results))
        return results

    def told(self, results: Results, out: Path) -> Iterator[str]:
        """What came of it, in a few lines."""
        tally = results.tally
        urgent = Counter(row.urgency for row in results.rows)
        treated = tally.patients - tally.states[NEVER]
        yield f"{words.counted(tally.patients, 'patient')}, {treated:,} with denosumab on record, as of {self.as_of}"
        for state, number in tally.states.most_common():
            if state != NEVER:
                yield f"{number:>9,}  {words.STATES[state]}"
        counted = ", ".join(f"{urgent[one.value]:,} {one.value}" for one in sorted(Indicator, key=lambda one: one.rank))
        yield f"{len(results.rows):,} on the worklist ({counted}): {out / WORKLIST}, {out / PAGE}"
        if results.not_read:
            yield f"{words.counted(results.not_read, 'record')} or parts of records could not be read: {out / UNREAD}"

    def _told(self, results: Results) -> Callable[[Unusable], None]:
        def told(one: Unusable) -> None:
            results.take_unread(one)
            if results.not_read <= _NAMED:
                self.stderr.write(f"not read: {printable(words.unusable(one))}\n")
            elif results.not_read == _NAMED + 1:
                self.stderr.write(f"not read: more, all named in {UNREAD}\n")

        return told

    def _shown(self, steps: Iterable[tuple[int, T]], total: int, what: str) -> Iterator[T]:
        return with_share(steps, total, what, self.stderr)

    def _summary(self, files: int, results: Results) -> dict[str, Any]:
        tally = results.tally
        return {
            "asOf": self.as_of.isoformat(),
            "knowledgeVersion": self.knowledge.version,
            "softwareVersion": SOFTWARE_VERSION,
            "files": files,
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

"""One command over many records: each is opened, assessed and let go, and what could not be read is counted."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import IO, TextIO

from rules.reasoning.evaluation import Evaluation
from rules.reasoning.timeline import Unusable
from service.assessing import Assessor
from service.fhir.content import gaps_of
from service.record_files import NamedRecord, named_records, opened
from service.reports.terminal import name_unread, with_progress
from service.submission import submitted

DONE, SOME_NOT_READ, NOTHING_DONE = 0, 1, 2


@dataclass(slots=True)
class RecordRun:
    """Assessments of all records that a user named; `status` is the exit status when all are through."""

    assessor: Assessor
    today: date
    as_of: date | None
    hook: str | None
    stdin: IO[bytes]
    stderr: TextIO = field(default_factory=lambda: sys.stderr)
    assessed: int = 0
    not_read: int = 0

    @property
    def status(self) -> int:
        """0 when all was read, 1 when something was not, 2 when there was nothing to assess."""
        if not self.assessed:
            return NOTHING_DONE
        return SOME_NOT_READ if self.not_read else DONE

    def evaluations(self, files: Sequence[str], *, all_hooks: bool) -> Iterator[tuple[str, Evaluation]]:
        """Each patient with the file it was read from; what could not be read is named as it is met."""
        records, missing = named_records(files)
        self._name("", missing)
        quiet = sys.stdout.isatty()
        for record in with_progress(records, "records", self.stderr, quiet):
            for evaluation in self._of(record, all_hooks):
                self.assessed += 1
                yield record.title, evaluation
        if not self.assessed:
            self.stderr.write("nothing could be assessed\n")

    def _of(self, named: NamedRecord, all_hooks: bool) -> Iterator[Evaluation]:
        record, failed = opened(named, self.stdin)
        self._name("", failed)
        if record is None:
            return
        submission = submitted(record, self.hook)
        if isinstance(submission, Unusable):
            self._name(record.name, (submission,))
            return
        submission = replace(submission, gaps=(*submission.gaps, *gaps_of(failed)))
        as_of = self.as_of or submission.as_of or self.today
        found = self.assessor.assess(submission, as_of, all_hooks=all_hooks)
        self._name(record.name, found.unusable)
        yield from found.evaluations

    def _name(self, record: str, unread: Sequence[Unusable]) -> None:
        self.not_read += name_unread(self.stderr, record, unread)

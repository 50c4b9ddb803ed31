"""The results of a screening, as files of one folder: they come to stand there when all of them are whole."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from importlib.resources import files
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

from jinja2 import Environment

from rules.reasoning.timeline import Unusable
from service import words
from service.record_run import DONE, SOME_NOT_READ
from service.screening.population import Found, Tally
from service.screening.worklist import COLUMNS, NEVER, Row, by_urgency

WORKLIST, PAGE, ASSESSMENTS, UNREAD, SUMMARY, IGNORED = (
    "worklist.csv",
    "worklist.html",
    "assessments.ndjson.gz",
    "not-read.csv",
    "summary.json",
    ".gitignore",
)
FILES = (WORKLIST, PAGE, ASSESSMENTS, UNREAD, SUMMARY, IGNORED)
MOST_ON_PAGE = 1000
"""Rows of the page; the table has all."""

_UNREAD_COLUMNS = ("place", "resource", "element", "reason")


class OutRefused(Exception):
    """The folder for the results cannot be used; the message says why."""


class Results:
    """Takes what is found bucket by bucket; memory holds the rows of the worklist only."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        packed = stack.enter_context(_private(folder / ASSESSMENTS))
        plain = gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=4)
        self._assessments = stack.enter_context(TextIOWrapper(plain, encoding="utf-8"))
        self._unread = csv.writer(stack.enter_context(_private_text(folder / UNREAD)), lineterminator="\n")
        self._unread.writerow(_UNREAD_COLUMNS)
        self.rows: list[Row] = []
        self.tally = Tally()
        self.not_read = 0
        self.summary: Mapping[str, Any] = {}

    @property
    def status(self) -> int:
        """The exit status: 0 when all was read, 1 when something was not."""
        return SOME_NOT_READ if self.not_read else DONE

    def take(self, found: Found) -> None:
        """What came of some patients."""
        self._assessments.writelines(f"{line}\n" for line in found.assessments)
        self.rows += found.rows
        self.tally.add(found.tally)

    def take_unread(self, one: Unusable) -> None:
        """Something that could not be used."""
        self.not_read += 1
        self._unread.writerow((one.source, one.reference, one.element, one.reason))

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Write the worklist, its page and the summary."""
        self.summary = summary
        self.rows.sort(key=by_urgency)
        with _private_text(self._folder / WORKLIST) as file:
            table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            table.writeheader()
            table.writerows(map(asdict, self.rows))
        with _private_text(self._folder / SUMMARY) as file:
            json.dump(summary, file, indent=2)
            file.write("\n")
        with _private_text(self._folder / IGNORED) as file:
            file.write("*\n")
        with _private_text(self._folder / PAGE) as file:
            file.write(_page(self.rows, summary))


@contextmanager
def writing(out: Path) -> Iterator[tuple[Results, Path]]:
    """The results, which lie in `out` when all went well, and a folder for what is needed meanwhile.

    Raises:
        OutRefused: `out` cannot be made, holds something already, or has no room.
    """
    work = out / f".unfinished-{os.getpid()}"
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise OutRefused(f"{out} is not empty: results are never written over; name a new folder")
        work.mkdir(mode=0o700)
    except OSError as error:
        raise OutRefused(f"{out} cannot be used: {error.strerror or type(error).__name__}") from None
    try:
        with ExitStack() as stack:
            yield Results(work, stack), work
        for name in FILES:
            (work / name).replace(out / name)
    except OSError as error:
        raise OutRefused(f"{out} cannot be written: {error.strerror or type(error).__name__}") from None
    finally:
        for path in work.iterdir():
            path.unlink()
        work.rmdir()


def _private(path: Path) -> IO[bytes]:
    """A new file that only its owner can read: there are patients in it."""
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _private_text(path: Path) -> IO[str]:
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline="")


def _page(rows: Sequence[Row], summary: Mapping[str, Any]) -> str:
    """The worklist as one page that needs no other file."""
    web = files("service") / "web"
    pages = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    page = pages.from_string((web / "templates" / PAGE).read_text(encoding="utf-8"))
    return page.render(
        rows=rows[:MOST_ON_PAGE],
        total=len(rows),
        summary=summary,
        on_record={state: number for state, number in summary["states"].items() if state != NEVER},
        urgencies=Counter(row.urgency for row in rows),
        states=words.STATES,
        classes=words.CLASSES,
        style=(web / "static" / "style.css").read_text(encoding="utf-8"),
        table=WORKLIST,
        unread=UNREAD,
    )

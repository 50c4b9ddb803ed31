"""Writing to the two streams of a terminal: reports to one, progress and what could not be read to the other."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from rules.reasoning.timeline import Unusable
from service import words
from service.reports.page import fitting, printable

T = TypeVar("T")

_LONG = 20
"""Fewer records than this need no progress."""

_SECONDS_BETWEEN_LINES = 10.0
_COLUMNS_OF_A_FILE = 100


def width() -> int:
    """The columns to write for: those of the terminal (or COLUMNS), else a good length for the lines of a file."""
    return fitting(shutil.get_terminal_size((_COLUMNS_OF_A_FILE, 0)).columns)


def write_lines(stream: TextIO, lines: Sequence[Text]) -> None:
    """Write lines in colour on a terminal that has it, as plain text elsewhere; never folded, never interpreted."""
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    for line in lines:
        if console.is_terminal:
            console.print(line, soft_wrap=True)
        else:
            stream.write(f"{line.plain}\n")
    stream.flush()


def name_unread(stream: TextIO, name: str, unread: Sequence[Unusable]) -> int:
    """Write on each thing that could not be read: file, resource, element, reason; how many there were."""
    for said in words.unusables(unread):
        where = "" if not name or said.startswith(name) else f"{name}: "
        stream.write(f"not read: {printable(where + said)}\n")
    return len(unread)


def with_progress(items: Sequence[T], what: str, stream: TextIO, quiet: bool) -> Iterator[T]:
    """The items; while they are worked through, a bar on a terminal, or now and then a line when it takes long."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    if quiet or len(items) < _LONG:
        yield from items
    else:
        yield from _shown(zip(range(1, len(items) + 1), items, strict=True), len(items), columns, what, stream)


def with_share(steps: Iterable[tuple[int, T]], total: int, what: str, stream: TextIO) -> Iterator[T]:
    """The second of each pair; the first says how much of `total` is done with it, which is shown in per cent."""
    columns = (TextColumn(what), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    yield from _shown(steps, total, columns, what, stream, share=True)


def _shown(
    steps: Iterable[tuple[int, T]],
    total: int,
    columns: Sequence[ProgressColumn],
    what: str,
    stream: TextIO,
    share: bool = False,
) -> Iterator[T]:
    if stream.isatty():
        with Progress(*columns, console=Console(file=stream), transient=True) as progress:
            task = progress.add_task(what, total=total)
            for done, item in steps:
                yield item
                progress.update(task, completed=done)
    else:
        yield from _with_lines(steps, total, what, stream, share)


def _with_lines(steps: Iterable[tuple[int, T]], total: int, what: str, stream: TextIO, share: bool) -> Iterator[T]:
    said = time.monotonic()
    for done, item in steps:
        yield item
        if time.monotonic() - said >= _SECONDS_BETWEEN_LINES:
            stream.write(f"{what}: {100 * done // max(total, 1)} %\n" if share else f"{what}: {done} of {total}\n")
            stream.flush()
            said = time.monotonic()

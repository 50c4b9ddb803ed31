"""Writing to the two streams of a terminal: reports to one, progress and what could not be read to the other."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
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


def name_unread(stream: TextIO, name: str, unread: Iterable[Unusable]) -> int:
    """Write one line on each thing that could not be read: file, resource, element, reason; how many there were."""
    count = 0
    for item in unread:
        said = words.unusable(item)
        where = "" if not name or item.source.startswith(name) else f"{name}: "
        stream.write(f"not read: {printable(where + said)}\n")
        count += 1
    return count


def with_progress(items: Sequence[T], what: str, stream: TextIO, quiet: bool) -> Iterator[T]:
    """The items; while they are worked through, a bar on a terminal, or now and then a line when it takes long."""
    if len(items) < _LONG or quiet:
        yield from items
    elif stream.isatty():
        columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(file=stream), transient=True) as progress:
            yield from progress.track(items)
    else:
        yield from _with_lines(items, what, stream)


def _with_lines(items: Sequence[T], what: str, stream: TextIO) -> Iterator[T]:
    said = time.monotonic()
    for number, item in enumerate(items):
        if time.monotonic() - said >= _SECONDS_BETWEEN_LINES:
            stream.write(f"{what}: {number} of {len(items)}\n")
            stream.flush()
            said = time.monotonic()
        yield item


@contextmanager
def closed_pipe_is_the_end() -> Iterator[None]:
    """When the reader of our output has gone (`| head`), end in silence, as other commands do."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        if error.errno != errno.EPIPE:
            raise
        # Python flushes once more at exit; that must not find the closed pipe again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise SystemExit(0) from None

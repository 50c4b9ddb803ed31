"""The files of a FHIR Bulk Data export, read line by line: NDJSON, plain or gzip, never a whole file in memory."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from rules.reasoning.timeline import Unusable
from service.fhir.documents import LINES

MAX_LINE = 16 * 1024 * 1024
"""Bytes of the longest line that is read; a resource is far shorter, unless it carries a picture."""

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"


class NoExport(Exception):
    """What was named holds no export; the message says what is there instead."""


@dataclass(frozen=True, slots=True)
class Line:
    """One resource as it stands in a file: the file as the user knows it, the number of the line, its bytes."""

    file: str
    number: int
    data: bytes

    @property
    def place(self) -> str:
        """File and line, as problems name them."""
        return f"{self.file}, line {self.number}"

    def unusable(self, reason: str) -> Unusable:
        """That it could not be used."""
        return Unusable("", reason, "", self.place)


class ExportFile:
    """One NDJSON file: its lines, its size, and how many bytes of it have been read so far (as it lies on the disk).

    `name` is what the user calls it, its path unless another name is given.
    """

    def __init__(self, path: Path, name: str = "") -> None:
        self.path = path
        self.name = name or str(path)
        self.size = path.stat().st_size
        self.done = 0

    @property
    def is_packed(self) -> bool:
        """Whether it is gzip by its name."""
        return self.path.name.lower().endswith(".gz")

    def lines(self) -> Iterator[Line | Unusable]:
        """Those that are not empty; one that is too long is named, and so is where the file breaks off."""
        number = 0
        try:
            with self.path.open("rb") as file, _unpacked(file) as content:
                for number, data in _numbered(content):
                    self.done = file.tell()
                    line = Line(self.name, number, data.rstrip(b"\r\n"))
                    if len(data) > MAX_LINE:
                        yield line.unusable(f"is longer than {MAX_LINE // 1024 // 1024} MB")
                    elif data.strip():
                        yield line
        except (OSError, EOFError, zlib.error) as error:
            yield Line(self.name, number + 1, b"").unusable(f"cannot be read further: {_said(error)}")
        self.done = self.size


def export_files(source: Path) -> list[ExportFile]:
    """The NDJSON files of an export: the one named, or all of a folder and the folders in it, hidden ones left out.

    Raises:
        NoExport: there is none, or the files cannot be looked at.
    """
    try:
        found = [ExportFile(path) for path in ([source] if source.is_file() else _below(source))]
    except OSError as error:
        raise NoExport(f"{source} cannot be read: {error.strerror or type(error).__name__}") from None
    if not found:
        raise NoExport(f"{source} holds no file named .ndjson or .jsonl (plain or .gz); `assess` reads other files")
    return found


def _below(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(where) / name for name in sorted(names) if _holds_lines(name))


def _holds_lines(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith(LINES)


def _unpacked(file: IO[bytes]) -> AbstractContextManager[IO[bytes]]:
    """The content of a file: gzip is known by its first bytes, whatever the file is called."""
    packed = file.read(2) == _GZIP
    file.seek(0)
    return cast("AbstractContextManager[IO[bytes]]", gzip.open(file)) if packed else nullcontext(file)


def _numbered(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Each line with its number, from 1; of a line that is too long no more than one byte too many."""
    number = 0
    while data := file.readline(MAX_LINE + 1):
        number += 1
        yield number, data.removeprefix(_BOM) if number == 1 else data
        while len(data) > MAX_LINE and not data.endswith(b"\n"):
            data = file.readline(MAX_LINE + 1)


def _said(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "the gzip file is damaged"

"""The files of a FHIR Bulk Data export, read line by line: NDJSON, plain or gzip, never a whole file in memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import IO, cast

from rules.reasoning.timeline import Unusable
from service.fhir.documents import LINES
from service.fhir.foreign import HEAD, is_one_document, what_else
from service.folders import folders_below

MAX_LINE = 16 * 1024 * 1024
"""Bytes of the longest line that is read; a resource is far shorter, unless it carries a picture."""

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"


class NoExport(Exception):
    """What was named holds no export; the message says what is there instead."""


@dataclass(frozen=True, slots=True)
class Lost(Unusable):
    """What nobody could read and does not say whose it is: it may be any record of any patient.

    `file` is where it stands; `whole` says that the file is lost, or the rest of it.
    """

    file: str = ""
    whole: bool = False

    @classmethod
    def of_file(cls, file: str, reason: str) -> Lost:
        """A file that is lost."""
        return cls("", reason, "", file, file, whole=True)


@dataclass(frozen=True, slots=True)
class Line:
    """One resource as it stands in a file: the file as the user knows it, the number of the line, its bytes.

    `cut` says that the line is longer than is read, and these are the first of its bytes.
    """

    file: str
    number: int
    data: bytes
    cut: bool = False

    @property
    def place(self) -> str:
        """File and line, as problems name them."""
        return f"{self.file}, line {self.number}"

    def lost(self, reason: str, reference: str = "") -> Lost:
        """That it could not be read, and that nobody can tell whose it is."""
        return Lost(reference, reason, "", self.place, self.file)


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

    def lines(self) -> Iterator[Line | Lost]:
        """Those that are not empty; a file that is something else, or breaks off, is named."""
        number = read = 0
        try:
            with self.path.open("rb") as file, _unpacked(file) as content:
                head = content.peek(HEAD)[:HEAD].removeprefix(_BOM)
                reason = what_else(head) or (_ONE_DOCUMENT if is_one_document(head) else None)
                for number, data in _numbered(content) if reason is None else ():
                    self.done = file.tell()
                    if data.strip():
                        read += 1
                        yield Line(self.name, number, data.rstrip(b"\r\n"), cut=len(data) > MAX_LINE)
            if reason is None and not read:
                reason = "is empty: was it written to its end?"
        except (OSError, EOFError, zlib.error) as error:
            reason = f"cannot be read{f' further than line {number}' if number else ''}: {_said(error)}"
        if reason is not None:
            yield Lost.of_file(self.name, reason)
        self.done = self.size


_ONE_DOCUMENT = "is one JSON document over many lines, not NDJSON (a resource a line): `assess` reads it"


def export_files(source: Path) -> tuple[list[ExportFile], list[Lost]]:
    """The NDJSON files of an export, and what belongs to it and cannot be read.

    They are the one file that was named, or all of a folder and the folders in it, hidden ones left out.

    Raises:
        NoExport: there is none, or the files cannot be looked at.
    """
    try:
        if source.is_file():
            return [ExportFile(source)], []
        folders = list(folders_below(source, LINES))
        found = [ExportFile(path) for folder in folders for path in folder.files]
    except OSError as error:
        raise NoExport(f"{source} cannot be read: {error.strerror or type(error).__name__}") from None
    lost = [Lost.of_file(one.source, one.reason) for folder in folders for one in folder.unusable]
    if not found:
        said = "".join(f"; {one.source} {one.reason}" for one in lost)
        raise NoExport(
            f"{source} holds no file named .ndjson or .jsonl (plain or .gz){said}; `assess` reads other files"
        )
    return found, lost


def _unpacked(file: BufferedReader) -> AbstractContextManager[BufferedReader]:
    """The content of a file: gzip is known by its first bytes, whatever the file is called."""
    packed = file.read(2) == _GZIP
    file.seek(0)
    return cast("AbstractContextManager[BufferedReader]", gzip.open(file)) if packed else nullcontext(file)


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

"""Which files belong to one record: files named by a user, folders, standard input, plain or gzip."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rules.reasoning.timeline import Unusable
from service.fhir.documents import LINES

STANDARD_INPUT = "-"

_JSON = (".json", ".json.gz")
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class RecordFile:
    """The content of one file, uncompressed, under the name by which the user knows it."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """Files that are read together: one JSON file by itself, or all NDJSON files of one folder."""

    name: str
    files: tuple[RecordFile, ...]


@dataclass(frozen=True, slots=True)
class NamedRecord:
    """Paths that will be one record, not opened yet."""

    name: str
    paths: tuple[Path, ...]

    @property
    def title(self) -> str:
        """The file, or the folder of several files."""
        if not self.paths:
            return "standard input"
        return str(self.paths[0]) if len(self.paths) == 1 else self.name


def named_records(arguments: Sequence[str]) -> tuple[list[NamedRecord], list[Unusable]]:
    """What the arguments name, nothing opened yet: the records in the order given, and what names nothing.

    A folder is searched with all folders in it; files of it that cannot hold FHIR by their name (no .json, .ndjson or
    .jsonl, plain or .gz) and hidden ones are passed over in silence. A file named by itself is always read.
    """
    found: dict[str, NamedRecord] = {}
    missing: list[Unusable] = []
    for argument in arguments:
        path = Path(argument)
        if argument == STANDARD_INPUT:
            found[argument] = NamedRecord(argument, ())
        elif path.is_dir():
            inside = {record.name: record for record in _in_folder(path)}
            found.update(inside)
            if not inside:
                missing.append(
                    Unusable("", "holds no file named .json, .ndjson or .jsonl (plain or .gz)", "", argument)
                )
        elif path.name.lower().endswith(LINES):
            # Also one that is not there: it is missing from the record.
            _add_lines(found, path)
        elif not path.exists():
            missing.append(Unusable("", "does not exist", "", argument))
        else:
            found[argument] = NamedRecord(argument, (path,))
    return list(found.values()), missing


def _add_lines(found: dict[str, NamedRecord], path: Path) -> None:
    """Several NDJSON files of one folder are one export, also when they are named one by one."""
    folder = str(path.parent)
    together = found.get(folder)
    paths = (*together.paths, path) if together else (path,)
    found[folder] = NamedRecord(folder, tuple(dict.fromkeys(paths)))


def _in_folder(folder: Path) -> Iterator[NamedRecord]:
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        visible = sorted(name for name in names if not name.startswith("."))
        lines = tuple(Path(where) / name for name in visible if name.lower().endswith(LINES))
        if lines:
            yield NamedRecord(where, lines)
        for name in visible:
            if name.lower().endswith(_JSON):
                path = Path(where) / name
                yield NamedRecord(str(path), (path,))


def opened(record: NamedRecord, stdin: IO[bytes]) -> tuple[Record | None, list[Unusable]]:
    """The record with the content of its files; None when none could be opened. What could not be is named."""
    files: list[RecordFile] = []
    failed: list[Unusable] = []
    contents = [_content(path) for path in record.paths] if record.paths else [_standard_input(stdin)]
    for content in contents:
        if isinstance(content, Unusable):
            failed.append(content)
        else:
            files.append(content)
    return (Record(record.title, tuple(files)) if files else None), failed


def _standard_input(stdin: IO[bytes]) -> RecordFile | Unusable:
    return _uncompressed("standard input", stdin.read())


def _content(path: Path) -> RecordFile | Unusable:
    try:
        data = path.read_bytes()
    except OSError as error:
        return Unusable("", f"cannot be opened: {error.strerror or type(error).__name__}", "", str(path))
    return _uncompressed(str(path), data)


def _uncompressed(name: str, data: bytes) -> RecordFile | Unusable:
    if data.startswith(_GZIP):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            return Unusable("", "is a damaged gzip file", "", name)
    data = data.removeprefix(b"\xef\xbb\xbf")
    return RecordFile(name, data) if data.strip() else Unusable("", "is empty", "", name)

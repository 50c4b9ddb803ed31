"""Which files belong to one record: files named by a user, folders, standard input, plain or gzip."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from rules.reasoning.timeline import Unusable
from service.fhir.documents import LINES
from service.fhir.foreign import HEAD, what_else
from service.folders import folders_below

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
    """Paths that will be one record, not opened yet, and what belongs to it and cannot be opened."""

    name: str
    paths: tuple[Path, ...]
    lost: tuple[Unusable, ...] = ()

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
            inside, unusable = _in_folder(path)
            found.update({record.name: record for record in inside})
            missing += unusable
            if not inside and not unusable:
                missing.append(
                    Unusable("", "holds no file named .json, .ndjson or .jsonl (plain or .gz)", "", argument)
                )
        elif _holds_lines(path.name):
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
    together = found.get(folder, NamedRecord(folder, ()))
    found[folder] = replace(together, paths=tuple(dict.fromkeys((*together.paths, path))))


def _in_folder(folder: Path) -> tuple[list[NamedRecord], list[Unusable]]:
    """The records of a folder and of those in it, and what can be none of them."""
    records: list[NamedRecord] = []
    unusable: list[Unusable] = []
    for one in folders_below(folder, (*_JSON, *LINES)):
        lines = tuple(path for path in one.files if _holds_lines(path.name))
        if lines:
            lost = tuple(amiss for amiss in one.unusable if _holds_lines(amiss.source))
            records.append(NamedRecord(str(one.path), lines, lost))
            unusable += [amiss for amiss in one.unusable if amiss not in lost]
        else:
            unusable += one.unusable
        records += [NamedRecord(str(path), (path,)) for path in one.files if path not in lines]
    return records, unusable


def _holds_lines(name: str) -> bool:
    return name.lower().endswith(LINES)


def opened(record: NamedRecord, stdin: IO[bytes]) -> tuple[Record | None, list[Unusable]]:
    """The record with the content of its files; None when none could be opened. What could not be is named."""
    files: list[RecordFile] = []
    failed = list(record.lost)
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
    reason = what_else(data[:HEAD]) if data.strip() else "is empty"
    return RecordFile(name, data) if reason is None else Unusable("", reason, "", name)

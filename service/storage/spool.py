"""Records on the local disk until the database has them: one file a process, one record a line.

A file is locked by the process that writes it; that of a process that is gone is taken over by another one.
"""

from __future__ import annotations

import fcntl
import logging
import os
import stat
import threading
import uuid
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec

from service.storage.port import Record

_log = logging.getLogger(__name__)

_DECODER = msgspec.json.Decoder(Record)
_SUFFIX = ".records"
REFUSED = "refused.jsonl"
_LINE = 4096
"""Bytes of a long record: so many for each record that is wanted are read at first."""


class SpoolFull(Exception):
    """The disk, or the share of it that may be used, holds no more."""


class Spool:
    """The file of this process in a folder that only its owner can read; used from all threads.

    What was handed out by `batch` stays until `written` is called, so that a crash in between repeats it; records
    carry ids of their own, and the database keeps the first of a kind.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """Raises OSError when the folder cannot be made or written, or belongs to somebody else."""
        self._folder, self._max_bytes = folder, max_bytes
        _make_private(folder)
        self._path = folder / f"{uuid.uuid4()}{_SUFFIX}"
        self._file = _locked_from_birth(self._path)
        self._lock = threading.Lock()
        self._size = self._taken = 0
        self._count = 0

    @property
    def depth(self) -> int:
        """How many records of this process wait."""
        return self._count

    def append(self, record: Record) -> None:
        """Keep a record.

        Raises:
            SpoolFull: there is no room.
        """
        line = msgspec.json.encode(record) + b"\n"
        with self._lock:
            if self._size + len(line) > self._max_bytes:
                raise SpoolFull
            try:
                written = os.write(self._file, line)
            except OSError:
                written = 0
            if written < len(line):
                os.ftruncate(self._file, self._size)
                raise SpoolFull
            self._size += written
            self._count += 1

    def batch(self, most: int) -> tuple[list[Record], int]:
        """Up to so many records from the front, and the number of bytes they take, for `written`."""
        with self._lock:
            waiting, wanted, whole = self._size - self._taken, most * _LINE, b""
            while waiting and not whole:
                raw = os.pread(self._file, min(waiting, wanted), self._taken)
                whole, wanted = raw[: raw.rfind(b"\n") + 1], 2 * wanted
        lines = whole.splitlines(keepends=True)[:most]
        return list(_records(lines)), sum(map(len, lines))

    def written(self, length: int, number: int) -> None:
        """The records of a batch are in the database."""
        with self._lock:
            self._taken += length
            self._count -= number
            if self._taken == self._size:
                os.ftruncate(self._file, 0)
                self._size = self._taken = self._count = 0

    def sync(self) -> None:
        """See that what waits outlives a power cut."""
        os.fsync(self._file)

    def refuse(self, record: Record) -> None:
        """Lay aside what the database will never take, for a person to look at."""
        with open(os.open(self._folder / REFUSED, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
            file.write(msgspec.json.encode(record) + b"\n")

    def abandoned(self, most: int) -> Iterator[list[Record]]:
        """The records that processes left behind which are gone, up to so many at a time.

        A file is deleted when more is asked for after its last record; whoever stops asking leaves it to somebody else.
        """
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            if path == self._path:
                continue
            try:
                with path.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    while lines := list(islice(file, most)):
                        yield list(_records(lines))
                    path.unlink()
            except (BlockingIOError, FileNotFoundError):
                continue

    def close(self) -> None:
        """Let go of the file; an empty one disappears."""
        with self._lock:
            if not self._size:
                self._path.unlink(missing_ok=True)
            os.close(self._file)


def _records(lines: list[bytes]) -> Iterator[Record]:
    broken = 0
    for line in lines:
        try:
            yield _DECODER.decode(line)
        except msgspec.DecodeError:
            broken += 1
    if broken:
        # The last line of a process that was killed while it wrote.
        _log.error("spool: %d record(s) could not be read again", broken)


def _make_private(folder: Path) -> None:
    """A folder of our own: where everybody may write, somebody else might have made it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(None, "belongs to somebody else")
    if found.st_mode & 0o077:
        folder.chmod(0o700)


def _locked_from_birth(path: Path) -> int:
    """A new file that nobody has seen without its lock."""
    draft = path.with_suffix(".new")
    file = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    draft.rename(path)
    return file

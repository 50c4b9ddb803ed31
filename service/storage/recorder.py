"""Writes records behind the callers' backs: to the spool at once, from there to the database by one thread."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from service.observation import metrics
from service.storage.port import Record, Store, StoreRefused, StoreUnavailable
from service.storage.spool import Spool, SpoolFull

_log = logging.getLogger(__name__)

_GATHER = 0.2
"""Seconds that records are gathered, to be written together."""
_IDLE = 10.0
"""Seconds after which an idle recorder looks whether the database still answers, and for what others left."""
_RETRY_FIRST, _RETRY_LAST = 0.5, 15.0
_BATCH = 500
_HELD = 10_000
"""Records that are held in memory while not even the spool takes them."""
_PURGE_EVERY = timedelta(hours=24)
_PURGE_AGAIN = timedelta(hours=1)
"""When a purge is tried again that did not come to its end."""
_SETTLED = timedelta(minutes=1)
"""When old records are looked for first, so that no start is held up."""


class Recorder:
    """The one writer of a process.

    `keep` costs its caller a line in a local file. Nothing is lost while the database is away, nor when the process is
    killed; nothing is doubled, because the database keeps the first record of an id.
    """

    def __init__(self, store: Store, spool: Spool, retention: timedelta, first_purge: timedelta = _SETTLED) -> None:
        self._store, self._spool, self._retention = store, spool, retention
        self._held: deque[Record] = deque()
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None
        self._next_purge = datetime.now(UTC) + first_purge
        self.reachable = True

    @property
    def depth(self) -> int:
        """How many records wait."""
        return self._spool.depth + len(self._held)

    def keep(self, record: Record) -> None:
        """Take a record; it is in the database soon after."""
        try:
            self._spool.append(record)
        except SpoolFull:
            self._hold(record)
        if self._thread is None:
            self.start()
        self._wake.set()

    def unreachable(self) -> None:
        """Somebody found that the database does not answer: find out when it does again."""
        self.reachable = False
        self._wake.set()

    def start(self) -> None:
        """Begin to write; also what processes left that are gone."""
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
                self._thread.start()

    def close(self, seconds: float = 5.0) -> None:
        """Write what waits, or leave it in the spool for whoever starts next."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(seconds)
            if self._thread.is_alive():  # and waits for a database that says nothing; the spool is the next one's.
                return
        self._spool.close()

    def _hold(self, record: Record) -> None:
        if len(self._held) < _HELD:
            self._held.append(record)
            return
        metrics.record_lost()
        _log.error("a record was lost: neither the database nor the spool nor memory has room")

    def _run(self) -> None:
        wait = 0.0
        while not self._stopping.is_set():
            self._wake.wait(wait)
            self._stopping.wait(_GATHER)
            self._wake.clear()
            wait = _IDLE if self._round() else min(max(_RETRY_FIRST, wait * 2 if wait != _IDLE else 0), _RETRY_LAST)
        self._round()

    def _round(self) -> bool:
        """Write all that waits; whether the database took it."""
        try:
            self._store.ping() if not self.depth else self._drain()
            for records in self._spool.abandoned(_BATCH):
                self._write(records)
            self._purge()
        except StoreUnavailable as error:
            self._tell(reachable=False, why=str(error))
            self._spool.sync()
        except Exception:
            # The thread must outlive whatever happens; records are safe where they are.
            _log.exception("the recorder failed and goes on")
            self.reachable = False
        else:
            self._tell(reachable=True)
        metrics.spool_is(self.depth)
        return self.reachable

    def _tell(self, *, reachable: bool, why: str = "") -> None:
        if self.reachable and not reachable:
            _log.error("the database does not answer (%s): records wait in the spool", why)
        elif reachable and not self.reachable:
            _log.warning("the database answers again")
        self.reachable = reachable

    def _drain(self) -> None:
        while True:
            records, length = self._spool.batch(_BATCH)
            if not length:
                break
            self._write(records)
            self._spool.written(length, len(records))
        while self._held:
            self._write([self._held[0]])
            self._held.popleft()

    def _write(self, records: Sequence[Record]) -> None:
        try:
            self._store.write(records)
        except StoreRefused:
            for record in records:
                self._write_alone(record)

    def _write_alone(self, record: Record) -> None:
        try:
            self._store.write([record])
        except StoreRefused as error:
            _log.error("the database does not take a record (%s); it is laid aside in the spool", error)
            self._spool.refuse(record)

    def _purge(self) -> None:
        now = datetime.now(UTC)
        if now < self._next_purge:
            return
        self._next_purge = now + _PURGE_AGAIN
        gone = self._store.purge(now - self._retention, now)
        self._next_purge = now + _PURGE_EVERY
        _log.info("retention: %d row(s) older than %d days deleted", gone, self._retention.days)

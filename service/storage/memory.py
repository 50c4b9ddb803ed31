"""What the service remembers and recalls, without making a caller wait for a database."""

from __future__ import annotations

import atexit
import os
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from datetime import datetime, timedelta
from pathlib import Path

from service.observation import metrics
from service.settings import Settings, SettingsError
from service.storage.node_tokens import NodeTokens
from service.storage.port import Override, Record, Store, StoreRefused, StoreUnavailable
from service.storage.pseudonyms import Pseudonyms, site_key
from service.storage.recorder import Recorder
from service.storage.schema import REFUSED, SchemaOutdated, prepare, sqlite_file
from service.storage.spool import Spool
from service.storage.sql import SqlStore
from service.turns import waiting

_PATIENCE = 0.1
"""Seconds that a hook call waits for what was overridden; without an answer the card is shown."""
_OUTAGE = 2.0
"""Seconds after which a database that was asked and has not answered counts as away."""
_READERS = 4


class Memory:
    """The memory of one process; its thread begins with the first record, or with `start`."""

    def __init__(self, store: Store, recorder: Recorder, pseudonyms: Pseudonyms, node: NodeTokens) -> None:
        self._store, self._recorder, self._pseudonyms, self._node = store, recorder, pseudonyms, node
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="recall")
        self._late: Future[tuple[Override, ...]] | None = None
        self._asked = 0.0

    @property
    def degraded(self) -> bool:
        """Whether the database does not answer, so that records wait."""
        return not self._recorder.reachable

    def start(self) -> None:
        """Write what earlier processes left, and look after the database from now on."""
        self._recorder.start()

    def keep(self, record: Record) -> None:
        """Remember a record; returns at once."""
        self._recorder.keep(record)

    def pseudonym(self, issuer: str, tenant: str | None, patient: str) -> str:
        """The pseudonym of a caller's patient, 64 hexadecimal digits."""
        return self._pseudonyms.of(issuer, tenant, patient)

    def overrides(self, patient: str, role: str, since: datetime) -> tuple[Override, ...]:
        """The cards on a patient (pseudonym) that users of a role have overridden with a reason since then.

        None when the database does not answer in time: a card too many is better than one too few. A late answer is
        waited for, by nobody, before it is asked again; only one that does not come at all is an outage.
        """
        if self.degraded or self._waits_for_a_late_answer():
            return ()
        try:
            if self._store.local:
                return self._store.overrides(patient, role, since)
            asked, self._asked = self._readers.submit(self._store.overrides, patient, role, since), time.monotonic()
            with waiting():
                return asked.result(_PATIENCE)
        except (StoreUnavailable, StoreRefused):
            self._recorder.unreachable()
        except TooSlow:
            self._late = asked
            metrics.overrides_missed()
        return ()

    def _waits_for_a_late_answer(self) -> bool:
        if self._late is None or self._late.done():
            return False
        if time.monotonic() - self._asked > _OUTAGE:
            self._recorder.unreachable()
        return True

    def first_use(self, issuer: str, jti: str, expires: datetime) -> bool:
        """Whether a token was not used before; on this node alone while the database does not answer.

        Raises:
            StoreUnavailable: neither the database nor the disk of this node can say.
        """
        if not self.degraded:
            try:
                first = self._first_use(issuer, jti, expires)
            except (StoreUnavailable, TooSlow):
                self._recorder.unreachable()
            else:
                # A token that was used while the database was away stays used when it is back.
                return first and not self._node.knows(issuer, jti)
        return self._node.first_use(issuer, jti, expires)

    def _first_use(self, issuer: str, jti: str, expires: datetime) -> bool:
        if self._store.local:
            return self._store.first_use(issuer, jti, expires)
        return self._readers.submit(self._store.first_use, issuer, jti, expires).result(_OUTAGE)

    def close(self) -> None:
        """Write what waits and let go of everything."""
        atexit.unregister(self.close)
        self._recorder.close()
        self._readers.shutdown(wait=False, cancel_futures=True)
        self._store.close()
        self._node.close()


def open_memory(settings: Settings) -> Memory:
    """The memory that the settings name; an SQLite database is made, or brought to this version, first.

    A database that does not answer is waited for, in degraded state.

    Raises:
        SettingsError: its tables are of another version, it is no database, or a file that is needed cannot be made.
    """
    url = settings.database_url.get_secret_value()
    try:
        answers = prepare(url)
    except SchemaOutdated as error:
        raise SettingsError([f"REBOUNDWATCH_DATABASE_URL: {error}"]) from None
    except StoreRefused as error:
        raise SettingsError([f"REBOUNDWATCH_DATABASE_URL: the database {REFUSED} ({error})"]) from None
    pseudonyms = Pseudonyms(site_key(settings))
    folder = spool_folder(settings)
    try:
        spool = Spool(folder, settings.spool_max_mb * 1024 * 1024)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SettingsError([f"REBOUNDWATCH_SPOOL_DIR: {folder} cannot be used: {reason}"]) from None
    store = SqlStore(url)
    recorder = Recorder(store, spool, timedelta(days=settings.retention_days))
    if not answers:
        recorder.unreachable()
    memory = Memory(store, recorder, pseudonyms, NodeTokens(folder))
    atexit.register(memory.close)
    return memory


def spool_folder(settings: Settings) -> Path:
    """Where records wait: as set, else beside an SQLite database, else in the folder for temporary files."""
    if settings.spool_dir is not None:
        return settings.spool_dir
    database = sqlite_file(settings.database_url.get_secret_value())
    if database is not None:
        return database.with_name(f"{database.name}.spool")
    return Path(tempfile.gettempdir()) / f"reboundwatch-spool-{os.geteuid()}"

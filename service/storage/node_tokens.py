"""Tokens that were used while the database was away, remembered by all workers of one node."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from service.storage.port import StoreUnavailable
from service.storage.schema import upgrade
from service.storage.sql import SqlStore

_FILE = "tokens.sqlite3"
_REMEMBERED = 8 * 86_400
"""Seconds after its last change in which it may know a token that has not expired: longer than any may live."""
_NOTHING_ELSE = datetime(1970, 1, 1, tzinfo=UTC)
"""Only tokens are kept here."""


class NodeTokens:
    """A database of this node alone, in the folder of the spool; it is made when it is needed first."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE
        self._lock = threading.Lock()
        self._store: SqlStore | None = None

    def knows(self, issuer: str, jti: str) -> bool:
        """Whether a token was used here that could be used again; costs next to nothing where there was no outage."""
        return self._may_know() and self._opened().used(issuer, jti)

    def first_use(self, issuer: str, jti: str, expires: datetime) -> bool:
        """Whether a token was not used before on this node, as far as is remembered here.

        Raises:
            StoreUnavailable: the disk does not take it.
        """
        return self._opened().first_use(issuer, jti, expires)

    def close(self) -> None:
        """Let go of the file."""
        if self._store is not None:
            self._store.close()

    def _may_know(self) -> bool:
        try:
            changed = max(self._path.stat().st_mtime, self._journal_changed())
        except OSError:
            return False
        return time.time() - changed < _REMEMBERED

    def _opened(self) -> SqlStore:
        with self._lock:
            if self._store is None:
                url = f"sqlite:///{self._path}"
                upgrade(url)
                self._store = SqlStore(url)
                with suppress(StoreUnavailable):  # another worker of the node does it just now
                    self._store.purge(_NOTHING_ELSE, datetime.now(UTC))
            return self._store

    def _journal_changed(self) -> float:
        journal = self._path.with_name(f"{_FILE}-wal")
        return journal.stat().st_mtime if journal.exists() else 0.0

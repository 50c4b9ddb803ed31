"""Callers that never pause, and what became of each of their calls."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.contract.calls import EXAMPLE
from tests.nodes import PATH, PATIENCE

BODY = EXAMPLE.read_bytes()
NO_ANSWER = 0


@dataclass
class Calls:
    """The status of every call, or `NO_ANSWER`; `begun` are those that wait for an answer."""

    statuses: list[int] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def failed(self) -> int:
        """How many were not answered with 200."""
        return sum(status != 200 for status in self.statuses)

    def more(self, number: int) -> None:
        """Return after so many further calls."""
        wanted, until = len(self.statuses) + number, time.monotonic() + PATIENCE
        while len(self.statuses) < wanted:
            assert time.monotonic() < until, "the callers wait in vain"
            time.sleep(0.01)

    def call_on(self, port: int) -> None:
        """Call again and again, each time on a new connection."""
        while not self._over.is_set():
            self.statuses.append(one_call(port))

    def end(self) -> None:
        """No further call."""
        self._over.set()


def one_call(port: int, path: str = PATH, body: bytes = BODY, encoding: str | None = None, **headers: str) -> int:
    """The status of one call."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        sent = {"Content-Type": "application/json", "Connection": "close", **headers}
        connection.request("POST", path, body, sent | ({"Content-Encoding": encoding} if encoding else {}))
        response = connection.getresponse()
        response.read()
        return response.status
    except (OSError, http.client.HTTPException):
        return NO_ANSWER
    finally:
        connection.close()


@contextmanager
def calling(port: int, callers: int = 4) -> Iterator[Calls]:
    """So many callers at work while the context lasts."""
    calls = Calls()
    threads = [threading.Thread(target=calls.call_on, args=(port,)) for _ in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield calls
    finally:
        calls.end()
        for thread in threads:
            thread.join()

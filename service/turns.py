"""One call is computed at a time, in the order in which they came: so all are done sooner than when they interrupt.

The engine takes no two evaluations at once, and Python runs no two threads at once. Whoever waits for another machine
lets the next one go on.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

from service.observation.call import stage


class TooLong(Exception):
    """Those who came before did not end in time."""


class Turns:
    """Who may compute now, and who is next; shared by the threads of a process."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._line: deque[threading.Lock] = deque()

    @contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """Compute as soon as all are done who came before; wait for so many seconds at most, each time.

        Raises:
            TooLong: they were not in time.
        """
        turn = _Turn(self, seconds)
        with stage("wait"):
            turn.take()
        before = _mine.set(turn)
        try:
            yield
        finally:
            _mine.reset(before)
            turn.end()

    def take(self, seconds: float) -> None:
        """Be next when all are done who came before; raises like `turn`."""
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            gate = threading.Lock()
            gate.acquire()
            self._line.append(gate)
        if gate.acquire(timeout=seconds):
            return
        with self._guard:
            if gate in self._line:
                self._line.remove(gate)
                raise TooLong
        # It was opened at the last moment: the turn is ours.

    def pass_on(self) -> None:
        """Let the next one compute."""
        with self._guard:
            if self._line:
                self._line.popleft().release()
            else:
                self._taken = False


class _Turn:
    """The turn of a thread; it is over early when it could not be had again."""

    __slots__ = ("_lasts", "_seconds", "_turns")

    def __init__(self, turns: Turns, seconds: float) -> None:
        self._turns, self._seconds, self._lasts = turns, seconds, False

    def take(self) -> None:
        self._turns.take(self._seconds)
        self._lasts = True

    def end(self) -> None:
        if self._lasts:
            self._lasts = False
            self._turns.pass_on()


_mine: ContextVar[_Turn | None] = ContextVar("turn", default=None)


@contextmanager
def waiting() -> Iterator[None]:
    """While this thread waits for another machine, whoever is next computes; outside of a turn nothing happens.

    Whoever was let in is not sent away: when those who compute now do not end in time, it goes on beside them.
    """
    turn = _mine.get()
    if turn is None:
        yield
        return
    turn.end()
    try:
        yield
    finally:
        with suppress(TooLong):
            turn.take()

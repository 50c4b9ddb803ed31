"""What is noted while one request is answered: stages, counts and words of our own, never what was sent.

Whoever does a piece of work says `with stage("evaluate")` or `noted()`; outside a request both cost nothing and leave
nothing behind, so that the command line and the canary are never counted.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from types import TracebackType

_WELL_FORMED = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)


@dataclass(slots=True)
class Call:
    """One request as it is observed; times are nanoseconds of `time.time_ns`."""

    request_id: str
    began: int = field(default_factory=time.time_ns)
    stages: list[tuple[str, int, int]] = field(default_factory=list)
    prefetch: Mapping[str, str] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    cards: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    set_aside: int = 0
    resources: int = 0
    unusable: int = 0
    failure: str | None = None

    def seconds(self) -> dict[str, float]:
        """The time spent in each stage that was reached, in seconds."""
        spent: dict[str, float] = {}
        for name, start, end in self.stages:
            spent[name] = spent.get(name, 0.0) + (end - start) / 1e9
        return spent


_current: ContextVar[Call | None] = ContextVar("call", default=None)


def begin(request_id: str | None) -> Token[Call | None]:
    """Observe a request; an id that the caller gave is kept if it is letters, digits and hyphens, at most 64."""
    kept = request_id if request_id is not None and _WELL_FORMED.fullmatch(request_id) else str(uuid.uuid4())
    return _current.set(Call(kept))


def end(token: Token[Call | None]) -> None:
    """Observe it no longer."""
    _current.reset(token)


def noted() -> Call | None:
    """The request that is being answered, to note something of it; None outside a request."""
    return _current.get()


class stage:
    """Times one piece of work of the request that is being answered, also when it ends in an error.

    In their order: the body is read and checked ("read"), the turn waited for ("wait"), the prefetch looked at
    ("prefetch"), FHIR made a timeline ("timeline"), the rules applied ("evaluate"), the answer written ("cards").
    """

    __slots__ = ("_name", "_start")

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._start = time.time_ns()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        call = _current.get()
        if call is not None:
            call.stages.append((self._name, self._start, time.time_ns()))

"""The embedded engine: an export laid apart on the disk, its parts over the processors of this machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import date
from multiprocessing import get_context
from pathlib import Path

from rules.reasoning.timeline import Gap, Unusable
from service.deployment import site_assessor, site_cards
from service.screening.buckets import MOST, Buckets
from service.screening.engine import EngineStopped
from service.screening.export import ExportFile
from service.screening.owners import Counts, parts_of
from service.screening.population import Found, Population
from service.settings import Settings


def cores() -> int:
    """Those of this machine that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalEngine:
    """Evaluates with so many processes at once."""

    def __init__(self, settings: Settings, as_of: date, workers: int) -> None:
        self._settings, self._as_of, self._workers = settings, as_of, workers
        self._buckets: Buckets

    @property
    def counts(self) -> Counts:
        """What was read."""
        return self._buckets.counts

    @property
    def parts(self) -> int:
        """In how many parts the population was laid apart."""
        return self._buckets.number

    def lay_apart(self, files: Sequence[ExportFile], work: Path, unread: Callable[[Unusable], None]) -> Iterator[int]:
        """Lay the lines into buckets in the folder `work`."""
        self._buckets = Buckets(work, parts_of(files, MOST))
        return self._buckets.fill(files, unread)

    def found(self, gaps: Sequence[Gap]) -> Generator[Found]:
        """What came of each part, with the gaps of the whole export.

        Raises:
            KnowledgeError: what the site set does not hold.
            EngineStopped: a process died.
        """
        site, parts = (self._buckets, self._settings, self._as_of, gaps), range(self.parts)
        workers = min(self._workers, self.parts)
        if workers == 1:
            _begin(*site)
            yield from map(_found, parts)
            return
        # Fresh processes: the engine of durable_rules is none that a fork may inherit.
        with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_begin, initargs=site) as pool:
            # Ctrl-C reaches all processes at once; those that start here are to leave it to this one.
            usual = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            found = pool.map(_found, parts)
            signal.pthread_sigmask(signal.SIG_SETMASK, usual)
            try:
                yield from found
            except BrokenProcessPool:
                raise EngineStopped("a process that evaluated patients died, perhaps for want of memory") from None


_evaluated: tuple[Buckets, Population]


def _begin(buckets: Buckets, settings: Settings, as_of: date, gaps: Sequence[Gap]) -> None:
    global _evaluated
    assessor = site_assessor(settings)
    cards = site_cards(settings, assessor.knowledge)
    _evaluated = buckets, Population(assessor, cards, dict(buckets.drugs()), as_of, gaps)


def _found(part: int) -> Found:
    buckets, population = _evaluated
    return population.found(buckets.lines(part))

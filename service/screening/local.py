"""The embedded engine: the buckets of an export over the processors of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import date
from multiprocessing import get_context

from service.deployment import site_assessor, site_cards
from service.screening.buckets import Buckets
from service.screening.population import Found, Population
from service.settings import Settings


def cores() -> int:
    """Those of this machine that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class EngineStopped(Exception):
    """A process of the engine died; there are no results."""


_population: Population


def evaluated(buckets: Buckets, settings: Settings, as_of: date, workers: int) -> Iterator[Found]:
    """What came of each bucket, in their order; at most `workers` are evaluated at a time.

    Raises:
        KnowledgeError: what the site set does not hold.
        EngineStopped: a process died.
    """
    names = buckets.names
    if min(workers, len(names)) == 1:
        _begin(buckets, settings, as_of)
        yield from map(_found, names)
        return
    # Fresh processes: the engine of durable_rules is none that a fork may inherit.
    with ProcessPoolExecutor(
        min(workers, len(names)), get_context("spawn"), initializer=_begin, initargs=(buckets, settings, as_of)
    ) as pool:
        try:
            yield from pool.map(_found, names)
        except BrokenProcessPool:
            raise EngineStopped("a process that evaluated patients died, perhaps for want of memory") from None


def _begin(buckets: Buckets, settings: Settings, as_of: date) -> None:
    global _population
    assessor = site_assessor(settings)
    _population = Population(assessor, site_cards(settings, assessor.knowledge), buckets, as_of)


def _found(bucket: str) -> Found:
    return _population.found(bucket)

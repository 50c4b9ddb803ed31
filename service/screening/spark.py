"""The distributed engine: an export over a cluster of Spark, whose shuffle lays the lines apart by patient.

Everything else is as on one machine: the same reading of lines, the same parts of the population, the same evaluation.
The export, and the files that the site names in its settings, must lie where every worker finds them under one path.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias

from rules.reasoning.timeline import Gap, Unusable
from service.assessing import Assessor
from service.cds_hooks.cards import CardMaker
from service.deployment import site_assessor, site_cards
from service.screening.engine import EngineStopped
from service.screening.export import ExportFile, Line
from service.screening.owners import Counts, is_drug, owned, part_of, parts_of
from service.screening.population import Found, Population
from service.settings import Settings

MOST = 10_000
"""Parts of a population: jobs of the cluster."""

_UNLESS_SET = {
    "spark.app.name": "reboundwatch screen",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.io.encryption.enabled": "true",
}
"""What we want of Spark where its own configuration is silent: the records of patients lie on the disks of workers."""

OF_SITE = (
    "jurisdiction",
    "limits_file",
    "local_codes_dir",
    "disabled_rules",
    "sign_offs_file",
    "verify",
    "max_cards",
    "public_base_url",
)
"""The settings that decide what is found; no other one, above all no secret, goes to a worker."""

_SECONDS_BETWEEN_LOOKS = 0.5

_Key: TypeAlias = tuple[int, str, int, int]
"""Part, owner, place of the file among the files, place of the line in it: in this order lines lie in a part."""

_Kept: TypeAlias = Line | Unusable | Counts
_Site: TypeAlias = tuple[tuple[str, Any], ...]


class SparkEngine:
    """Evaluates on the cluster of a SparkContext, one job for each part of the population."""

    def __init__(self, context: Any, settings: Settings, as_of: date) -> None:
        self._context, self._site, self._as_of = context, _site_of(settings), as_of
        self._laid: Any = None
        self._drugs: Any = None
        self.counts = Counts()
        self.parts = 0

    def lay_apart(self, files: Sequence[ExportFile], work: Path, unread: Callable[[Unusable], None]) -> Iterator[int]:
        """Read every file in a task of its own; the lines stay with the workers, part by part."""
        self.parts = parts_of(files, MOST)
        named = [(place, str(file.path.absolute()), file.name) for place, file in enumerate(files)]
        # One part more than there are: of what belongs to no patient, which comes here.
        self._laid = (
            self._context.parallelize(named, len(named))
            .flatMap(partial(_laid, parts=self.parts))
            .repartitionAndSortWithinPartitions(self.parts + 1, _part)
        )
        size = sum(file.size for file in files)
        drugs: dict[str, Line] = {}
        with ThreadPoolExecutor(1) as thread:
            job = thread.submit(self._run, self._laid, self.parts)
            yield from (size * done // (len(named) + 1) for done in self._tasks_done(job))
        for (_, owner, _, _), kept in job.result():
            match kept:
                case Unusable():
                    unread(kept)
                case Counts():
                    self.counts.add(kept)
                case Line():
                    drugs[owner] = kept
        self._drugs = self._context.broadcast(drugs)

    def found(self, gaps: Sequence[Gap]) -> Generator[Found]:
        """What came of each part, with the gaps of the whole export; as many jobs at once as the cluster has cores."""
        evaluated = self._laid.mapPartitions(partial(_found, self._site, self._as_of, self._drugs, tuple(gaps)))
        with ThreadPoolExecutor(self._context.defaultParallelism) as jobs:
            try:
                for found in jobs.map(partial(self._run, evaluated), range(self.parts)):
                    yield from found
            except BaseException:
                jobs.shutdown(wait=False, cancel_futures=True)
                self._context.cancelAllJobs()
                raise

    def _run(self, lines: Any, part: int) -> list[Any]:
        """What lies in one part, computed by the cluster."""
        from py4j.protocol import Py4JError

        try:
            found: list[Any] = self._context.runJob(lines, iter, [part])
        except Py4JError as error:
            raise EngineStopped(f"the cluster stopped a job: {_said(error)}") from None
        return found

    def _tasks_done(self, job: Future[Any]) -> Iterator[int]:
        """While a job runs, now and then, how many of its tasks are done."""
        tracker, most = self._context.statusTracker(), 0
        while not wait([job], timeout=_SECONDS_BETWEEN_LOOKS).done:
            stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
            most = max(most, sum(stage.numCompletedTasks for stage in stages if stage is not None))
            yield most


@contextmanager
def spark_engine(settings: Settings, as_of: date, master: str | None) -> Iterator[SparkEngine]:
    """The engine on the cluster that `master` names (spark://host:7077); without it, as Spark is configured here.

    Raises:
        EngineStopped: Spark is not installed, or does not start.
    """
    try:
        from pyspark import SparkConf, SparkContext
        from pyspark.errors import PySparkException
    except ImportError:
        raise EngineStopped(
            "Spark is not installed here: pip install -r requirements/spark.txt; it needs Java, too"
        ) from None
    from py4j.protocol import Py4JError

    # The workers have the same image, or the same environment under the same path.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        conf = SparkConf()
        for name, value in _UNLESS_SET.items():
            conf.setIfMissing(name, value)
        if master is not None:
            conf.setMaster(master)
        context = SparkContext(conf=conf)
    except (PySparkException, Py4JError) as error:
        raise EngineStopped(f"Spark does not start; it wrote above why: {_said(error)}") from None
    try:
        # A master that nobody could reach stops a context while it is being made, without an error.
        if context._jsc.sc().isStopped():
            raise EngineStopped("Spark does not start: no master takes the application")
        yield SparkEngine(context, settings, as_of)
    finally:
        context.stop()


def _site_of(settings: Settings) -> _Site:
    """The settings of a site as workers need them; files by a path that does not depend on where a worker stands."""
    found = ((name, getattr(settings, name)) for name in OF_SITE)
    return tuple((name, value.absolute() if isinstance(value, Path) else value) for name, value in found)


def _laid(named: tuple[int, str, str], parts: int) -> Iterator[tuple[_Key, _Kept]]:
    """The lines of a file with where they belong; on a worker."""
    place, path, name = named
    counts, number = Counts(), 0
    for number, found in enumerate(owned(ExportFile(Path(path), name), counts)):
        if isinstance(found, Unusable):
            yield (parts, "", place, number), found
        else:
            owner, line = found
            yield (parts if is_drug(owner) else part_of(owner, parts), owner, place, number), line
    yield (parts, "", place, number + 1), counts


def _part(key: _Key) -> int:
    return key[0]


def _found(
    site: _Site, as_of: date, drugs: Any, gaps: Sequence[Gap], lines: Iterable[tuple[_Key, Line]]
) -> Iterator[Found]:
    """What came of the patients of a part; on a worker."""
    assessor, cards = _evaluating(site)
    known: Mapping[str, Line] = drugs.value
    yield Population(assessor, cards, known, as_of, gaps).found((owner, line) for (_, owner, _, _), line in lines)


@cache
def _evaluating(site: _Site) -> tuple[Assessor, CardMaker]:
    settings = Settings.model_construct(**dict(site))
    assessor = site_assessor(settings)
    return assessor, site_cards(settings, assessor.knowledge)


def _said(error: Exception) -> str:
    """What Spark says in one line: the error of Python on a worker, or else the first line of its own."""
    java = getattr(error, "java_exception", None)
    text = str(java.getMessage() if java is not None else error)
    _, _, traced = text.partition("Traceback (most recent call last):\n")
    lines = [line for line in traced.splitlines() if not line.startswith(" ")] or text.splitlines()
    return lines[0] if lines else type(error).__name__

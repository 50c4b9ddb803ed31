"""The command `screen`: a population from a Bulk Data export, on this machine or on a cluster."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import date
from pathlib import Path
from typing import Any

import click

from rules.reasoning.errors import KnowledgeError
from service.command_types import AS_OF, Refused
from service.deployment import site_knowledge
from service.screening.engine import Engine, EngineStopped
from service.screening.export import NoExport
from service.screening.local import LocalEngine, cores
from service.screening.results import OutRefused
from service.screening.screen import Screening
from service.screening.spark import spark_engine
from service.settings import Settings, SettingsError, read_settings

LOCAL, SPARK = "local", "spark"


class _NamedFolder(click.Path):
    """A folder that has a name: "" would be where the command runs."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("names no folder", param, ctx)
        return super().convert(value, param, ctx)


@click.command(short_help="Find whoever needs a dose, or has lapsed, in a population.")
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--out",
    required=True,
    type=_NamedFolder(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where the results go: a folder that is new or empty.",
)
@AS_OF
@click.option(
    "--engine",
    type=click.Choice([LOCAL, SPARK]),
    default=LOCAL,
    show_default=True,
    help="What evaluates: local, the cores of this machine; spark, a cluster.",
)
@click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="local: processes at once; default one a core."
)
@click.option("--master", metavar="URL", help="spark: the cluster (spark://host:7077); default as Spark is configured.")
def screen(source: Path, out: Path, as_of: date | None, engine: str, workers: int | None, master: str | None) -> None:
    """Find whoever needs a dose, has lapsed or has fractured among all patients of a FHIR Bulk Data export.

    SOURCE is a folder of NDJSON files, plain or gzip, or one such file. Every patient is evaluated as if the chart were
    opened that day. DIR then holds worklist.csv and worklist.html (patients with denosumab on record for whom a rule
    speaks, most urgent first), assessments.ndjson.gz (one object a patient, as `assess --format json` prints it),
    not-read.csv (each record that could not be used) and summary.json.

    Memory does not grow with the export; DIR needs free room for as much as SOURCE holds unpacked. On a cluster the
    workers need that room, and SOURCE must lie where each of them finds it under the same path.

    \b
    Examples:
      reboundwatch screen export/ --out worklist-2026-03
      reboundwatch screen export/ --out worklist-2026-03 --as-of 2026-03-01 --workers 8
      reboundwatch screen /mnt/export --out worklist-2026-03 --engine spark --master spark://head:7077
    """
    _check(engine, workers, master)
    day = as_of or date.today()
    try:
        settings = read_settings()
        knowledge = site_knowledge(settings)
        with _ended_by_sigterm(), _started(engine, settings, day, workers, master) as started:
            screening = Screening(started, knowledge, day, sys.stderr)
            results = screening.run(source, out)
    except (SettingsError, KnowledgeError, NoExport, OutRefused, EngineStopped) as error:
        raise Refused(str(error)) from None
    for line in screening.told(results, out):
        click.echo(line)
    raise SystemExit(results.status)


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Meanwhile a SIGTERM ends the command as an exception does, so that no record of a patient is left behind."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _check(engine: str, workers: int | None, master: str | None) -> None:
    if workers is not None and engine != LOCAL:
        raise click.UsageError("--workers is for --engine local: Spark has workers of its own")
    if master is None:
        return
    if engine != SPARK:
        raise click.UsageError("--master is for --engine spark")
    if not master.startswith(("spark://", "k8s://", "local")) and master != "yarn":
        raise click.UsageError(f"{master} is no master of Spark: spark://host:port, k8s://…, yarn or local[N]")


def _started(
    engine: str, settings: Settings, day: date, workers: int | None, master: str | None
) -> AbstractContextManager[Engine]:
    if engine == SPARK:
        return spark_engine(settings, day, master)
    return nullcontext(LocalEngine(settings, day, workers or cores()))

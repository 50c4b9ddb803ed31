"""A population screened on a real cluster of Spark, a master and two workers, as one machine screens it."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import pytest
from click.testing import CliRunner

from benchmarks.screening import write_population
from service.commands import main
from service.screening.results import FILES
from service.screening.spark import OF_SITE
from service.settings import SECRETS, Settings
from tests.screening import cluster
from tests.screening.cluster import Cluster, screening

needs_spark = pytest.mark.skipif(not cluster.is_built(), reason=cluster.LACKING)


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,300 patients, one line that is no JSON, one of nobody, one of a type that is not read, one file in gzip."""
    folder = tmp_path_factory.mktemp("export") / "of a population"
    write_population(folder, 1)
    path = folder / "Condition.ndjson"
    path.write_bytes(b'{"resourceType": "Condition"\n' + path.read_bytes())
    (folder / "Procedure.ndjson.gz").write_bytes(gzip.compress(b'{"resourceType": "Procedure", "id": "of-nobody"}\n'))
    (folder / "Coverage.ndjson").write_bytes(b'{"resourceType": "Coverage", "id": "1"}\n')
    return folder


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster.cluster(tmp_path_factory.mktemp("cluster"), workers=2) as started:
        yield started


def results(out: Path) -> dict[str, object]:
    """All that was found, but for the identifiers that each run gives its cards."""
    found: dict[str, object] = {name: (out / name).read_bytes() for name in FILES if not name.endswith(".gz")}
    with gzip.open(out / "assessments.ndjson.gz", "rt", encoding="utf-8") as file:
        assessed = [json.loads(line) for line in file]
    for one in assessed:
        one["cards"] = [card["summary"] for card in one["cards"]]
    return found | {"assessed": assessed}


@pytest.fixture(scope="module")
def on_one_machine(export: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    out = tmp_path_factory.mktemp("local") / "out"
    run = CliRunner().invoke(main, ["screen", str(export), "--out", str(out), "--as-of", "2026-03-01"])
    assert run.exit_code == 1, run.output
    return results(out)


def ended(run: Popen[str]) -> tuple[int, str, str]:
    """Exit status and what it said."""
    said, problems = run.communicate(timeout=300)
    return run.returncode, said, problems


@needs_spark
def test_a_cluster_finds_what_one_machine_finds_in_the_same_order(
    export: Path, two_workers: Cluster, on_one_machine: dict[str, object], tmp_path: Path
) -> None:
    status, said, problems = ended(
        screening(export, tmp_path / "out", "--engine", "spark", "--master", two_workers.url)
    )
    assert status == 1, problems
    assert "2,300 patients" in said
    assert f"not read: {export / 'Condition.ndjson'}, line 1: " in problems
    assert results(tmp_path / "out") == on_one_machine


@needs_spark
def test_a_worker_that_dies_takes_nothing_with_it(
    export: Path, on_one_machine: dict[str, object], tmp_path: Path
) -> None:
    with cluster.cluster(tmp_path, workers=1) as started:
        lost = started.start_worker()
        run = screening(export, tmp_path / "out", "--engine", "spark", "--master", started.url)
        lost.says("Launching executor|Asked to launch executor")
        started.processes[1].says("Asked to launch executor")
        lost.popen.kill()
        status, _, problems = ended(run)
    assert status == 1, problems
    assert results(tmp_path / "out") == on_one_machine


@needs_spark
def test_a_file_of_the_site_that_a_worker_does_not_find_ends_the_run_without_results(
    export: Path, two_workers: Cluster, tmp_path: Path
) -> None:
    (tmp_path / "limits.yaml").write_text("since: 2026-01-01\noverdue_after: 8\n", encoding="utf-8")
    here_only = "/proc/self/cwd/limits.yaml"
    asked = screening(
        export,
        tmp_path / "out",
        *("--engine", "spark", "--master", two_workers.url),
        folder=tmp_path,
        REBOUNDWATCH_LIMITS_FILE=here_only,
    )
    status, _, problems = ended(asked)
    assert status == 2
    last = problems.splitlines()[-1]
    assert last.startswith("Error: the cluster stopped a job: ")
    assert here_only in last
    assert list((tmp_path / "out").iterdir()) == []


def test_without_spark_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    run = CliRunner().invoke(
        main, ["screen", "fhir_fixtures/population", "--out", str(tmp_path / "out"), "--engine", "spark"]
    )
    assert run.exit_code == 2
    assert "pip install -r requirements/spark.txt" in run.stderr


@pytest.mark.parametrize("given", [("--engine", "spark", "--workers", "2"), ("--master", "spark://head:7077")])
def test_an_option_of_the_other_engine_is_refused(tmp_path: Path, given: tuple[str, ...]) -> None:
    run = CliRunner().invoke(main, ["screen", "fhir_fixtures/population", "--out", str(tmp_path / "out"), *given])
    assert run.exit_code == 2
    assert " is for --engine " in run.stderr


def test_a_master_that_is_none_is_refused_before_spark_starts(tmp_path: Path) -> None:
    run = CliRunner().invoke(
        main,
        ["screen", "fhir_fixtures/population", "--out", str(tmp_path / "out"), "--engine", "spark", "--master", "head"],
    )
    assert run.exit_code == 2
    assert "head is no master of Spark: spark://host:port, k8s://…, yarn or local[N]" in run.stderr


def test_no_secret_goes_to_a_worker() -> None:
    assert set(OF_SITE) <= set(Settings.model_fields)
    assert set(OF_SITE).isdisjoint(SECRETS)

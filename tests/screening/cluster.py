"""A cluster of Spark on this machine: one master and workers of a core each, every one a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "build" / "spark"
LACKING = f"{BUILT.relative_to(ROOT)} is not built: run tools/spark.sh"
PATIENCE = 120  # seconds

_HOST = "127.0.0.1"


def is_built() -> bool:
    """Whether a build came to its end."""
    return (BUILT / ".built-from").is_file()


@dataclass(slots=True)
class Process:
    """A process of the cluster and what it logs."""

    popen: subprocess.Popen[bytes]
    log: Path

    def says(self, pattern: str, times: int = 1) -> re.Match[str]:
        """Wait until its log holds the pattern so many times; the last of them."""
        until = time.monotonic() + PATIENCE
        while len(found := list(re.finditer(pattern, self.log.read_text(encoding="utf-8")))) < times:
            assert self.popen.poll() is None, self.log.read_text(encoding="utf-8")[-2000:]
            assert time.monotonic() < until, f"never said {pattern}: {self.log.read_text(encoding='utf-8')[-2000:]}"
            time.sleep(0.1)
        return found[-1]


@dataclass(slots=True)
class Cluster:
    """The running cluster; `url` is what `--master` names."""

    folder: Path
    processes: list[Process] = field(default_factory=list)
    url: str = ""

    def start_master(self) -> None:
        """Start the master on a port that is free."""
        master = self._start("master.Master", "--port", "0")
        self.url = master.says(r"Starting Spark master at (spark://\S+)")[1]

    def start_worker(self) -> Process:
        """Start a worker, and wait until the master knows it."""
        known = len(self.processes)
        worker = self._start("worker.Worker", "--cores", "1", "--memory", "1g", self.url)
        self.processes[0].says("Registering worker", times=known)
        return worker

    def _start(self, program: str, *options: str) -> Process:
        name = str(len(self.processes))
        command = [str(_home() / "bin/spark-class"), f"org.apache.spark.deploy.{program}"]
        command += ["--host", _HOST, "--webui-port", "0"]
        if program.startswith("worker"):
            command += ["--work-dir", str(self.folder / f"work-{name}")]
        log = self.folder / f"{name}.log"
        with log.open("wb") as file:
            popen = subprocess.Popen([*command, *options], stdout=file, stderr=file, env=_environment(self.folder))
        self.processes.append(Process(popen, log))
        return self.processes[-1]


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[Cluster]:
    """A cluster with so many workers, while the block runs; its logs and files lie in `folder`."""
    started = Cluster(folder)
    try:
        started.start_master()
        for _ in range(workers):
            started.start_worker()
        yield started
    finally:
        for process in started.processes:
            process.popen.kill()
            process.popen.wait()


def screening(
    source: Path, out: Path, *more: str, folder: Path | None = None, **settings: str
) -> subprocess.Popen[str]:
    """`reboundwatch screen` in the environment with Spark, begun in `folder`."""
    command = [str(BUILT / "bin/python"), "-m", "service", "screen", str(source), "--out", str(out), *more]
    return subprocess.Popen(
        [*command, "--as-of", "2026-03-01"],
        cwd=folder or ROOT,
        env=_environment(out.parent) | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def _home() -> Path:
    [home] = BUILT.glob("lib/python*/site-packages/pyspark")
    return home


def _environment(folder: Path) -> dict[str, str]:
    spark = {"SPARK_HOME": str(_home()), "SPARK_LOCAL_IP": _HOST, "SPARK_LOCAL_DIRS": str(folder / "spark")}
    return {name: value for name, value in os.environ.items() if not name.startswith("REBOUNDWATCH_")} | spark

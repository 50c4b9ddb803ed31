"""The programs of tests/servers/hapi as processes: each ends when its standard input is closed."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "build" / "hapi"
PATIENCE = 180  # seconds that a slow machine may take to start, or to answer
LACKING = f"{BUILT.relative_to(ROOT)} is not built: run tools/hapi.sh"

Json = dict[str, Any]


def is_built() -> bool:
    """Whether a build came to its end."""
    return (BUILT / ".built-from").is_file()


class NoAnswer(Exception):
    """A program ended, or said nothing for too long; the message has what it wrote last."""


@dataclass(frozen=True, slots=True)
class Program:
    """A running program: a line in, a line out."""

    process: subprocess.Popen[str]
    log: Path
    _lines: queue.Queue[str | None]

    def line(self) -> str:
        """The next line that it prints.

        Raises:
            NoAnswer: there is none.
        """
        try:
            found = self._lines.get(timeout=PATIENCE)
        except queue.Empty:
            found = None
        if found is None:
            raise NoAnswer(self.log.read_text(encoding="utf-8")[-2000:])
        return found

    def ask(self, question: str) -> str:
        """The line that it prints in answer to a line; raises like `line`."""
        assert self.process.stdin is not None
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        return self.line()


@contextmanager
def running(program: str, log: Path, *options: str) -> Iterator[Program]:
    """A program of org.reboundwatch.tests while the block runs; what it logs goes to a file."""
    classes = f"{BUILT}/servers.jar:{BUILT}/lib/*"
    command = ["java", "-XX:+UseSerialGC", *options, "-cp", classes, f"org.reboundwatch.tests.{program}"]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8"
        )
    assert process.stdin is not None
    assert process.stdout is not None
    lines: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(target=_pass_on, args=(process.stdout, lines))
    reader.start()
    try:
        yield Program(process, log, lines)
    finally:
        process.stdin.close()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join()
        process.stdout.close()


def _pass_on(output: IO[str], lines: queue.Queue[str | None]) -> None:
    for line in output:
        lines.put(line.rstrip("\n"))
    lines.put(None)


@dataclass(frozen=True, slots=True)
class Validator:
    """HL7's validator, offline."""

    program: Program

    def errors(self, resources: Sequence[Json], version: str) -> list[str]:
        """What it finds wrong, each with its place: "Patient.gender: Unknown code"."""
        found = []
        for resource in resources:
            issues = json.loads(self.program.ask(json.dumps({"version": version, "resource": resource})))
            found += [f"{issue['severity']} {issue['place']}: {issue['message']}" for issue in issues]
        return found

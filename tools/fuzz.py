"""Mutated hook requests through the whole application in process: no crash, no hang, no other status than it may have.

Run `python -m tools.fuzz [--calls 100000] [--seed 1] [--processes 2]`; `--case N` repeats one call of a seed and shows
its body. Exit status 1 when a call ended otherwise than with 200, 400 or 412, or when an answer breaks the rules of the
specification. A case is spoilt by its own number, so that what is found can be found again.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import logging
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import FrameType

from flask.testing import FlaskClient
from pydantic import SecretStr

from service.app import create_app
from service.settings import Settings
from tests.contract.sentences import broken_in_answer
from tools.mutations import KINDS, mutated

ROOT = Path(__file__).parents[1]
REQUESTS = ROOT / "fhir_fixtures/hooks"
ALLOWED = (200, 400, 412)
LIMIT_S = 5.0
"""Longest that one call may take, in seconds of the clock; an answer takes some 5 ms."""
_REPORT_EVERY_S = 10.0
_SHOWN = 40
_BATCH = 100


class Hang(BaseException):
    """A call took longer than the limit; no exception handler of the application may catch this."""


@dataclass(slots=True)
class Tally:
    """What came of the calls: how many by kind and status, the slowest by kind in ms, and what must not be."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    slowest: dict[str, float] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    def add(self, kind: str, status: int, took_ms: float) -> None:
        """Count one call."""
        self.statuses[kind, status] += 1
        self.slowest[kind] = max(took_ms, self.slowest.get(kind, 0.0))

    def merge(self, other: Tally) -> None:
        """Take over what another process counted."""
        self.statuses += other.statuses
        self.findings += other.findings
        for kind, took in other.slowest.items():
            self.slowest[kind] = max(took, self.slowest.get(kind, 0.0))

    def clear(self) -> None:
        """Forget everything."""
        self.statuses, self.slowest, self.findings = Counter(), {}, []

    @property
    def calls(self) -> int:
        """How many calls were made."""
        return self.statuses.total()

    def table(self) -> str:
        """The calls by kind of mutation and status."""
        seen = sorted({status for _, status in self.statuses} | set(ALLOWED))
        lines = [f"{'mutation':22}" + "".join(f"{status:>9}" for status in seen) + f"{'slowest':>12}"]
        for kind in KINDS:
            counts = "".join(f"{self.statuses[kind, status]:>9}" for status in seen)
            lines.append(f"{kind:22}{counts}{self.slowest.get(kind, 0.0):>9.0f} ms")
        sums = "".join(f"{sum(self.statuses[kind, status] for kind in KINDS):>9}" for status in seen)
        return "\n".join([*lines, f"{'all':22}{sums}{max(self.slowest.values(), default=0.0):>9.0f} ms"])


@cache
def originals() -> tuple[tuple[str, str], ...]:
    """The requests that are spoilt, each with the hook whose service it is sent to."""
    files = sorted(REQUESTS.glob("*/*.json"))
    return tuple((file.parent.name, file.read_text(encoding="utf-8")) for file in files)


def case(seed: int, number: int) -> tuple[str, str, bytes]:
    """The hook, the kind of mutation and the body of one case."""
    rng = random.Random(f"{seed}/{number}")
    hook, text = rng.choice(originals())
    kind, body = mutated(json.loads(text), rng)
    return hook, kind, body


class _LastError(logging.Handler):
    """Keeps the kind and place of the last failure; the log of the service names no more than these."""

    said = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.said = record.getMessage()


def _too_long(_signal: int, _frame: FrameType | None) -> None:
    raise Hang


def run(seed: int, numbers: range, report: Callable[[int, Tally], None]) -> None:
    """Make the calls of these numbers in this process; before each, `report` gets its number and what is new."""
    log = _LastError()
    service = logging.getLogger("service")
    service.addHandler(log)
    service.propagate = False
    previous = signal.signal(signal.SIGALRM, _too_long)
    folder = tempfile.TemporaryDirectory()
    database = SecretStr(f"sqlite:///{folder.name}/fuzz.sqlite3")
    app = create_app(Settings(auth="off", allow_as_of=True, database_url=database))
    client, tally = app.test_client(), Tally()
    try:
        for number in numbers:
            report(number, tally)
            _call(client, seed, number, tally, log)
        report(numbers.stop, tally)
    finally:
        signal.signal(signal.SIGALRM, previous)
        app.extensions["memory"].close()
        folder.cleanup()
        service.removeHandler(log)
        service.propagate = True


def _call(client: FlaskClient, seed: int, number: int, tally: Tally, log: _LastError) -> None:
    hook, kind, body = case(seed, number)
    log.said = ""
    start = time.perf_counter()
    signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    try:
        response = client.post(f"/cds-services/denosumab-rebound-{hook}", data=body, content_type="application/json")
        status, answer = response.status_code, response.data
    except Hang:
        status, answer = 0, b""
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    tally.add(kind, status, (time.perf_counter() - start) * 1000)
    if status not in ALLOWED:
        tally.findings.append(f"case {number} ({kind}, {hook}): {status or 'a hang'} {log.said}")
    elif status == 200:
        tally.findings += [f"case {number} ({kind}, {hook}): {one}" for one in broken_in_answer(json.loads(answer))]


def _worker(seed: int, numbers: range, told: Connection) -> None:
    """The calls of one process; it ends itself when code in C, which no signal interrupts, does not come back."""

    def report(number: int, tally: Tally) -> None:
        faulthandler.cancel_dump_traceback_later()
        told.send((number, tally if tally.calls >= _BATCH or number == numbers.stop else None))
        if tally.calls >= _BATCH:
            tally.clear()
        faulthandler.dump_traceback_later(2 * LIMIT_S, exit=True)

    run(seed, numbers, report)
    faulthandler.cancel_dump_traceback_later()


@dataclass(slots=True)
class _Share:
    """The numbers that one process takes care of, and how far it has come; a process that dies is begun anew."""

    seed: int
    numbers: range
    next: int = field(init=False)
    listening: Connection = field(init=False)
    process: SpawnProcess = field(init=False)

    def __post_init__(self) -> None:
        self.next = self.numbers.start
        self._begin()

    def _begin(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.listening, told = context.Pipe(duplex=False)
        rest = range(self.next, self.numbers.stop, self.numbers.step)
        self.process = context.Process(target=_worker, args=(self.seed, rest, told), daemon=True)
        self.process.start()
        told.close()

    @property
    def done(self) -> bool:
        """Whether every number was called."""
        return self.next >= self.numbers.stop

    def listen(self, tally: Tally) -> None:
        """Take what the process says, for a moment at most; its end before its last call is a finding."""
        try:
            end = time.monotonic() + 0.2
            while time.monotonic() < end and self.listening.poll(0.05):
                self.next, news = self.listening.recv()
                if news is not None:
                    tally.merge(news)
        except EOFError:
            self.process.join()
            if not self.done:
                tally.findings.append(f"case {self.next}: ended the process ({self.process.exitcode})")
                self.next += self.numbers.step
                self._begin()


def fuzz(calls: int, seed: int, processes: int) -> Tally:
    """All calls, on several processes, with a line of progress every few seconds."""
    tally, start = Tally(), time.monotonic()
    shares = [_Share(seed, range(first, calls, processes)) for first in range(processes)]
    said = start
    while not all(share.done for share in shares):
        for share in shares:
            if not share.done:
                share.listen(tally)
        if time.monotonic() - said > _REPORT_EVERY_S:
            said = time.monotonic()
            rate = tally.calls / (said - start)
            print(f"{tally.calls:>8} calls, {rate:.0f} a second, {len(tally.findings)} findings", flush=True)
    for share in shares:
        share.process.join()
    return tally


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz", description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--case", type=int, help="repeat this one call and show its body")
    chosen = parser.parse_args()
    if chosen.case is not None:
        sys.stdout.buffer.write(case(chosen.seed, chosen.case)[2] + b"\n")
        one = Tally()
        run(chosen.seed, range(chosen.case, chosen.case + 1), lambda _number, tally: one.merge(tally))
        print(one.table(), *one.findings, sep="\n")
        return bool(one.findings)
    tally = fuzz(chosen.calls, chosen.seed, chosen.processes)
    print(tally.table())
    for finding in tally.findings[:_SHOWN]:
        print(finding)
    print(f"{tally.calls} calls of seed {chosen.seed}, {len(tally.findings)} findings")
    return bool(tally.findings)


if __name__ == "__main__":
    sys.exit(main())

"""Whether the service keeps well: mixed hooks at 70 % of what it carries; its errors, its memory, its slowest calls.

Calls begin on a schedule, whether or not the one before is answered, and are timed from when they were due. The
memory of each worker is compared with its own after it has warmed up. Each tenth of the time has a line of its own: a
service that grows slow over time takes more CPU a call from line to line, a machine that others use takes its
processors away. Run `python -m benchmarks.soak [minutes]`; it exits with 1 when a call failed, a worker grew by 5 % or
more, or one call in a hundred took longer than a second.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from benchmarks.charts import request
from benchmarks.load import SERVICE, measure
from benchmarks.serving import Asked, Caller, Served, quantile, serving

MINUTES = 30.0
LOAD = 0.7
CALLERS = 16
MOST_GROWTH = 0.05
MOST_P99_S = 1.0
_CAPACITY_S = 10.0
_STRETCHES = 6
"""What it carries is the least of so many measurements: a machine that others use is not always as fast."""
_TENTHS = 10
_SAMPLE_S = 2.0
_FEWEST_SAMPLES = 12
CORES = os.cpu_count() or 1
_HOOKS = Path("fhir_fixtures/hooks")


def mixed() -> list[Asked]:
    """The hook requests of the fixtures, and among them charts of 10 and 400 resources."""
    bodies = [path.read_bytes() for path in sorted(_HOOKS.rglob("*.json"))]
    asked = [Asked(f"denosumab-rebound-{json.loads(body)['hook']}", body) for body in bodies]
    return [*asked, *(Asked(SERVICE, request(resources)) for resources in (10, 400))]


@dataclass(frozen=True, slots=True)
class Call:
    """When it was due (seconds of `time.perf_counter`), how long after that it was answered (s), with which status."""

    due: float
    spent: float
    status: int


@dataclass(frozen=True, slots=True)
class Sample:
    """What the workers have used and what the host has taken by a moment of `time.perf_counter`, in ms."""

    at: float
    cpu_ms: float
    stolen_ms: float


def keep_calling(served: Served, asked: list[Asked], rate: float, seconds: float) -> list[Call]:
    """Calls at `rate` a second, in the order in which they were answered."""
    due: queue.Queue[tuple[float, Asked] | None] = queue.Queue()
    found: list[Call] = []

    def calls() -> None:
        caller = Caller(served.port)
        while (one := due.get()) is not None:
            status = caller.call(one[1])
            found.append(Call(one[0], time.perf_counter() - one[0], status))
        caller.close()

    threads = [threading.Thread(target=calls) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    for number in range(int(rate * seconds)):
        moment = began + number / rate
        time.sleep(max(0.0, moment - time.perf_counter()))
        due.put((moment, asked[number % len(asked)]))
    for _ in threads:
        due.put(None)
    for thread in threads:
        thread.join()
    return found


class Watch:
    """Samples of the workers and of the machine, taken beside the calls."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._samples: dict[int, list[tuple[float, int]]] = {}
        self.samples = [self._sample()]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(_SAMPLE_S):
            for pid, kilobytes in self._served.resident_kb().items():
                self._samples.setdefault(pid, []).append((time.monotonic(), kilobytes))
            self.samples.append(self._sample())

    def _sample(self) -> Sample:
        return Sample(time.perf_counter(), self._served.cpu_ms(), stolen_ms())

    def growth(self, warm_up: float) -> list[tuple[int, float, float]]:
        """Of each worker: its pid, MB at the end, and its growth since `warm_up` seconds after it was first seen.

        The first and the last quarter of the samples are compared; workers that were seen too shortly are left out.
        """
        self._over.set()
        self._thread.join()
        found = []
        for pid, samples in self._samples.items():
            warm = [kilobytes for moment, kilobytes in samples if moment >= samples[0][0] + warm_up]
            if len(warm) >= _FEWEST_SAMPLES:
                quarter = len(warm) // 4
                first, last = mean(warm[:quarter]), mean(warm[-quarter:])
                found.append((pid, last / 1000, last / first - 1))
        return found


def stolen_ms() -> float:
    """Time that the processors wanted to run and the host ran something else ("steal"), of all of them, in ms."""
    fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    return int(fields[8]) * 1000 / os.sysconf("SC_CLK_TCK")


def tenths(calls: Sequence[Call], samples: Sequence[Sample]) -> list[str]:
    """A table: of each tenth of the time, the calls that were due, their slowest, and what the machine gave."""
    first, last = min(call.due for call in calls), max(call.due for call in calls)
    width = (last - first) / _TENTHS
    rows = [f"{'minutes':>11} {'calls':>7} {'p50 ms':>7} {'p99 ms':>8} {'CPU ms a call':>14} {'stolen':>10}"]
    for number in range(_TENTHS):
        begin, end = first + number * width, first + (number + 1) * width
        spent = sorted(call.spent for call in calls if begin <= call.due < end or (call.due == last == end))
        within = [sample for sample in samples if begin <= sample.at < end]
        if not spent or len(within) < 2:
            continue
        used = (within[-1].cpu_ms - within[0].cpu_ms) / (within[-1].at - within[0].at) * width / len(spent)
        stolen = (within[-1].stolen_ms - within[0].stolen_ms) / (within[-1].at - within[0].at) / 10 / CORES
        minutes = f"{number * width / 60:.1f}-{(number + 1) * width / 60:.1f}"
        p50, p99 = (quantile(spent, share) * 1000 for share in (0.50, 0.99))
        rows.append(f"{minutes:>11} {len(spent):>7} {p50:>7.1f} {p99:>8.1f} {used:>14.2f} {stolen:>8.1f} %")
    return rows


def verdict(statuses: Counter[int], times: list[float], grown: Iterable[float]) -> list[str]:
    """What was not as it must be."""
    failures = {status: number for status, number in statuses.items() if status != 200}
    said = [f"status {status or 'none'}: {number} calls" for status, number in sorted(failures.items())]
    growths = list(grown)
    if not growths:
        said.append("no worker lived long enough to judge its memory")
    said += [f"a worker grew by {100 * one:.1f} %" for one in growths if one >= MOST_GROWTH]
    if quantile(times, 0.99) > MOST_P99_S:
        said.append(f"p99 is {quantile(times, 0.99):.2f} s")
    return said


def main() -> int:
    """Measure the capacity, keep at 70 % of it, and judge."""
    seconds = 60 * (float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES)
    workers = max(2, len(os.sched_getaffinity(0)))
    asked = mixed()
    with serving("service.wsgi:app", workers) as served:
        capacity = min(measure(served, asked, 8, _CAPACITY_S).rate for _ in range(_STRETCHES))
        print(f"capacity {capacity:.0f} calls a second with {workers} workers; {seconds / 60:g} minutes at {LOAD:.0%}")
        watch = Watch(served)
        calls = keep_calling(served, asked, LOAD * capacity, seconds)
        grown = watch.growth(min(300.0, seconds / 3))
    print("\n".join(tenths(calls, watch.samples)))
    times, statuses = sorted(call.spent for call in calls), Counter(call.status for call in calls)
    p50, p95, p99 = (quantile(times, share) * 1000 for share in (0.50, 0.95, 0.99))
    print(f"{len(times)} calls, statuses {dict(statuses)}, p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms")
    for pid, megabytes, growth in grown:
        print(f"worker {pid}: {megabytes:.0f} MB, {100 * growth:+.1f} % since it was warm")
    said = verdict(statuses, times, (growth for _, _, growth in grown))
    print("\n".join(said) if said else "kept well")
    return 1 if said else 0


if __name__ == "__main__":
    raise SystemExit(main())

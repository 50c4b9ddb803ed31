"""What the service carries: calls a second and the time of each, for few and many callers, small and large charts.

Beside it a no-op that only parses the same bytes, behind the same gunicorn. The callers run on the same machine and
take their share of it, so that the numbers are a floor. Run `python -m benchmarks.load [seconds a measurement]`; it
prints the table of docs/operations.md and exits with 1 when a call was not answered with 200.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass

from benchmarks.charts import request
from benchmarks.serving import Asked, Caller, Served, quantile, serving

CALLERS = (1, 8, 32)
RESOURCES = (10, 400)
SECONDS = 5.0
MOST_CALLS = 50_000
"""A measurement ends after so many calls, if they come before its time is over."""

SERVICE = "denosumab-rebound-patient-view"
APPLICATIONS = {"ReboundWatch": "service.wsgi:app", "no-op": "benchmarks.no_op:app"}
_WARM_UP_S = 1.0


@dataclass(frozen=True, slots=True)
class Measured:
    """Calls a second, quantiles in ms, CPU of the workers a call in ms, and how often which status came."""

    rate: float
    p50: float
    p95: float
    p99: float
    cpu: float
    statuses: Counter[int]


def measure(served: Served, asked: list[Asked], callers: int, seconds: float) -> Measured:
    """So many callers call one after the other, each as soon as it is answered."""
    _round(served.port, asked, callers, _WARM_UP_S)
    before, began = served.cpu_ms(), time.perf_counter()
    times, statuses = _round(served.port, asked, callers, seconds)
    spent, cpu = time.perf_counter() - began, served.cpu_ms() - before
    times.sort()
    p50, p95, p99 = (quantile(times, share) * 1000 for share in (0.50, 0.95, 0.99))
    return Measured(len(times) / spent, p50, p95, p99, cpu / len(times), statuses)


def _round(port: int, asked: list[Asked], callers: int, seconds: float) -> tuple[list[float], Counter[int]]:
    """The time of each call in seconds, and the statuses."""
    until = time.perf_counter() + seconds
    found: list[list[tuple[float, int]]] = [[] for _ in range(callers)]

    def calls(place: int) -> None:
        caller = Caller(port)
        for number in range(MOST_CALLS // callers):
            start = time.perf_counter()
            if start >= until:
                break
            status = caller.call(asked[(place + number) % len(asked)])
            found[place].append((time.perf_counter() - start, status))
        caller.close()

    threads = [threading.Thread(target=calls, args=(place,)) for place in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    every = [one for mine in found for one in mine]
    return [spent for spent, _ in every], Counter(status for _, status in every)


def main() -> int:
    """Measure all and print the table."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    workers = max(2, len(os.sched_getaffinity(0)))
    failed = 0
    print(f"{workers} workers, {len(os.sched_getaffinity(0))} processors, callers included; {seconds:g} s each\n")
    print("| application | resources | callers | calls a second | p50 ms | p95 ms | p99 ms | CPU ms a call |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name, application in APPLICATIONS.items():
        with serving(application, workers) as served:
            for resources in RESOURCES:
                asked = [Asked(SERVICE, request(resources))]
                for callers in CALLERS:
                    one = measure(served, asked, callers, seconds)
                    times = f"{one.p50:.1f} | {one.p95:.1f} | {one.p99:.1f} | {one.cpu:.2f}"
                    print(f"| {name} | {resources} | {callers} | {one.rate:.0f} | {times} |", flush=True)
                    failed += sum(number for status, number in one.statuses.items() if status != 200)
    if failed:
        print(f"\n{failed} calls were not answered with 200")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())

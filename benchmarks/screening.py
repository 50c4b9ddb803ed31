"""What the screening of a population costs: CPU a patient against `assess` over the same export, and its memory.

Two exports are written, one four times as large as the other, of people made by rule as for the alert burden. The
smaller is also read by `assess`, which keeps all of it in memory and works with one process. Run
`python -m benchmarks.screening [copies]` (of 2,300 people each, 1 by default); it exits with 1 when a patient costs
more than 1.5 times the CPU of `assess`, or the larger export takes more than 1.25 times the memory of the smaller.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from subprocess import DEVNULL, run
from time import perf_counter
from typing import IO

from benchmarks.alert_burden import AS_OF, GROUPS, SEED, people

MOST_CPU = 1.5
MOST_MEMORY = 1.25
_LARGER = 4


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one command: CPU and elapsed seconds of all its processes together, and MB of its largest process."""

    cpu: float
    elapsed: float
    megabytes: float


def write_population(folder: Path, copies: int) -> int:
    """An export of so many times the population; how many patients are in it."""
    folder.mkdir()
    patients = 0
    with ExitStack() as stack:
        files: dict[str, IO[str]] = {}
        for copy in range(copies):
            for group, (size, draw) in GROUPS.items():
                for one in people(group, size, draw, f"{SEED} {copy}"):
                    patients += 1
                    for made in one.resources:
                        kind = made["resourceType"]
                        if kind not in files:
                            path = folder / f"{kind}.ndjson"
                            files[kind] = stack.enter_context(path.open("w", encoding="utf-8"))
                        files[kind].write(json.dumps(made) + "\n")
    return patients


def cost(arguments: Sequence[str]) -> Cost:
    """What `reboundwatch` with these arguments takes; measured in a process of its own, whose only child it is."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_cost, (list(arguments),))


def _cost(arguments: list[str]) -> Cost:
    begun = perf_counter()
    run([sys.executable, "-m", "service", *arguments, "--as-of", AS_OF.isoformat()], stdout=DEVNULL, check=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(used.ru_utime + used.ru_stime, perf_counter() - begun, used.ru_maxrss / 1000)


def main() -> int:
    """Screen and assess, and print what it takes."""
    copies = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        smaller, larger = folder / "smaller", folder / "larger"
        number = write_population(smaller, copies)
        write_population(larger, _LARGER * copies)
        assessed = cost(["assess", str(smaller), "--format", "json"])
        screened = cost(["screen", str(smaller), "--out", str(folder / "out")])
        of_more = cost(["screen", str(larger), "--out", str(folder / "out-of-larger")])
    print(f"{'':>8} {'patients':>9} {'CPU ms a patient':>17} {'patients a second':>18} {'MB of a process':>16}")
    for said, one, patients in (
        ("assess", assessed, number),
        ("screen", screened, number),
        ("screen", of_more, _LARGER * number),
    ):
        print(
            f"{said:>8} {patients:>9} {1000 * one.cpu / patients:>17.2f} {patients / one.elapsed:>18.0f} "
            f"{one.megabytes:>16.0f}"
        )
    dearer = of_more.cpu / _LARGER / assessed.cpu
    grown = of_more.megabytes / screened.megabytes
    print(f"{os.cpu_count()} processors; CPU {dearer:.2f} times that of assess (limit {MOST_CPU}); ", end="")
    print(f"memory {grown:.2f} times for {_LARGER} times the patients (limit {MOST_MEMORY})")
    return 1 if dearer > MOST_CPU or grown > MOST_MEMORY else 0


if __name__ == "__main__":
    sys.exit(main())

"""Does the engine keep memory? 50,000 evaluations must grow the process by less than 5 MB.

Run `python -m benchmarks.engine_memory [evaluations]`; it exits with 1 when the limit is passed.
"""

from __future__ import annotations

import gc
import os
import random
import sys
from pathlib import Path

from rules.reasoning.reasoner import Reasoner
from tests.property.programs import program, random_facts

LIMIT_MB = 5.0
WARM_UP = 2_000


def resident_mb() -> float:
    """Resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> int:
    """Warm up, measure, evaluate, measure again."""
    evaluations = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    reasoner = Reasoner(program())
    source = random.Random(3)
    records = [random_facts(source) for _ in range(500)]
    for number in range(WARM_UP):
        reasoner.run(records[number % len(records)])
    gc.collect()
    before = resident_mb()
    for number in range(evaluations):
        reasoner.run(records[number % len(records)])
    gc.collect()
    grown = resident_mb() - before
    print(f"{evaluations} evaluations grew the process by {grown:.2f} MB (limit {LIMIT_MB} MB)")
    return 0 if grown < LIMIT_MB else 1


if __name__ == "__main__":
    raise SystemExit(main())

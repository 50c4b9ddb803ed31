"""Does the engine keep memory? 50,000 evaluations, every tenth void, must grow the process by less than 5 MB.

Run `python -m benchmarks.engine_memory [evaluations]`; it exits with 1 when the limit is passed.
"""

from __future__ import annotations

import contextlib
import gc
import os
import random
import sys
from pathlib import Path

from rules.reasoning.errors import RuleFailed
from rules.reasoning.reasoner import Reasoner
from rules.reasoning.rule import Program
from tests.property.programs import LIMITS, Course, broken, program, random_facts

LIMIT_MB = 5.0
WARM_UP = 2_000
THREE_DOSES = [Course(number=0, doses=3, last_day=1, product="60mg", stopped=False)]


def resident_mb() -> float:
    """Resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def evaluations(number: int) -> None:
    """Judge so many records; a rule fails on every tenth, and the engine is thrown away and built anew."""
    good, bad = Reasoner(program()), Reasoner(Program([broken], LIMITS))
    source = random.Random(3)
    records = [random_facts(source) for _ in range(500)]
    for one in range(number):
        if one % 10:
            good.run(records[one % len(records)])
        else:
            with contextlib.suppress(RuleFailed):
                bad.run(THREE_DOSES)


def main() -> int:
    """Warm up, measure, evaluate, measure again."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    evaluations(WARM_UP)
    gc.collect()
    before = resident_mb()
    evaluations(number)
    gc.collect()
    grown = resident_mb() - before
    print(f"{number} evaluations grew the process by {grown:.2f} MB (limit {LIMIT_MB} MB)")
    return 0 if grown < LIMIT_MB else 1


if __name__ == "__main__":
    raise SystemExit(main())

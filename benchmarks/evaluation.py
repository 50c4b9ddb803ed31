"""Where the time of one evaluation goes, on the richest record of the fixtures and on two charts.

The engine must take less than a loop of plain Python that takes 5 ms on a quiet core like that of our CI: the loop is
timed in the same run, so that a slow machine slows both. Run `python -m benchmarks.evaluation [turns]`; it
exits with 1 when the engine takes longer.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import rules.evaluation
import rules.reasoning.reasoner
from benchmarks.charts import AS_OF, request
from rules.knowledge_base import load_knowledge
from rules.reasoning.engine import Session
from service.assessing import Assessor
from service.cds_hooks.cards import CardMaker
from service.cds_hooks.requests import read_request
from service.fhir.reader import RecordReader
from service.record_files import Record, RecordFile
from service.submission import Submission, requested, submitted

FIXTURES = Path("fhir_fixtures/patients")
REFERENCE_STEPS = 66_000
"""Steps of the loop that take 5 ms on a quiet core."""


class Stopwatch:
    """CPU time spent in named functions, in ms; a function that is timed must not call another of them."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)

    def watch(self, stage: str, owner: Any, name: str) -> None:
        """Time every call of a function or method from now on."""
        function: Callable[..., Any] = getattr(owner, name)

        def timed(*arguments: Any, **named: Any) -> Any:
            begun = process_time()
            try:
                return function(*arguments, **named)
            finally:
                self.spent[stage] += (process_time() - begun) * 1000

        setattr(owner, name, timed)


def reference_ms() -> float:
    """How long the loop of plain Python takes now."""
    begun = process_time()
    code = 0
    for step in range(REFERENCE_STEPS):
        code = (code ^ step) * 16777619 & 0xFFFFFFFF
    return (process_time() - begun) * 1000


def richest(assessor: Assessor) -> Path:
    """The fixture with the most facts."""
    return max(
        sorted(FIXTURES.glob("*/r4.json")),
        key=lambda path: len(assessor.evaluate(on_file(path.read_bytes()), AS_OF).trace.facts),
    )


def on_file(data: bytes) -> Submission:
    """The submission of a record on file."""
    found = submitted(Record("record", (RecordFile("r4.json", data),)), None)
    assert isinstance(found, Submission), found
    return found


def decoded(data: bytes) -> Submission:
    """The submission of a hook call."""
    return requested(read_request(data), "the request")


def measured(answer: Callable[[], int], watch: Stopwatch, turns: int) -> dict[str, float]:
    """The median of each stage in ms, and of the reference loop."""
    stages: dict[str, list[float]] = defaultdict(list)
    for _ in range(turns):
        watch.spent.clear()
        begun = process_time()
        answer()
        total = (process_time() - begun) * 1000
        rest = total - sum(watch.spent.values())
        for stage, spent in {**watch.spent, "rest": rest, "all": total, "reference loop": reference_ms()}.items():
            stages[stage].append(spent)
    return {stage: median(spent) for stage, spent in stages.items()}


def main() -> int:
    """Evaluate in turns and print what each stage takes."""
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    knowledge = load_knowledge()
    assessor, maker = Assessor(knowledge, verify=True), CardMaker(knowledge)
    fixture = richest(assessor)
    watch = Stopwatch()
    watch.watch("read", RecordReader, "read")
    watch.watch("facts", rules.evaluation, "derive")
    watch.watch("second opinion", rules.reasoning.reasoner, "matches")
    for name in ("__enter__", "add", "match", "__exit__"):
        watch.watch("engine", Session, name)
    watch.watch("cards", CardMaker, "cards")

    watch.watch("decode", sys.modules[__name__], "decoded")

    def answer(make: Callable[[bytes], Submission], data: bytes) -> int:
        submission = make(data)
        return len(maker.cards(assessor.evaluate(submission, submission.as_of or AS_OF)))

    columns = {"richest": measured(lambda: answer(on_file, fixture.read_bytes()), watch, turns)}
    for resources in (10, 400):
        call = partial(answer, lambda data: decoded(data), request(resources))
        columns[f"chart of {resources}"] = measured(call, watch, turns)
    print(f"richest: {fixture.parent.name}; {len(knowledge.program.rules)} rules; medians of {turns} turns in ms")
    print(f"{'':>14} " + " ".join(f"{name:>12}" for name in columns))
    for stage in ("decode", "read", "facts", "engine", "second opinion", "cards", "rest", "all", "reference loop"):
        print(f"{stage:>14} " + " ".join(f"{column.get(stage, 0):>12.2f}" for column in columns.values()))
    ratio = max(column["engine"] / column["reference loop"] for column in columns.values())
    print(f"the engine takes at most {ratio:.2f} times the reference loop (limit 1: the 5 ms of a quiet core)")
    return 0 if ratio < 1 else 1


if __name__ == "__main__":
    raise SystemExit(main())

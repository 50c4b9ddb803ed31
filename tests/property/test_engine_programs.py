"""Whatever the rules are, durable_rules and the second opinion find the same matches, in any order of the facts."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from rules.reasoning.fact import Fact
from rules.reasoning.reasoner import Reasoner, Trace
from rules.reasoning.rule import Phase
from tests.property.random_programs import random_program

PROGRAMS = 200
RECORDS = 4


def conclusions(trace: Trace) -> list[tuple[str, list[tuple[str, str]]]]:
    return sorted((firing.rule, sorted((a, str(f)) for a, f in firing.facts.items())) for firing in trace.firings)


@pytest.mark.parametrize("block", range(4))
def test_random_programs_are_judged_alike_by_both_engines_in_any_order(block: int) -> None:
    fired: Counter[str] = Counter()
    for seed in range(block * PROGRAMS, (block + 1) * PROGRAMS):
        source = random.Random(seed)
        made = random_program(source)
        reasoner = Reasoner(made.program, verify=True)
        for _ in range(RECORDS):
            facts = made.facts(source)
            found = judged(reasoner, facts, seed)
            fired.update(rule.split("-")[0] for rule, _ in found)
            source.shuffle(facts)
            assert judged(reasoner, facts, seed) == found, f"the order of the facts matters in program {seed}"
    assert set(fired) == {phase.name for phase in Phase}
    assert min(fired.values()) > PROGRAMS


def judged(reasoner: Reasoner, facts: list[Fact], seed: int) -> list[tuple[str, list[tuple[str, str]]]]:
    try:
        return conclusions(reasoner.run(facts))
    except Exception as error:
        error.add_note(f"program {seed}: {facts}")
        raise

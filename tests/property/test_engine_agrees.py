"""durable_rules and the plain-Python second opinion draw the same conclusions, whatever the facts and their order."""

from __future__ import annotations

import os
import random
import threading

import pytest

from rules.reasoning.conditions import each
from rules.reasoning.errors import RuleFailed
from rules.reasoning.fact import Fact
from rules.reasoning.reasoner import Reasoner, Trace
from rules.reasoning.rule import Phase, Program, rule
from tests.property.programs import LIMITS, Course, FractureClass, broken, calm, course, program, random_facts


def conclusions(trace: Trace) -> list[tuple[str, tuple[str, ...]]]:
    return sorted((firing.rule, tuple(sorted(map(str, firing.facts.values())))) for firing in trace.firings)


def test_twenty_thousand_random_records_are_judged_alike_by_both_engines() -> None:
    reasoner = Reasoner(program(), verify=True)
    source = random.Random(20231212)
    fired = sum(len(reasoner.run(random_facts(source)).firings) for _ in range(20_000))
    assert fired > 20_000


def test_the_order_of_the_facts_changes_nothing() -> None:
    reasoner = Reasoner(program())
    source = random.Random(7)
    for _ in range(500):
        facts = random_facts(source)
        expected = conclusions(reasoner.run(facts))
        source.shuffle(facts)
        assert conclusions(reasoner.run(facts)) == expected


def test_nothing_of_one_patient_reaches_the_next() -> None:
    source = random.Random(8)
    records = [random_facts(source) for _ in range(300)]
    alone = [conclusions(Reasoner(program(), verify=False).run(record)) for record in records[:40]]
    shared = Reasoner(program(), verify=False)
    together = [conclusions(shared.run(record)) for record in records]
    assert together[:40] == alone
    assert [conclusions(shared.run(record)) for record in records] == together


def test_eight_threads_on_one_engine_see_only_their_own_patient() -> None:
    source = random.Random(9)
    records = [random_facts(source) for _ in range(400)]
    reasoner = Reasoner(program(), verify=False)
    expected = [conclusions(reasoner.run(record)) for record in records]
    wrong: list[int] = []

    def work(start: int) -> None:
        for number in range(start, len(records), 8):
            if conclusions(reasoner.run(records[number])) != expected[number]:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_rule_that_fails_is_an_error_and_the_next_patient_is_judged_as_before() -> None:
    reasoner = Reasoner(Program([calm, broken], LIMITS))
    good: list[Fact] = [Course(number=0, doses=1, last_day=1, product="60mg", stopped=False)]
    bad: list[Fact] = [Course(number=0, doses=3, last_day=1, product="60mg", stopped=False)]
    before = conclusions(reasoner.run(good))
    for _ in range(20):
        with pytest.raises(RuleFailed, match="BROKEN"):
            reasoner.run(bad)
        assert conclusions(reasoner.run(good)) == before


def test_a_rule_that_fails_early_is_not_taken_for_one_that_finds_nothing() -> None:
    @rule("EARLY", phase=Phase.RECOGNISE, when=[each(course)], emits=FractureClass)
    def early(course: Course) -> FractureClass:
        """A rule with a mistake in it."""
        raise KeyError(course.doses)

    one: list[Fact] = [Course(number=0, doses=1, last_day=1, product="60mg", stopped=False)]
    with pytest.raises(RuleFailed, match="EARLY failed: KeyError"):
        Reasoner(Program([early, calm], LIMITS)).run(one)


def test_a_forked_worker_judges_as_its_parent_did() -> None:
    source = random.Random(10)
    records = [random_facts(source) for _ in range(50)]
    reasoner = Reasoner(program())
    expected = [conclusions(reasoner.run(record)) for record in records]
    child = os.fork()
    if child == 0:
        same = [conclusions(reasoner.run(record)) for record in records] == expected
        os._exit(0 if same else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [conclusions(reasoner.run(record)) for record in records] == expected


def test_a_patient_without_any_fact_is_judged_too() -> None:
    assert Reasoner(program()).run([]).firings == ()

"""The engine stays inside the lines where durable_rules was found right, and leaves nothing behind after an error."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from rules.knowledge_base import load_knowledge
from rules.reasoning.conclusions import Advice, Indicator
from rules.reasoning.conditions import each
from rules.reasoning.engine import MAX_MATCHES, Engine
from rules.reasoning.engine_names import Names, fnv1a
from rules.reasoning.errors import EngineFailed, EnginesDisagree
from rules.reasoning.fact import Fact
from rules.reasoning.oracle import Match
from rules.reasoning.reasoner import Reasoner
from rules.reasoning.rule import Phase, Program, rule
from tests.property.programs import LIMITS, Course, calm, course, program

OPERATORS = {"$and", "$neq", "$lt", "$lte", "$gt", "$gte", "$add", "$l", "$r"}
SETTINGS = {"all", "dist"}
ENGINE_WORDS = OPERATORS | SETTINGS | {"any", "pri", "count", "cap", "id", "sid", "$s", "m", "$m", "$forward", "name"}


GOES_ON: list[Fact] = [Course(number=0, doses=1, last_day=1, product="60mg", stopped=False)]


def injections(number: int) -> list[Fact]:
    return [Course(number=one, doses=1, last_day=1, product="60mg", stopped=True) for one in range(number)]


@rule(
    "TRIPLES",
    phase=Phase.ADVISE,
    when=[each(Course.named("one")), each(Course.named("two")), each(Course.named("three"))],
)
def triples() -> Advice:
    """Any three courses, also one course three times."""
    return Advice(indicator=Indicator.INFO, summary="three")


def names_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name.removesuffix("$not")
            yield from names_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from names_in(inner)


@pytest.mark.parametrize("compiled", [program(), load_knowledge().program], ids=["test program", "knowledge base"])
def test_every_name_inside_the_engine_is_short_plain_and_told_apart_by_its_hash(compiled: Program) -> None:
    definition = json.loads(Engine(compiled)._definition)
    names = set(names_in(definition)) - OPERATORS - SETTINGS
    assert len(names) > 10
    assert [name for name in names if not re.fullmatch(r"n\d{1,5}", name)] == []
    assert [name for name in names if fnv1a(name) % 16 == 0] == []
    assert len({fnv1a(name) for name in names | ENGINE_WORDS}) == len(names | ENGINE_WORDS)


def test_names_are_hashed_as_the_engine_hashes_them() -> None:
    assert (fnv1a("id"), fnv1a("sid"), fnv1a("$and")) == (926444256, 3593476751, 3746487396)


def test_names_with_a_dangerous_hash_are_passed_over() -> None:
    names = Names()
    given = {names.of(f"meaning {number}") for number in range(2_000)}
    last = max(int(name[1:]) for name in given)
    passed_over = {f"n{number}" for number in range(last)} - given
    assert len(passed_over) > 100
    assert all(fnv1a(name) % 16 == 0 for name in passed_over)
    assert not any(fnv1a(name) % 16 == 0 for name in given)


def test_a_name_whose_hash_is_taken_is_passed_over() -> None:
    first = Names().of("anything")
    names = Names()
    names._hashes.add(fnv1a(first))
    assert names.of("anything") != first
    assert names.of("anything") == names.of("anything")


def test_the_ids_of_a_hundred_thousand_facts_of_one_patient_are_told_apart() -> None:
    ids = ["start", *(f"p{int(phase)}" for phase in Phase), *(f"f{number}" for number in range(100_000))]
    assert len({fnv1a(one) for one in ids}) == len(ids)


def test_rules_that_match_without_end_are_stopped_and_the_next_patient_is_judged() -> None:
    reasoner = Reasoner(Program([triples], LIMITS), verify=False)
    assert len(reasoner.run(injections(12)).firings) == 12**3 <= MAX_MATCHES
    with pytest.raises(EngineFailed, match=f"more than {MAX_MATCHES} matches"):
        reasoner.run(injections(13))
    assert len(reasoner.run(injections(12)).firings) == 12**3


def test_two_facts_that_the_engine_takes_for_one_are_an_error_and_the_next_patient_is_judged() -> None:
    engine = Engine(program())

    def assert_one_id_twice() -> None:
        with engine.session() as session:
            session.add(injections(1))
            session._count = 0
            session.add(injections(1))

    with pytest.raises(EngineFailed, match="did not take the facts"):
        assert_one_id_twice()
    with engine.session() as session:
        session.add(GOES_ON)
        assert session.match(Phase.ADVISE) == {Match("CALM", (0,))}


def test_after_an_error_the_engine_is_thrown_away_and_after_a_patient_it_is_kept() -> None:
    reasoner = Reasoner(Program([triples], LIMITS), verify=False)
    reasoner.run(injections(1))
    assert reasoner._engine._handle is not None
    with pytest.raises(EngineFailed):
        reasoner.run(injections(13))
    assert reasoner._engine._handle is None


def test_a_session_in_which_nothing_was_asserted_leaves_the_engine_whole() -> None:
    engine = Engine(program())
    for _ in range(3):
        with engine.session():
            pass
    with engine.session() as session:
        session.add(GOES_ON)
        assert session.match(Phase.ADVISE) == {Match("CALM", (0,))}


def test_rules_that_the_engine_does_not_take_are_an_error_by_name() -> None:
    engine = Engine(program())
    engine._definition = '{"n1": {"all": [{"n2": {"$nonsense": []}}]}}'
    with pytest.raises(EngineFailed, match="durable_rules"), engine.session():
        pass
    assert engine._lock.acquire(blocking=False), "the lock is free again"


def test_a_rule_that_fires_outside_its_phase_is_an_error() -> None:
    def assert_after_the_phase() -> None:
        with Engine(program()).session() as session:
            session.add([])
            session.match(Phase.ADVISE)
            session.add(GOES_ON)

    with pytest.raises(EngineFailed, match="outside its phase"):
        assert_after_the_phase()


@rule("CALM", phase=Phase.ADVISE, when=[each(course, course.doses == 3)])
def other_calm() -> Advice:
    """Another rule of the same name."""
    return Advice(indicator=Indicator.INFO, summary="another")


@pytest.mark.parametrize("engine_sees_more", [True, False])
def test_engines_that_disagree_void_the_evaluation_and_the_next_patient_is_judged(engine_sees_more: bool) -> None:
    sees, misses = Program([calm], LIMITS), Program([other_calm], LIMITS)
    reasoner = Reasoner(misses if engine_sees_more else sees)
    reasoner._engine = Engine(sees if engine_sees_more else misses)
    with pytest.raises(EnginesDisagree, match="the two engines disagree on CALM"):
        reasoner.run(GOES_ON)
    assert reasoner.run([]).firings == ()


def test_without_a_second_opinion_only_the_engine_is_asked() -> None:
    reasoner = Reasoner(Program([other_calm], LIMITS), verify=False)
    reasoner._engine = Engine(Program([calm], LIMITS))
    assert [firing.rule for firing in reasoner.run(GOES_ON).firings] == ["CALM"]


def test_a_worker_forked_while_another_thread_evaluates_is_not_held_up() -> None:
    reasoner = Reasoner(program())
    inside, done = threading.Event(), threading.Event()

    def evaluate() -> None:
        with reasoner._engine.session() as session:
            session.add(injections(1))
            inside.set()
            done.wait()

    thread = threading.Thread(target=evaluate)
    thread.start()
    inside.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # a child that waits for ever is ended, with another status
        os._exit(0 if len(reasoner.run(injections(1)).facts) == 1 else 1)
    done.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

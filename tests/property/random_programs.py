"""Random rules over random kinds of facts, inside what a program may hold, and random facts for them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rules.reasoning.conclusions import Advice, Indicator
from rules.reasoning.conditions import Condition, Pattern, each, fails, holds, limit, make_test
from rules.reasoning.fact import Fact, Field, Value
from rules.reasoning.rule import Phase, Program, Rule, Summary, rule

WORDS = ("60mg", "120mg", "unbekannt", "é")
VALUES: Mapping[type[Value], tuple[Value, ...]] = {
    int: (-2, -1, 0, 1, 2, 3, 20_000),
    float: (-0.5, 0.0, 0.1, 0.2, 0.30000000000000004, 0.3, 2.5, 1_000_000.25),
    str: WORDS,
    bool: (True, False),
}
"""Values on and around every constant and limit, so that equality and the edges of ranges are met often."""

LIMITS = {"one": 1.0, "two": 2.0, "none": 0.0}
ORDER = ("==", "!=", "<", "<=", ">", ">=")


@dataclass(frozen=True, slots=True)
class RandomProgram:
    """A program and the kinds of facts that it is given; the others are found by its rules."""

    program: Program
    given: tuple[type[Fact], ...]

    def facts(self, source: random.Random) -> list[Fact]:
        """Up to three facts of each kind, in any order."""
        found = [made(kind, source) for kind in self.given for _ in range(source.randrange(4))]
        source.shuffle(found)
        return found


def random_program(source: random.Random) -> RandomProgram:
    """Two to four given kinds, up to two found in each early phase, one by a summary, and up to twelve rules."""
    given = tuple(_kind(f"Given{number}", source) for number in range(source.randint(2, 4)))
    early = list(Phase)[:3]
    found = {phase: [_kind(f"Found{phase}{n}", source) for n in range(source.randrange(3))] for phase in early}
    summed = _kind("Summed", source)
    after = source.choice(early)
    rules: list[Rule] = []
    known: list[type[Fact]] = list(given)
    for phase in Phase:
        for number in range(source.randint(1, 3)):
            emits = source.choice(found[phase]) if found.get(phase) else None
            if emits is not None or phase is Phase.ADVISE:
                rules.append(_rule(f"{phase.name}-{number}", phase, given, known, emits, source))
        known += found.get(phase, [])
        if phase is after:
            known.append(summed)
    summary = Summary(_counting(summed, tuple(kind for kinds in found.values() for kind in kinds), source), (summed,))
    return RandomProgram(Program(rules, LIMITS, {after: summary}, given), given)


def made(kind: type[Fact], source: random.Random) -> Fact:
    """A fact with random values."""
    values: dict[str, Any] = {name: source.choice(VALUES[of]) for name, of in kind.schema.items()}
    return kind(**values)


def _kind(name: str, source: random.Random) -> type[Fact]:
    types = [source.choice(("int", "int", "float", "str", "bool")) for _ in range(source.randint(1, 4))]
    return type(name, (Fact,), {"__annotations__": {f"x{n}": f"Field[{of}]" for n, of in enumerate(types)}})


def _rule(
    name: str,
    phase: Phase,
    given: Sequence[type[Fact]],
    known: Sequence[type[Fact]],
    emits: type[Fact] | None,
    source: random.Random,
) -> Rule:
    bound: list[type[Fact]] = []
    when: list[Pattern] = []
    for place in range(source.randint(1, 3)):
        # Few of the kinds that rules find: their facts multiply.
        kind = source.choice(known if place == 0 else given)
        named = kind.named(f"a{place}")
        when.append(each(named, *_tests(kind, named, bound, source, alternatives=not when)))
        bound.append(named)
    unless = []
    for place in range(source.choice((0, 0, 1, 1, 2))):
        kind = source.choice(known)
        named = kind.named(f"b{place}")
        unless.append(each(named, *_tests(kind, named, bound, source, alternatives=False)))
    return rule(name, phase=phase, when=when, unless=unless, emits=emits)(_function(emits))


def _tests(
    kind: type[Fact], named: type[Fact], bound: Sequence[type[Fact]], source: random.Random, *, alternatives: bool
) -> list[Condition]:
    return [
        _test(getattr(named, name), bound, source, alternatives=alternatives)
        for name in source.choices(list(kind.schema), k=source.randrange(4))
    ]


def _test(field: Field[Any], bound: Sequence[type[Fact]], source: random.Random, *, alternatives: bool) -> Condition:
    made: Any
    if field.of is bool:
        made = source.choice((holds, fails))(field)
    elif field.of is str:
        some = source.sample(WORDS, 2)
        equal = make_test(field, source.choice(("==", "!=")), some[0])
        made = field.one_of(*some) if alternatives and source.random() < 0.3 else equal
    else:
        made = make_test(field, source.choice(ORDER), _other(field, bound, source))
    assert isinstance(made, Condition)
    return made


def _other(field: Field[Any], bound: Sequence[type[Fact]], source: random.Random) -> object:
    """A number to compare with: a constant, a limit, or a number of an earlier fact with something added."""
    earlier = [getattr(named, name) for named in bound for name, of in _schema(named).items() if of is field.of]
    if earlier and source.random() < 0.7:
        added = source.choice((0, source.choice(VALUES[field.of]), limit("one"), limit("none")))
        return source.choice(earlier) + added if added != 0 else source.choice(earlier)
    return limit(source.choice(list(LIMITS))) if source.random() < 0.3 else source.choice(VALUES[field.of])


def _schema(named: type[Fact]) -> Mapping[str, type[Value]]:
    schema: Mapping[str, type[Value]] = named.kind.schema  # type: ignore[attr-defined]  # a kind under its alias
    return schema


def _function(emits: type[Fact] | None) -> Callable[..., Any]:
    def advise() -> Advice:
        """Advises."""
        return Advice(indicator=Indicator.INFO, summary="said")

    def find(a0: Fact) -> tuple[Fact, ...]:
        """Finds a fact with the values of the first that was matched, where their types agree."""
        assert emits is not None
        return (_echo(emits, a0),)

    return advise if emits is None else find


def _echo(kind: type[Fact], fact: Fact) -> Fact:
    own = fact.values()
    values: dict[str, Any] = {
        name: next((value for value in own.values() if type(value) is of), VALUES[of][0])
        for name, of in kind.schema.items()
    }
    return kind(**values)


def _counting(
    kind: type[Fact], counted: tuple[type[Fact], ...], source: random.Random
) -> Callable[[Sequence[Fact], Mapping[str, float]], Sequence[Fact]]:
    template = made(kind, source)

    def count(facts: Sequence[Fact], limits: Mapping[str, float]) -> Sequence[Fact]:
        number = sum(isinstance(fact, counted) for fact in facts) if counted else 0
        values: dict[str, Any] = {
            name: number if kind.schema[name] is int else value for name, value in template.values().items()
        }
        return [kind(**values)] if number else []

    return count

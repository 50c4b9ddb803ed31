"""The second opinion: a plain-Python matcher over the same rules, and why a rule stayed silent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rules.reasoning.conditions import Pattern
from rules.reasoning.fact import Fact
from rules.reasoning.rule import Phase, Program, Rule


@dataclass(frozen=True, slots=True, order=True)
class Match:
    """A rule whose conditions hold for these facts: positions of the facts, one for each alias of `when`."""

    rule: str
    facts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Silence:
    """The nearest miss of a rule: the first alias that no fact satisfies, and the tests that failed for the closest."""

    rule: str
    alias: str
    failed: tuple[str, ...]
    excluded_by: str = ""


Known = Mapping[type[Fact], Sequence[tuple[int, Fact]]]
"""Facts by kind, each with its position."""


def matches(program: Program, phase: Phase, facts: Sequence[Fact]) -> set[Match]:
    """Every match of every rule of one phase."""
    known = _by_kind(facts)
    found = set()
    for rule in program.by_phase[phase]:
        when, unless = program.resolved[rule.id]
        for positions, bound in _bindings(when, known):
            if not any(_any(pattern, known, bound) for pattern in unless):
                found.add(Match(rule.id, positions))
    return found


def _by_kind(facts: Sequence[Fact]) -> Known:
    known: dict[type[Fact], list[tuple[int, Fact]]] = {}
    for position, fact in enumerate(facts):
        known.setdefault(type(fact), []).append((position, fact))
    return known


def _any(pattern: Pattern, known: Known, bound: Mapping[str, Fact]) -> bool:
    return any(pattern.satisfied_by(fact, bound) for _, fact in known.get(pattern.kind, ()))


def why_silent(program: Program, rule: Rule, facts: Sequence[Fact]) -> Silence:
    """Why a rule did not fire for these facts: the longest partial match and what was missing next."""
    when, unless = program.resolved[rule.id]
    reach: list[dict[str, Fact]] = [{}]
    for pattern in when:
        further = [
            {**bound, pattern.alias: fact} for bound in reach for fact in facts if pattern.satisfied_by(fact, bound)
        ]
        if not further:
            return Silence(rule.id, pattern.alias, _closest(pattern, reach, facts))
        reach = further
    for pattern in unless:
        if any(pattern.satisfied_by(fact, bound) for bound in reach for fact in facts):
            return Silence(rule.id, pattern.alias, (), excluded_by=pattern.kind.__name__)
    return Silence(rule.id, "", ())


def _closest(pattern: Pattern, reach: Sequence[Mapping[str, Fact]], facts: Sequence[Fact]) -> tuple[str, ...]:
    misses = [
        tuple(str(test) for test, check in zip(pattern.tests, pattern.checks, strict=True) if not check(fact, bound))
        for bound in reach
        for fact in facts
        if type(fact) is pattern.kind
    ]
    return min(misses, key=len) if misses else (f"there is no {pattern.kind.__name__}",)


_Binding = tuple[tuple[int, ...], dict[str, Fact]]


def _bindings(when: Sequence[Pattern], known: Known) -> list[_Binding]:
    """Every way to give each alias a fact, pattern after pattern: most rules end at the first that none satisfies."""
    reach: list[_Binding] = [((), {})]
    for pattern in when:
        candidates = known.get(pattern.kind, ())
        reach = [
            ((*positions, position), {**bound, pattern.alias: fact})
            for positions, bound in reach
            for position, fact in candidates
            if pattern.satisfied_by(fact, bound)
        ]
        if not reach:
            break
    return reach

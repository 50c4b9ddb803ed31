"""What a rule is, and a program of rules that was checked as a whole before anyone relies on it."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property

from rules.reasoning.conclusions import Advice
from rules.reasoning.conditions import Pattern
from rules.reasoning.errors import KnowledgeError
from rules.reasoning.fact import Fact

MAX_PATTERNS = 12
MAX_TESTS_OF_A_PATTERN = 24
MAX_PATTERNS_OF_A_KIND = 900
MAX_KINDS = 200
MAX_RULES_OF_A_PHASE = 200
RESERVED_KINDS = frozenset({"start", "phase", "never"})
"""Kinds of the engine's own."""


class Phase(IntEnum):
    """The order in which rules apply: what a phase finds is asserted before the next one begins."""

    RECOGNISE = 1
    RESOLVE = 2
    APPRAISE = 3
    ADVISE = 4


Outcome = Advice | Fact | Iterable[Fact] | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its conditions as data and its conclusion as a pure function of the facts that satisfied them."""

    id: str
    phase: Phase
    when: tuple[Pattern, ...]
    unless: tuple[Pattern, ...]
    function: Callable[..., Outcome]
    emits: type[Fact] | None
    sentence: str
    parameters: tuple[str, ...]

    def apply(self, bound: Mapping[str, Fact], limits: Mapping[str, float]) -> Outcome:
        """The conclusion from one set of facts."""
        arguments: dict[str, object] = {name: bound[name] for name in self.parameters if name != "limits"}
        if "limits" in self.parameters:
            arguments["limits"] = limits
        return self.function(**arguments)


def rule(
    id: str,
    *,
    phase: Phase,
    when: Sequence[Pattern],
    unless: Sequence[Pattern] = (),
    emits: type[Fact] | None = None,
) -> Callable[[Callable[..., Outcome]], Rule]:
    """Make a rule of a function whose parameters are aliases of `when` (and, if it wants them, `limits`).

    Its docstring is the rule in one sentence; `emits` is the kind of fact that a rule of an early phase finds.

    Raises:
        KnowledgeError: an alias is used twice, unknown or joined before it is bound.
    """

    def make(function: Callable[..., Outcome]) -> Rule:
        sentence = " ".join((function.__doc__ or "").split())
        parameters = tuple(inspect.signature(function).parameters)
        made = Rule(id, phase, tuple(when), tuple(unless), function, emits, sentence, parameters)
        _check_rule(made)
        return made

    return make


def _check_rule(rule: Rule) -> None:
    if not rule.sentence:
        raise KnowledgeError(f"{rule.id}: the docstring is missing: it is the rule in one sentence")
    if not rule.when:
        raise KnowledgeError(f"{rule.id}: a rule needs at least one condition")
    if len(rule.when) + len(rule.unless) > MAX_PATTERNS:
        raise KnowledgeError(f"{rule.id}: more than {MAX_PATTERNS} conditions")
    for pattern in (*rule.when, *rule.unless):
        if len(pattern.tests) > MAX_TESTS_OF_A_PATTERN:
            raise KnowledgeError(f"{rule.id}: more than {MAX_TESTS_OF_A_PATTERN} tests of {pattern.alias!r}")
    bound: list[str] = []
    for position, pattern in enumerate((*rule.when, *rule.unless)):
        for test in pattern.tests:
            if test.join is not None and test.join.alias not in bound:
                raise KnowledgeError(f"{rule.id}: `{test}` names {test.join.alias!r}, which is not bound before it")
        if pattern.alias in bound:
            raise KnowledgeError(f"{rule.id}: the alias {pattern.alias!r} is used twice")
        if position < len(rule.when):
            bound.append(pattern.alias)
    unknown = set(rule.parameters) - set(bound) - {"limits"}
    if unknown:
        raise KnowledgeError(f"{rule.id}: the function asks for {', '.join(sorted(unknown))}, which no condition binds")
    if rule.phase is Phase.ADVISE and rule.emits is not None:
        raise KnowledgeError(f"{rule.id}: a rule of the last phase gives advice, not facts")


@dataclass(frozen=True, slots=True)
class Summary:
    """Draws facts together after a phase, from all that is known and the limits; `emits` are the kinds it may add."""

    draw: Callable[[Sequence[Fact], Mapping[str, float]], Sequence[Fact]]
    emits: tuple[type[Fact], ...]


@dataclass(frozen=True)
class Program:
    """All rules with the values of all limits; `summaries` draw further facts together after a phase.

    Raises:
        KnowledgeError: on anything that the engine could get wrong in silence.
    """

    rules: Sequence[Rule]
    limits: Mapping[str, float]
    summaries: Mapping[Phase, Summary] = field(default_factory=dict)
    base_kinds: Sequence[type[Fact]] = ()

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for one in self.rules:
            if one.id in seen:
                raise KnowledgeError(f"two rules are called {one.id}")
            seen.add(one.id)
            if any(test.operator == "one of" for pattern in one.unless for test in pattern.tests):
                raise KnowledgeError(f"{one.id}: `one_of` has no place in `unless`; write one pattern a word")
            self._check_order_of_phases(one)
            for pattern in (*one.when, *one.unless):
                for test in pattern.tests:
                    test.resolved(self.limits)
        for phase in Phase:
            if len(self.of(phase)) > MAX_RULES_OF_A_PHASE:
                raise KnowledgeError(f"phase {phase.name} has more than {MAX_RULES_OF_A_PHASE} rules")
        self._check_kinds()

    def _check_kinds(self) -> None:
        kinds = self.kinds()
        if len(kinds) > MAX_KINDS:
            raise KnowledgeError(f"more than {MAX_KINDS} kinds of facts")
        names = [kind.__name__ for kind in kinds]
        for name in names:
            if name in RESERVED_KINDS or names.count(name) > 1:
                raise KnowledgeError(f"two kinds of facts are called {name}: the engine could not tell them apart")
        asked = Counter(p.kind for one in self.rules for p in (*one.when, *one.unless))
        for kind, count in asked.items():
            if count > MAX_PATTERNS_OF_A_KIND:
                raise KnowledgeError(f"{kind.__name__} is asked for in more than {MAX_PATTERNS_OF_A_KIND} conditions")

    def _check_order_of_phases(self, one: Rule) -> None:
        for pattern in (*one.when, *one.unless):
            # A fact found after a phase's token would let rules of that phase fire late, or too early.
            late = [other.id for other in self.rules if other.emits is pattern.kind and other.phase >= one.phase]
            late += [
                f"the summary of {phase.name}"
                for phase, summary in self.summaries.items()
                # A summary is drawn when its phase is over: what it adds was absent for the rules of the phase.
                if pattern.kind in summary.emits and phase >= one.phase + (pattern in one.unless)
            ]
            if late:
                raise KnowledgeError(
                    f"{one.id}: {pattern.kind.__name__} may still be found by {', '.join(late)} "
                    f"in the same or a later phase: neither its presence nor its absence is known yet"
                )

    def of(self, phase: Phase) -> list[Rule]:
        """The rules of one phase, in the order in which they were given."""
        return [one for one in self.rules if one.phase is phase]

    @cached_property
    def by_phase(self) -> Mapping[Phase, Sequence[Rule]]:
        """The rules of every phase."""
        return {phase: self.of(phase) for phase in Phase}

    @cached_property
    def resolved(self) -> Mapping[str, tuple[tuple[Pattern, ...], tuple[Pattern, ...]]]:
        """`when` and `unless` of every rule by its id, with the values of their limits in place."""
        return {
            one.id: (
                tuple(pattern.resolved(self.limits) for pattern in one.when),
                tuple(pattern.resolved(self.limits) for pattern in one.unless),
            )
            for one in self.rules
        }

    @cached_property
    def place(self) -> Mapping[str, int]:
        """The place of every rule by its id: rules of one phase apply in this order."""
        return {one.id: number for number, one in enumerate(self.rules)}

    def kinds(self) -> list[type[Fact]]:
        """Every kind of fact that a rule reads or emits, a summary adds, or that was named as a base kind."""
        found: dict[type[Fact], None] = dict.fromkeys(self.base_kinds)
        for summary in self.summaries.values():
            found.update(dict.fromkeys(summary.emits))
        for one in self.rules:
            for pattern in (*one.when, *one.unless):
                found[pattern.kind] = None
            if one.emits is not None:
                found[one.emits] = None
        return list(found)

    def by_id(self, rule_id: str) -> Rule:
        """The rule of that id."""
        if rule_id not in self.place:
            raise KnowledgeError(f"no rule is called {rule_id}")
        return self.rules[self.place[rule_id]]

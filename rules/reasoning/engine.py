"""durable_rules, tamed: the only module that touches it.

durable_rules 2.0.28 is unmaintained C behind a thin layer; used as documented it can crash, hang or be silently wrong.
This module keeps inside what was found right: one session at a time under one lock, a closed schema of facts with
generated names, joins that end in a test that cannot fail, order from phase tokens that are asserted last, absence
only of what earlier phases emit. Actions only report which facts matched; no rule runs inside the engine.
ARCHITECTURE.md lists each hazard with its safeguard.
"""

from __future__ import annotations

import json
import os
import threading
import weakref
from collections import Counter
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, cast

import durable_rules_engine  # type: ignore[import-not-found]  # untyped C extension

from rules.reasoning.conditions import Condition, Pattern
from rules.reasoning.errors import EngineFailed
from rules.reasoning.fact import Fact, Value
from rules.reasoning.oracle import Match
from rules.reasoning.rule import Phase, Program

_OPERATORS = {"!=": "$neq", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
_SESSION = "0"
MAX_MATCHES = 2000
GROUP = 30
"""Patterns of one kind that hang together: of all that one fact may satisfy at once the engine holds 64."""


class Engine:
    """A compiled program. Thread-safe (one evaluation at a time) and safe to use after a fork."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._lock = threading.Lock()
        self._handle: int | None = None
        self._names = _Names()
        self._rules: dict[str, tuple[str, int]] = {}
        self._asked: Counter[str] = Counter()
        self._choices: dict[type[Fact], dict[str, tuple[str, frozenset[str]]]] = {}
        self._definition = self._compile()
        self._fields = {
            kind: tuple((name, self._names.property(kind, name), of is bool) for name, of in kind.schema.items())
            for kind in program.kinds()
        }
        self.start = json.dumps(self._encode("start", "start", {}))
        self.tokens = {
            phase: json.dumps(self._encode("phase", f"p{int(phase)}", {self._names.of("number"): int(phase)}))
            for phase in Phase
        }
        _ENGINES.add(self)

    def session(self) -> Session:
        """One evaluation; use it in a `with` block."""
        return Session(self)

    def _compile(self) -> str:
        program, names = self._program, self._names
        definition: dict[str, Any] = {names.of("rule start"): {"all": [{names.of("alias"): _kind(names, "start")}]}}
        # Stores every fact, also one that no rule asks about, and never fires. One for all kinds: the engine clears
        # eight kilobytes for each pattern in every evaluation.
        keep = [{names.of("alias"): {names.of("one"): 1}}, {names.of("never"): _kind(names, "never")}]
        definition[names.of("rule keep")] = {"all": keep}
        for rule in program.rules:
            name = names.of(f"rule {rule.id}")
            self._rules[name] = (rule.id, len(rule.when))
            definition[name] = {"all": self._patterns(rule.phase, rule.when, rule.unless), "dist": 0}
        return json.dumps(definition)

    def _patterns(
        self, phase: Phase, when: Sequence[Pattern], unless: Sequence[Pattern]
    ) -> list[dict[str, dict[str, Any]]]:
        names = self._names
        token = {"$and": [_kind(names, "phase"), {names.of("number"): int(phase)}]}
        places = {pattern.alias: names.of(f"alias {place}") for place, pattern in enumerate(when)}
        patterns = [{names.of("token"): token}]
        patterns += [{places[pattern.alias]: self._pattern(pattern, places)} for pattern in when]
        patterns += [
            {names.of(f"absent {place}") + "$not": self._pattern(pattern, places)}
            for place, pattern in enumerate(unless)
        ]
        return patterns

    def _pattern(self, pattern: Pattern, places: dict[str, str]) -> dict[str, Any]:
        names = self._names
        tests = [test.resolved(self._program.limits) for test in pattern.tests]
        constants = [self._constant(test) for test in tests if test.join is None]
        joins = [self._join(test, places) for test in tests if test.join is not None]
        # A join whose last test is false reads out of bounds: the last one is true of any two facts.
        sentinel = {"$gte": {names.of("one"): {names.of("token"): names.of("one")}}}
        kind = pattern.kind.__name__
        # Always true, and the same for the patterns of one group only: so one fact never reaches too many at once.
        group = {"$lt": {names.of("one"): 2 + self._asked[kind] // GROUP}}
        self._asked[kind] += 1
        return {"$and": [_kind(names, kind), group, *constants, *joins, sentinel]}

    def _constant(self, test: Condition) -> dict[str, Any]:
        if test.operator == "one of":
            return {self._one_of(test): 1}
        return _test(test.operator, self._names.property(test.field.kind, test.field.name), test.right)

    def _one_of(self, test: Condition) -> str:
        """The property by which a fact says that it is one of several words: alternatives in a rule may fire twice."""
        field, words = test.field, cast("tuple[str, ...]", test.right)
        name = self._names.of(f"{field.kind.__name__}.{field.name} one of {words}")
        self._choices.setdefault(field.kind, {})[name] = (field.name, frozenset(words))
        return name

    def _join(self, test: Condition, places: dict[str, str]) -> dict[str, Any]:
        assert test.join is not None
        right: dict[str, Any] = {places[test.join.alias]: self._names.property(test.join.kind, test.join.name)}
        if test.shift:
            shift = int(test.shift) if test.field.of is int else float(test.shift)  # type: ignore[arg-type]
            right = {"$add": {"$l": right, "$r": shift}}
        return _test(test.operator, self._names.property(test.field.kind, test.field.name), right)

    def acquire(self) -> int:
        """Take the engine for one evaluation; builds it at first use, after a fork and after a failure.

        Raises:
            EngineFailed: durable_rules does not take the rules.
        """
        self._lock.acquire()
        try:
            handle = self._handle
            if handle is None:
                handle = self._handle = durable_rules_engine.create_ruleset("reboundwatch", self._definition)
        except BaseException as error:
            self._lock.release()
            if isinstance(error, durable_rules_engine.error):
                raise EngineFailed(f"durable_rules: {error}") from error
            raise
        return int(handle)

    def release(self, *, healthy: bool, started: bool) -> None:
        """Give the engine back with an empty session, or throw it away after a failure."""
        handle, self._handle = self._handle, None
        try:
            if started:
                # Also before the rules are thrown away: they do not take their sessions with them.
                durable_rules_engine.delete_state(handle, _SESSION)
            if healthy:
                self._handle = handle
            else:
                durable_rules_engine.delete_ruleset(handle)
        finally:
            self._lock.release()

    def forget(self) -> None:
        """Leave the rules of a forked parent alone, and a lock that one of its threads may have held."""
        self._lock = threading.Lock()
        self._handle = None

    def _encode(self, kind: str, position: str, values: dict[str, Value]) -> dict[str, Value]:
        """One fact as the engine sees it: generated names, its kind, an id, and the one of the sentinel."""
        names = self._names
        return {"id": position, "sid": _SESSION, names.of("kind"): kind, names.of("one"): 1, **values}

    def batch(self, facts: Sequence[Fact], first: int) -> str:
        """Facts of the program's kinds as the engine takes them; their positions are counted from `first`."""
        return json.dumps([self._fact(position, fact) for position, fact in enumerate(facts, first)])

    def _fact(self, position: int, fact: Fact) -> dict[str, Value]:
        kind, own = type(fact), vars(fact)
        values = {given: int(own[name]) if yes_no else own[name] for name, given, yes_no in self._fields[kind]}
        for given, (name, words) in self._choices.get(kind, {}).items():
            values[given] = int(own[name] in words)
        return self._encode(kind.__name__, f"f{position}", values)

    def read(self, message: dict[str, Any]) -> Match | None:
        """What a firing says: which rule, and which facts matched it; None for the start."""
        [(name, bound)] = message.items()
        if name not in self._rules:
            return None
        rule, patterns = self._rules[name]
        places = [self._names.of(f"alias {place}") for place in range(patterns)]
        return Match(rule, tuple(int(bound[place]["id"][1:]) for place in places))


_ENGINES: weakref.WeakSet[Engine] = weakref.WeakSet()


def _in_a_forked_child() -> None:
    for engine in _ENGINES:
        engine.forget()


os.register_at_fork(after_in_child=_in_a_forked_child)


class Session:
    """One evaluation inside the engine: facts in, matches out, phase by phase."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._handle = 0
        self._count = 0
        self._started = False

    def __enter__(self) -> Session:
        self._handle = self._engine.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.release(healthy=error is None, started=self._started)
        if isinstance(error, durable_rules_engine.error):
            raise EngineFailed(f"durable_rules: {error}") from error

    def add(self, facts: Sequence[Fact]) -> None:
        """Assert facts; their positions go on from those asserted before."""
        if not self._started:
            self._start()
        if not facts:  # the engine crashes on an empty batch
            return
        batch = self._engine.batch(facts, self._count)
        self._count += len(facts)
        early = set(self._fire(durable_rules_engine.assert_facts(self._handle, batch)))
        if early:
            raise EngineFailed("a rule fired outside its phase")

    def _start(self) -> None:
        # By itself and before all others: a session in which nothing has fired yet cannot be deleted.
        set(self._fire(durable_rules_engine.assert_fact(self._handle, self._engine.start)))
        self._started = True

    def match(self, phase: Phase) -> set[Match]:
        """All matches of the rules of a phase."""
        return set(self._fire(durable_rules_engine.assert_fact(self._handle, self._engine.tokens[phase])))

    def _fire(self, answer: tuple[int, int]) -> Iterator[Match]:
        code, state = answer
        if code not in (0, 3):
            raise EngineFailed(f"the engine did not take the facts (code {code})")
        started = durable_rules_engine.start_action_for_state(self._handle, state)
        message = started[1] if started else None
        fired = 0
        while message:
            fired += 1
            if fired > MAX_MATCHES:
                raise EngineFailed(f"more than {MAX_MATCHES} matches in one phase")
            match = self._engine.read(json.loads(message))
            if match is not None:
                yield match
            message = durable_rules_engine.complete_and_start_action(self._handle, state)


class _Names:
    """Short generated names for the engine, none of whose hashes it mishandles or confuses."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._hashes: set[int] = {_fnv1a(word) for word in ("id", "sid", "$s", "m")}
        self._next = 0

    def of(self, meaning: str) -> str:
        """The name that stands for a meaning."""
        if meaning not in self._names:
            self._names[meaning] = self._new()
        return self._names[meaning]

    def property(self, kind: type[Fact], field: str) -> str:
        """The name of one field of one kind of fact."""
        return self.of(f"{kind.__name__}.{field}")

    def _new(self) -> str:
        while True:
            name = f"n{self._next}"
            self._next += 1
            code = _fnv1a(name)
            # A hash divisible by 16 cancels unrelated rules; two names with one hash would be one name.
            if code % 16 and code not in self._hashes:
                self._hashes.add(code)
                return name


def _fnv1a(word: str) -> int:
    code = 2166136261
    for byte in word.encode():
        code = ((code ^ byte) * 16777619) & 0xFFFFFFFF
    return code


def _kind(names: _Names, kind: str) -> dict[str, Any]:
    return {names.of("kind"): kind}


def _test(operator: str, name: str, right: Any) -> dict[str, Any]:
    right = _plain(right)
    return {name: right} if operator == "==" else {_OPERATORS[operator]: {name: right}}


def _plain(value: Any) -> Any:
    """Yes and no as 1 and 0: the engine compares numbers more surely than its own booleans."""
    return int(value) if isinstance(value, bool) else value

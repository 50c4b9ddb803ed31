"""durable_rules, tamed: the only module that touches it.

durable_rules 2.0.28 is unmaintained C behind a thin layer; used as documented it can crash, hang or be silently wrong.
This module keeps inside what was found right: one session at a time under one lock, a closed schema of facts with
generated names, joins that end in a test that cannot fail, absence only of what earlier phases emit, asked for by a
token that is asserted when a phase begins. Actions only report which facts matched; no rule runs inside the engine.
ARCHITECTURE.md lists each hazard with its safeguard.
"""

from __future__ import annotations

import json
import os
import re
import threading
import weakref
from collections import Counter, defaultdict
from collections.abc import Sequence
from json.encoder import encode_basestring_ascii
from types import TracebackType
from typing import Any, cast

import durable_rules_engine  # type: ignore[import-not-found]  # untyped C extension

from rules.reasoning.conditions import Condition, Pattern
from rules.reasoning.engine_names import Names
from rules.reasoning.errors import EngineFailed
from rules.reasoning.fact import Fact, Value
from rules.reasoning.oracle import Match
from rules.reasoning.rule import Phase, Program, Rule

_OPERATORS = {"!=": "$neq", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
_PLACEHOLDER = {bool: "%d", int: "%d", float: "%r", str: "%s"}
_BOUND = re.compile(r'"(n\d+)":\{"id":"f(\d+)"')
"""An alias of a message with the position of its fact; no text in a fact holds a quote."""
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
        self._names = Names()
        self._rules: dict[str, tuple[Rule, list[str]]] = {}
        self._asked: Counter[str] = Counter()
        self._choices: defaultdict[type[Fact], dict[str, tuple[str, frozenset[str]]]] = defaultdict(dict)
        self._definition = self._compile()
        asked = {pattern.kind for rule in program.rules for pattern in (*rule.when, *rule.unless)}
        self._forms = {kind: self._form(kind) for kind in asked}
        self.start = _json(self._encode("start", "start", {}))
        self.tokens = {
            phase: _json(self._encode("phase", f"p{int(phase)}", {self._names.of("number"): int(phase)}))
            for phase in {rule.phase for rule in program.rules if rule.unless}
        }
        """What is asserted when a phase begins, for the rules that ask for what is absent."""
        _ENGINES.add(self)

    def session(self) -> Session:
        """One evaluation; use it in a `with` block."""
        return Session(self)

    def _compile(self) -> str:
        program, names = self._program, self._names
        definition: dict[str, Any] = {names.of("rule start"): {"all": [{names.of("alias"): _kind(names, "start")}]}}
        # Stores every fact, also one that satisfies no pattern, and never fires. One for all kinds: the engine clears
        # ten kilobytes for each pattern in every evaluation.
        keep = [{names.of("alias"): {names.of("one"): 1}}, {names.of("never"): _kind(names, "never")}]
        definition[names.of("rule keep")] = {"all": keep}
        for rule in program.rules:
            name = names.of(f"rule {rule.id}")
            self._rules[name] = (rule, [names.of(f"alias {place}") for place in range(len(rule.when))])
            definition[name] = {"all": self._patterns(rule.phase, rule.when, rule.unless), "dist": 0}
        return json.dumps(definition)

    def _patterns(
        self, phase: Phase, when: Sequence[Pattern], unless: Sequence[Pattern]
    ) -> list[dict[str, dict[str, Any]]]:
        names = self._names
        aliases = [(pattern.alias, names.of(f"alias {place}")) for place, pattern in enumerate(when)]
        places, anchor = dict(aliases), aliases[0][1]
        patterns: list[dict[str, dict[str, Any]]] = []
        if unless:
            # What is absent is known when the phase begins; every other rule can be judged as its facts come.
            anchor = names.of("token")
            patterns.append({anchor: {"$and": [_kind(names, "phase"), {names.of("number"): int(phase)}]}})
        for pattern in when:
            patterns.append({places[pattern.alias]: self._pattern(pattern, places, anchor if patterns else None)})
        for place, pattern in enumerate(unless):
            patterns.append({names.of(f"absent {place}") + "$not": self._pattern(pattern, places, anchor)})
        return patterns

    def _pattern(self, pattern: Pattern, places: dict[str, str], anchor: str | None) -> dict[str, Any]:
        """One pattern; `anchor` is the name of the first one of the rule, None when this is it."""
        names = self._names
        tests = [test.resolved(self._program.limits) for test in pattern.tests]
        constants = [self._constant(test) for test in tests if test.join is None]
        joins = [self._join(test, places) for test in tests if test.join is not None]
        if anchor is not None:
            # A join whose last test is false reads out of bounds: the last one is true of any two facts.
            joins.append({"$gte": {names.of("one"): {anchor: names.of("one")}}})
        kind = pattern.kind.__name__
        # Always true, and the same for the patterns of one group only: so one fact never reaches too many at once.
        group = {"$lt": {names.of("one"): 2 + self._asked[kind] // GROUP}}
        self._asked[kind] += 1
        return {"$and": [_kind(names, kind), group, *constants, *joins]}

    def _constant(self, test: Condition) -> dict[str, Any]:
        if test.operator == "one of":
            return {self._one_of(test): 1}
        return _test(test.operator, self._names.property(test.field.kind, test.field.name), test.right)

    def _one_of(self, test: Condition) -> str:
        """The property by which a fact says that it is one of several words: alternatives in a rule may fire twice."""
        field, words = test.field, cast("tuple[str, ...]", test.right)
        name = self._names.of(f"{field.kind.__name__}.{field.name} one of {words}")
        self._choices[field.kind][name] = (field.name, frozenset(words))
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
        """One fact as the engine sees it: generated names, an id, its kind, and the one of the sentinel."""
        names = self._names
        return {"id": position, "sid": _SESSION, names.of(f"kind {kind}"): 1, names.of("one"): 1, **values}

    def _form(self, kind: type[Fact]) -> str:
        """The facts of a kind in JSON, with a place for the position, each field and each choice of words."""
        names = self._names
        constant = _json(self._encode(kind.__name__, "f", {})).replace('"f"', '"f%d"')
        fields = [f'"{names.property(kind, name)}":{_PLACEHOLDER[of]}' for name, of in kind.schema.items()]
        fields += [f'"{given}":%d' for given in self._choices[kind]]
        return f"{constant[:-1]},{','.join(fields)}}}"

    def batch(self, facts: Sequence[Fact], first: int) -> str:
        """The facts that a rule asks about, as the engine takes them, counted from `first`; "" when there are none."""
        forms = self._forms
        asked = [self._fact(position, fact) for position, fact in enumerate(facts, first) if type(fact) in forms]
        return f"[{','.join(asked)}]" if asked else ""

    def _fact(self, position: int, fact: Fact) -> str:
        kind, own = type(fact), vars(fact)
        values: list[Any] = [position]
        values += [encode_basestring_ascii(own[name]) if of is str else own[name] for name, of in kind.schema.items()]
        values += [own[name] in words for name, words in self._choices[kind].values()]
        return self._forms[kind] % tuple(values)

    def read(self, message: str) -> tuple[Phase, Match] | None:
        """What a firing says: the phase, the rule, and which facts matched it; None for the start."""
        name = message[2 : message.index('"', 2)]
        if name not in self._rules:
            return None
        rule, aliases = self._rules[name]
        bound = dict(_BOUND.findall(message))
        return rule.phase, Match(rule.id, tuple([int(bound[alias]) for alias in aliases]))


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
        self._found: dict[Phase, set[Match]] = {phase: set() for phase in Phase}
        self._over: set[Phase] = set()

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
        batch = self._engine.batch(facts, self._count)
        self._count += len(facts)
        if batch:  # the engine crashes on an empty one
            self._fire(durable_rules_engine.assert_facts(self._handle, batch))

    def _start(self) -> None:
        # By itself and before all others: a session in which nothing has fired yet cannot be deleted.
        self._fire(durable_rules_engine.assert_fact(self._handle, self._engine.start))
        self._started = True

    def match(self, phase: Phase) -> set[Match]:
        """All matches of the rules of a phase, which is over with it."""
        if phase in self._engine.tokens:
            self._fire(durable_rules_engine.assert_fact(self._handle, self._engine.tokens[phase]))
        self._over.add(phase)
        return self._found[phase]

    def _fire(self, answer: tuple[int, int]) -> None:
        """Note what an assertion has matched.

        Raises:
            EngineFailed: it was not taken, does not stop to match, or matches a rule of a phase that is over.
        """
        code, state = answer
        if code not in (0, 3):
            raise EngineFailed(f"the engine did not take the facts (code {code})")
        started = durable_rules_engine.start_action_for_state(self._handle, state)
        message = started[1] if started else None
        fired = 0
        while message:
            fired += 1
            if fired > MAX_MATCHES:
                raise EngineFailed(f"more than {MAX_MATCHES} matches at once")
            match = self._engine.read(message)
            if match is not None:
                if match[0] in self._over:
                    raise EngineFailed("a rule fired outside its phase")
                self._found[match[0]].add(match[1])
            message = durable_rules_engine.complete_and_start_action(self._handle, state)


def _kind(names: Names, kind: str) -> dict[str, Any]:
    """A property for each kind: the values of one property for all are compared one after the other."""
    return {names.of(f"kind {kind}"): 1}


def _json(value: dict[str, Value]) -> str:
    return json.dumps(value, separators=(",", ":"))


def _test(operator: str, name: str, right: Any) -> dict[str, Any]:
    right = _plain(right)
    return {name: right} if operator == "==" else {_OPERATORS[operator]: {name: right}}


def _plain(value: Any) -> Any:
    """Yes and no as 1 and 0: the engine compares numbers more surely than its own booleans."""
    return int(value) if isinstance(value, bool) else value

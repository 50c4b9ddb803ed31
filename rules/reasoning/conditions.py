"""Typed conditions: what a rule asks of the facts, checked when the rule's module is imported."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from rules.reasoning.errors import KnowledgeError
from rules.reasoning.fact import Fact, Field, Value, _Named, check_value


@dataclass(frozen=True, slots=True)
class Named:
    """The value of a limit of the knowledge base, known when the rules are compiled."""

    name: str


@dataclass(frozen=True, slots=True)
class Shifted:
    """A field of an earlier fact plus a constant."""

    field: Field[Any]
    amount: object


_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def limit(name: str) -> Any:
    """The limit of that name: no number stands in a rule."""
    return Named(name)


Check = Callable[["Fact", Mapping[str, "Fact"]], bool]
"""A test of one fact, given the facts bound to earlier aliases."""


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """One comparison: a field with a constant, a limit, several words, or a field of an earlier alias."""

    field: Field[Any]
    operator: str
    right: Value | tuple[str, ...] | Named | None = None
    join: Field[Any] | None = None
    shift: float | Named = 0

    def __bool__(self) -> bool:
        raise KnowledgeError(f"`{self}` is a condition: use one test after the other, not `and`, `not` or a chain")

    def __str__(self) -> str:
        right = f"limit {self.right.name}" if isinstance(self.right, Named) else repr(self.right)
        if self.join is not None:
            shift = f" + limit {self.shift.name}" if isinstance(self.shift, Named) else f" + {self.shift:g}"
            right = str(self.join) + (shift if self.shift else "")
        return f"{self.field} {self.operator} {right}"

    def resolved(self, limits: Mapping[str, float]) -> Condition:
        """The same test with the values of its limits in place."""
        right, shift = self.right, self.shift
        if isinstance(right, Named):
            right = _limit(right, limits, self.field)
        if isinstance(shift, Named):
            shift = _limit(shift, limits, self.field)
        return Condition(self.field, self.operator, right, self.join, shift)

    def check(self) -> Check:
        """The comparison as a function: is it true of this fact, given the facts bound to earlier aliases?"""
        name, right, join, shift = self.field.name, cast("Any", self.right), self.join, cast("float", self.shift)
        if self.operator == "one of":
            return lambda fact, _: vars(fact)[name] in right
        compare = _COMPARE[self.operator]
        if join is None:
            return lambda fact, _: compare(vars(fact)[name], right)
        other, alias = join.name, join.alias
        if shift:
            return lambda fact, bound: compare(vars(fact)[name], vars(bound[alias])[other] + shift)
        return lambda fact, bound: compare(vars(fact)[name], vars(bound[alias])[other])


@dataclass(frozen=True, slots=True)
class Pattern:
    """One fact that must exist (or, in `unless`, must not): its kind, its alias, its tests.

    Ready to be checked, it has its tests as functions: those of a field with one value apart, as most are, in `equal`.
    """

    kind: type[Fact]
    alias: str
    tests: tuple[Condition, ...]
    equal: tuple[tuple[str, Value], ...] = ()
    checks: tuple[Check, ...] = ()

    def resolved(self, limits: Mapping[str, float]) -> Pattern:
        """The same pattern with the values of its limits in place, ready to be checked."""
        tests = tuple(test.resolved(limits) for test in self.tests)
        plain = [test for test in tests if test.operator == "==" and test.join is None]
        equal = tuple((test.field.name, cast("Value", test.right)) for test in plain)
        return Pattern(self.kind, self.alias, tests, equal, tuple(test.check() for test in tests if test not in plain))

    def satisfied_by(self, fact: Fact, bound: Mapping[str, Fact]) -> bool:
        """Whether a fact is of the kind and passes all tests, given the facts bound to earlier aliases."""
        if type(fact) is not self.kind:
            return False
        own = vars(fact)
        for name, value in self.equal:
            if own[name] != value:
                return False
        for check in self.checks:  # noqa: SIM110  # all() makes a generator for each of a thousand facts
            if not check(fact, bound):
                return False
        return True


def each(named: type[Fact], *tests: object) -> Pattern:
    """A fact of that kind for which all tests hold.

    Raises:
        KnowledgeError: the alias or a test is malformed, or a test is about another alias.
    """
    if not isinstance(named, _Named):
        raise KnowledgeError(f"{named!r} needs an alias: write {getattr(named, '__name__', 'Kind')}.named('...')")
    for test in tests:
        if not isinstance(test, Condition):
            raise KnowledgeError(f"{named.alias}: {test!r} is not a condition")
        if test.field.alias != named.alias:
            raise KnowledgeError(f"{named.alias}: `{test}` is about another alias")
    return Pattern(named.kind, named.alias, tuple(test for test in tests if isinstance(test, Condition)))


def holds(field: object) -> Any:
    """The yes/no field is true."""
    return _yes_no(field, True)


def fails(field: object) -> Any:
    """The yes/no field is false."""
    return _yes_no(field, False)


def _yes_no(field: object, wanted: bool) -> Condition:
    if not isinstance(field, Field) or field.of is not bool:
        raise KnowledgeError(f"{field!r} is not a yes/no field")
    return Condition(field, "==", wanted)


def make_test(field: Field[Any], operator: str, other: object) -> Condition:
    """A test of `field`, refused when the types do not fit."""
    if operator == "one of":
        words = other if isinstance(other, tuple) else ()
        if field.of is not str or not words or not all(isinstance(word, str) for word in words):
            raise KnowledgeError(f"{field}.one_of needs words")
        for word in words:
            _check_constant(field, word)
        return Condition(field, operator, words)
    if operator not in ("==", "!=") and field.of not in (int, float):
        raise KnowledgeError(f"{field} is {field.of.__name__}: it has no order")
    if isinstance(other, Shifted | Field):
        return _join(field, operator, other)
    if isinstance(other, Named):
        if field.of not in (int, float):
            raise KnowledgeError(f"{field} is {field.of.__name__}: a limit is a number")
        return Condition(field, operator, other)
    if type(other) is not field.of or isinstance(other, bool):
        raise KnowledgeError(f"{field} is {field.of.__name__}, compared with {other!r}; use holds() and fails()")
    _check_constant(field, other)
    return Condition(field, operator, other)


def _join(field: Field[Any], operator: str, other: Shifted | Field[Any]) -> Condition:
    target, shift = (other.field, other.amount) if isinstance(other, Shifted) else (other, 0)
    if target.of is not field.of or field.of not in (int, float):
        raise KnowledgeError(f"{field} and {target}: only numbers of one type can be joined")
    if not target.alias or target.alias == field.alias:
        raise KnowledgeError(f"{field} can only be compared with a field of an earlier alias")
    if isinstance(shift, bool) or not isinstance(shift, int | float | Named):
        raise KnowledgeError(f"{target} + {shift!r}: only a number or a limit can be added")
    if not isinstance(shift, Named):
        _check_constant(field, float(shift) if field.of is float else shift)
    return Condition(field, operator, join=target, shift=shift)


def _limit(named: Named, limits: Mapping[str, float], field: Field[Any]) -> int | float:
    if named.name not in limits:
        raise KnowledgeError(f"no limit is called {named.name!r}")
    value = limits[named.name]
    if field.of is int and not float(value).is_integer():
        raise KnowledgeError(f"limit {named.name!r} is {value:g}, but {field} is a whole number")
    number = int(value) if field.of is int else float(value)
    _check_constant(field, number, f"limit {named.name!r}")
    return number


def _check_constant(field: Field[Any], value: object, of: str = "") -> None:
    """The engine must be able to hold a constant as well as a fact."""
    try:
        check_value(of or f"{field} compared with {value!r}", field.of, value)
    except (TypeError, ValueError) as error:
        raise KnowledgeError(str(error)) from None

"""Why rules stayed silent, in words: the condition that was missing next, rules with the same reason together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from rules.reasoning.oracle import Silence
from service.reports.facts import named

_TEST = re.compile(r"^(\w+)\.(\w+) (==|!=|<=|>=|<|>|one of) (.+)$")
_JOINED = re.compile(r"^(\w+)\.(\w+)(?: \+ (\S+))?$")
_NO_FACT = re.compile(r"^there is no (\w+)$")
_ORDER = {"<": "under", "<=": "at most", ">": "over", ">=": "at least"}
_DAYS = range(date(1900, 1, 1).toordinal(), date(2200, 1, 1).toordinal())
"""Day numbers of two centuries: no other number that rules compare is as large."""


def missing(silence: Silence) -> str:
    """The nearest missing condition as words: "state word is OVERDUE", "no fracture class", "not: follow on"."""
    if silence.excluded_by:
        return f"ruled out by {named(silence.excluded_by)}"
    return "; ".join(said(test) for test in silence.failed) or "other conditions"


def said(test: str) -> str:
    """One failed test of the trace in words."""
    absent = _NO_FACT.match(test)
    if absent:
        return f"no {named(absent.group(1))}"
    found = _TEST.match(test)
    if found is None:
        return test
    alias, field, operator, right = found.groups()
    subject = _spaced(alias) if field == "word" else f"{_spaced(alias)} {_spaced(field)}"
    if right in ("True", "False"):
        return subject if (operator == "==") == (right == "True") else f"not {subject}"
    value = _value(right)
    if operator in ("==", "one of"):
        return f"{subject} is {value}"
    return f"{subject} is not {value}" if operator == "!=" else f"{subject} {_ORDER[operator]} {value}"


def _value(right: str) -> str:
    if right.startswith("("):
        return " or ".join(word.strip(" '\"") for word in right.strip("()").split(",") if word.strip())
    joined = _JOINED.match(right)
    if joined and not joined.group(1).isdigit():
        alias, field, shift = joined.groups()
        return f"{_spaced(alias)} {_spaced(field)}" + (f" + {shift}" if shift else "")
    if right.isdigit() and int(right) in _DAYS:
        return date.fromordinal(int(right)).isoformat()
    return right.removesuffix(".0") if right.endswith(".0") else right.strip("'\"")


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def by_reason(silences: Iterable[Silence]) -> list[tuple[str, list[str]]]:
    """Reasons in the order of their first rule, each with its rules."""
    reasons: dict[str, list[str]] = {}
    for silence in silences:
        reasons.setdefault(missing(silence), []).append(silence.rule)
    return list(reasons.items())

"""What else was known when the rules were applied: facts that the picture and the classes do not show already."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from rules.reasoning.fact import Fact
from rules.reasoning.facts.deciding import DecidingClass
from rules.reasoning.facts.denosumab import Course, DenosumabState, Today
from rules.reasoning.facts.fractures import Fracture, FractureClass, IndexDose

_SHOWN_ELSEWHERE = (Course, DenosumabState, Today, DecidingClass, Fracture, FractureClass, IndexDose)
_CAPITALS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_DAYS = range(date(1900, 1, 1).toordinal(), date(2200, 1, 1).toordinal())


def named(kind: str) -> str:
    """The name of a kind of fact in words: "FollowOn" is "follow on"."""
    return _CAPITALS.sub(" ", kind).lower()


def other_facts(facts: Iterable[Fact]) -> list[str]:
    """Each further fact as words: "turnover not measured"."""
    found = [_said(fact) for fact in facts if type(fact) not in _SHOWN_ELSEWHERE]
    return list(dict.fromkeys(words for words in found if words))


def _said(fact: Fact) -> str:
    words = fact.in_words()
    return f"{named(type(fact).__name__)}: {_values(fact)}" if words is None else words


def _values(fact: Fact) -> str:
    said = []
    for name, value in fact.values().items():
        words = name.replace("_", " ")
        if isinstance(value, bool):
            said.append(words if value else f"not {words}")
        elif isinstance(value, int) and value in _DAYS:
            said.append(f"{words} {date.fromordinal(value).isoformat()}")
        else:
            said.append(f"{words} {value:g}" if isinstance(value, float) else f"{words} {value}")
    return ", ".join(said)

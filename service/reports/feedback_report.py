"""What became of the cards, rule by rule: for the people who keep the rules."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from service.storage.port import RuleTally, Tallies

COLUMNS = ("rule", "title", "shown", "accepted", "overridden", "reasons", "suggestions")


def as_data(tallies: Tallies, titles: Mapping[str, str]) -> dict[str, Any]:
    """The whole report as JSON takes it; cards that were ignored are never reported, so the rest says nothing."""
    rules = [
        {
            "rule": one.rule,
            "title": titles.get(one.rule, ""),
            "shown": one.shown,
            "accepted": one.accepted,
            "overridden": one.overridden,
            "reasons": dict(one.reasons),
            "suggestions": dict(one.suggestions),
        }
        for one in tallies.rules
    ]
    return {"rules": rules, "unknownCards": tallies.unknown_cards}


def as_csv(tallies: Tallies, titles: Mapping[str, str]) -> str:
    """A row a rule."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for one in tallies.rules:
        numbers = (one.shown, one.accepted, one.overridden)
        rows.writerow((one.rule, titles.get(one.rule, ""), *numbers, _listed(one.reasons), _listed(one.suggestions)))
    return text.getvalue()


def as_text(tallies: Tallies, titles: Mapping[str, str]) -> list[str]:
    """A table, and under each rule why it was set aside and what was taken."""
    if not tallies.rules:
        return ["No card was shown in this time.", *_unknown(tallies)]
    lines = [f"{'Rule':<9} {'shown':>6} {'accepted':>14} {'overridden':>14}  What it says"]
    for one in tallies.rules:
        taken, refused = (_of(number, one.shown) for number in (one.accepted, one.overridden))
        lines.append(f"{one.rule:<9} {one.shown:>6} {taken:>14} {refused:>14}  {titles.get(one.rule, '')}".rstrip())
        lines += _beneath(one)
    return [*lines, "", "Cards that were ignored are never reported: the rest says nothing.", *_unknown(tallies)]


def _beneath(tally: RuleTally) -> list[str]:
    told = (("set aside", tally.reasons), ("taken", tally.suggestions))
    return [f"{'':<9} {words}: {_listed(found)}" for words, found in told if found]


def _of(number: int, shown: int) -> str:
    return f"{number} ({100 * number / shown:.0f} %)" if number else "0"


def _listed(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{name} {number}" for name, number in ordered)


def _unknown(tallies: Tallies) -> list[str]:
    number = tallies.unknown_cards
    return [f"{number} card(s) were reported on that this database does not know."] if number else []

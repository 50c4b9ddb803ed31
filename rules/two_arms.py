"""The two arms side by side: what a rebound fracture wants, and what an ordinary osteoporotic fracture wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import yaml

from rules.reasoning.errors import KnowledgeError

RELATIONS = ("opposite", "different", "similar", "same")
FILE = Path(__file__).parent / "two_arms.yaml"


@dataclass(frozen=True, slots=True)
class Row:
    """One topic of management in both arms, with the rules that carry it and the sources it rests on."""

    topic: str
    rebound: str
    ordinary: str
    relation: str
    certainty: str
    rules: tuple[str, ...]
    sources: tuple[str, ...]


def read_two_arms() -> Sequence[Row]:
    """All rows, in the order in which decisions come up.

    Raises:
        KnowledgeError: a row is malformed.
    """
    return [_row(entry) for entry in yaml.safe_load(FILE.read_text(encoding="utf-8"))]


def _row(entry: dict[str, object]) -> Row:
    names = [field.name for field in fields(Row)]
    if sorted(entry) != sorted(names):
        raise KnowledgeError(f"{FILE.name}: {entry.get('topic')!r} must hold {', '.join(names)}")
    named = {name: entry[name] for name in ("rules", "sources")}
    lists = {name: tuple(map(str, value)) for name, value in named.items() if isinstance(value, list)}
    row = Row(**{**{name: str(entry[name]) for name in names}, **lists})  # type: ignore[arg-type]
    if row.relation not in RELATIONS:
        raise KnowledgeError(f"{FILE.name}: {row.topic}: relation must be one of {', '.join(RELATIONS)}")
    return row

"""Tables of codes as CSV files: read with every row checked, looked up by whole code or by prefix."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from rules.reasoning.code_systems import CodeSystems
from rules.reasoning.errors import KnowledgeError

V = TypeVar("V")

GRADES = ("A", "B", "C", "recalled-high", "recalled-medium", "recalled-low", "site")
"""How a row is known: official table, curated set, ad-hoc table, from memory; "site" for a site's own codes."""

TEXT = "text"
"""The system, and the match, of a row that is a phrase and not a code."""

MATCHES = ("exact", "prefix", TEXT)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table: `cells` by column name, and where it stands ("file.csv, line 3") for the message."""

    cells: dict[str, str]
    where: str

    def __getitem__(self, column: str) -> str:
        return self.cells[column]


def read_lines(path: Path, columns: Sequence[str]) -> Iterator[Line]:
    """The rows of one CSV file, every cell trimmed.

    Raises:
        KnowledgeError: another header, a row with more or fewer cells, a file that is not UTF-8 text.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file, strict=True)
            header = next(rows, [])
            if header != list(columns):
                raise KnowledgeError(
                    f"{path}, line 1: expected the header {','.join(columns)}, found {','.join(header)}"
                )
            for cells in rows:
                where = f"{path}, line {rows.line_num}"
                if len(cells) != len(columns):
                    raise KnowledgeError(f"{where}: expected {len(columns)} cells, found {len(cells)}")
                yield Line({column: cell.strip() for column, cell in zip(columns, cells, strict=True)}, where)
    except (csv.Error, UnicodeDecodeError) as error:
        raise KnowledgeError(f"{path}: {error}") from error


def normal_code(line: Line, systems: CodeSystems) -> str:
    """The code of a row in the spelling in which codes are compared, the row checked.

    Raises:
        KnowledgeError: an unknown system, match or grade, or a code that its system cannot have.
    """
    if line["grade"] not in GRADES:
        raise KnowledgeError(f"{line.where}: grade {line['grade']!r} is none of {', '.join(GRADES)}")
    if line["match"] not in MATCHES or (line["match"] == TEXT) != (line["system"] == TEXT):
        raise KnowledgeError(f"{line.where}: match {line['match']!r} does not go with system {line['system']!r}")
    if not line["code"] or not line["display"]:
        raise KnowledgeError(f"{line.where}: a row needs a code and a display")
    if line["system"] == TEXT:
        return line["code"]
    system = systems.get(line["system"])
    if system is None:
        raise KnowledgeError(f"{line.where}: code system {line['system']!r} is not in code_systems.yaml")
    code = system.normal(line["code"])
    if flaw := system.flaw(code):
        raise KnowledgeError(f"{line.where}: {flaw}")
    return code


@dataclass(slots=True)
class _OneSystem(Generic[V]):
    exact: dict[str, list[V]] = field(default_factory=dict)
    prefix: dict[str, list[V]] = field(default_factory=dict)
    lengths: tuple[int, ...] = ()


class CodeTable(Generic[V]):
    """Values by code: all that a code has, most specific first. Codes are given in their normal spelling."""

    __slots__ = ("_systems",)

    def __init__(self, rows: Iterable[tuple[str, str, str, V]]) -> None:
        """`rows`: system, normal code, match ("exact" or "prefix"), value."""
        self._systems: dict[str, _OneSystem[V]] = {}
        for system, code, match, value in rows:
            one = self._systems.setdefault(system, _OneSystem())
            (one.exact if match == "exact" else one.prefix).setdefault(code, []).append(value)
        for one in self._systems.values():
            one.lengths = tuple(sorted({len(prefix) for prefix in one.prefix}, reverse=True))

    def __call__(self, system: str, code: str) -> list[V]:
        """The values of every row that holds for `code`: its own first, then those of ever shorter prefixes."""
        one = self._systems.get(system)
        if one is None:
            return []
        found = list(one.exact.get(code, ()))
        for length in one.lengths:
            if length <= len(code):
                found += one.prefix.get(code[:length], ())
        return found

"""What codes and words mean: concepts by code, by prefix, and by phrase where no code is known.

The tables are `rules/terminology/*.csv`, one a concept, with CPT in a folder of its own that may be deleted, and a
site's folder of the same form beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import yaml

from rules.reasoning.code_systems import CodeSystems
from rules.reasoning.code_tables import TEXT, CodeTable, normal_code, read_lines
from rules.reasoning.errors import KnowledgeError
from rules.reasoning.phrases import Phrases
from rules.reasoning.timeline import Code

COLUMNS = ("system", "code", "match", "display", "grade", "source")
"""The header of a concept's table."""

NOT_CONCEPTS = frozenset({"spine_levels.csv"})
"""Tables of the folder that are not concepts."""

_NONE: frozenset[str] = frozenset()
_REMEMBERED_CODES = 32_768

Encounter = Literal["initial", "subsequent", "sequela", "none"]
"""What the seventh character of an ICD-10-CM fracture code says; "none" when there is none, or no valid one."""


@dataclass(frozen=True, slots=True)
class Row:
    """One code or phrase of a concept, how it is known (`grade`) and where it was seen (`source`)."""

    concept: str
    system: str
    code: str
    match: str
    display: str
    grade: str
    source: str


@dataclass(frozen=True, slots=True)
class Relations:
    """How concepts stand to each other: see `relations.yaml`."""

    corrects_in_code: Mapping[str, frozenset[str]]
    corrects_in_record: Mapping[str, frozenset[str]]
    settled_by_text: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True, eq=False)
class Terminology:
    """All codes and phrases, frozen after loading; safe to share between threads and to fork."""

    systems: CodeSystems
    system: Callable[[str], str]
    _rows: tuple[Row, ...]
    _relations: Relations
    _of_code: Callable[[str, str], frozenset[str]]
    _phrases: Phrases

    @classmethod
    def load(cls, directory: Path, *, local: Path | None = None) -> Terminology:
        """Read the tables of `directory`, and those of a site's own folder `local`, which adds rows.

        Raises:
            KnowledgeError: a row is malformed (the message names file and line), a code fails its pattern or check
                digit, or a site's table has the name of no concept.
        """
        systems = CodeSystems.load(directory / "code_systems.yaml")
        rows, normal = _read(directory, systems)
        concepts = frozenset(row.concept for row in rows)
        relations = _relations(directory / "relations.yaml", concepts)
        if local is not None:
            site_rows, site_normal = _read(local, systems)
            if strange := sorted({row.concept for row in site_rows} - concepts):
                raise KnowledgeError(
                    f"{local}: no concept is named {', '.join(strange)}; see {directory / 'README.md'}"
                )
            rows, normal = rows + site_rows, normal + site_normal
        return cls(
            systems=systems,
            system=systems.short,
            _rows=tuple(rows),
            _relations=relations,
            _of_code=_reader(systems, rows, normal, relations),
            _phrases=Phrases((row.code, row.concept) for row in rows if row.system == TEXT),
        )

    def rows(self) -> Iterator[Row]:
        """Every code and phrase, the site's own last."""
        return iter(self._rows)

    def concepts(self, codes: Iterable[Code], text: str = "") -> frozenset[str]:
        """The concepts that a record names by `codes` (systems under short names), else by `text`.

        Where a code is known, text only settles what that code leaves open: strength, brand, a missing site.
        """
        found = _NONE
        for code in codes:
            found |= self._of_code(code.system, code.code)
        if text:
            found = self._with_text(found, text)
        for corrector, corrected in self._relations.corrects_in_record.items():
            if corrector in found:
                found -= corrected
        return found

    def _with_text(self, found: frozenset[str], text: str) -> frozenset[str]:
        if not found:
            return self._phrases.concepts(text)
        for open_concept in self._relations.settled_by_text.keys() & found:
            found |= self._phrases.concepts(text) & self._relations.settled_by_text[open_concept]
        return found


_SEVENTH: Mapping[str, Encounter] = MappingProxyType(
    {
        "A": "initial",
        "B": "initial",
        "D": "subsequent",
        "G": "subsequent",
        "K": "subsequent",
        "P": "subsequent",
        "S": "sequela",
    }
)
_VALID_SEVENTH = (
    ("M484", "ADGS"),
    ("M485", "ADGS"),
    ("M80", "ADGKPS"),
    ("M84", "ADGKPS"),
    ("S128", "ADS"),
    ("S129", "ADS"),
    ("S12", "ABDGKS"),
    ("S220", "ABDGKS"),
    ("S320", "ABDGKS"),
)


def seventh_character(code: str) -> Encounter:
    """What the seventh character of an ICD-10-CM fracture code says of the encounter.

    "initial" means active treatment and may repeat for weeks: it is not the day of the fracture.
    """
    plain = "".join(letter for letter in code.upper() if letter.isalnum())
    if len(plain) != 7:
        return "none"
    valid = next((letters for stem, letters in _VALID_SEVENTH if plain.startswith(stem)), "")
    return _SEVENTH[plain[6]] if plain[6] in valid else "none"


def _tables(directory: Path) -> list[Path]:
    return [path for path in sorted(directory.glob("**/*.csv")) if path.name not in NOT_CONCEPTS]


def _read(directory: Path, systems: CodeSystems) -> tuple[list[Row], list[str]]:
    """The rows of a folder, and beside each its code in the spelling in which codes are compared."""
    if not directory.is_dir():
        raise KnowledgeError(f"{directory}: no such folder of code tables")
    rows: list[Row] = []
    normal: list[str] = []
    for path in _tables(directory):
        seen: set[tuple[str, str]] = set()
        for line in read_lines(path, COLUMNS):
            code = normal_code(line, systems)
            key = (line["system"], code.casefold() if line["system"] == TEXT else code)
            if key in seen:
                raise KnowledgeError(f"{line.where}: {line['system']} {line['code']} is there twice")
            seen.add(key)
            rows.append(Row(concept=path.stem, **line.cells))
            normal.append(code)
    return rows, normal


def _relations(path: Path, concepts: frozenset[str]) -> Relations:
    entries: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        read = {
            kind: MappingProxyType({left: frozenset(right) for left, right in entries[kind].items()})
            for kind in ("corrects_in_code", "corrects_in_record", "settled_by_text")
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise KnowledgeError(f"{path}: expected lists of concepts under each kind of relation: {error}") from error
    named = {name for kind in read.values() for left, right in kind.items() for name in (left, *right)}
    if strange := sorted(named - concepts):
        raise KnowledgeError(f"{path}: no concept is named {', '.join(strange)}")
    return Relations(**read)


def _reader(
    systems: CodeSystems, rows: Sequence[Row], normal: Sequence[str], relations: Relations
) -> Callable[[str, str], frozenset[str]]:
    """The reader of one code, which remembers the last codes it was asked for: a chart repeats few of them."""
    table = CodeTable(
        (row.system, code, row.match, row.concept) for row, code in zip(rows, normal, strict=True) if row.system != TEXT
    )

    def of_code(system_name: str, code: str) -> frozenset[str]:
        system = systems.read_as(system_name, code)
        if system is None:
            return _NONE
        plain = system.normal(code)
        found = set(table(system.name, plain))
        if system.also:
            found.update(table(system.also, plain))
        for corrector in relations.corrects_in_code.keys() & found:
            found -= relations.corrects_in_code[corrector]
        return frozenset(found)

    return lru_cache(maxsize=_REMEMBERED_CODES)(of_code)

"""The knowledge beside the rules: limits, sources, citations, and what each rule says of itself, read from YAML.

Everything is checked while it is read; what is malformed raises `KnowledgeError` with the file and the name.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from rules.reasoning.errors import KnowledgeError

CERTAINTIES = ("V1", "V2", "R-h", "R-m", "R-l", "P")
"""How a statement is known: read in the primary text, in a secondary one, recalled (high, medium, low), proposed."""

INDICATORS = ("info", "warning", "critical")
LAST = 9
"""The precedence of a rule that claims none."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One number that rules use: its UCUM unit, its source and since when; `site` marks a site's own value."""

    name: str
    value: float
    unit: str
    source: tuple[str, ...]
    certainty: str
    since: date
    says: str
    site: bool = False

    def __str__(self) -> str:
        return f"{self.value:g} {self.unit}".replace(" 1", "") if self.unit == "1" else f"{self.value:g} {self.unit}"


@dataclass(frozen=True, slots=True)
class Source:
    """One publication, label or regulator's page."""

    id: str
    title: str
    certainty: str
    doi: str = ""
    pmid: str = ""
    url: str = ""

    @property
    def link(self) -> str:
        """Where to read it: the DOI, else PubMed, else the page; "" when none is known for certain."""
        if self.doi:
            return f"https://doi.org/{self.doi}"
        return f"https://pubmed.ncbi.nlm.nih.gov/{self.pmid}/" if self.pmid else self.url


@dataclass(frozen=True, slots=True)
class Citation:
    """What one source says for one rule, in our own words."""

    source: str
    says: str
    certainty: str


@dataclass(frozen=True, slots=True)
class RuleKnowledge:
    """What `knowledge.yaml` says of one rule.

    `otherwise` are the other words of urgency with which it may speak, each with when. Of rules of one urgency the one
    of the lowest `precedence` leads.
    """

    id: str
    title: str
    indicator: str
    hooks: tuple[str, ...]
    decision: str
    strength: str
    citations: tuple[Citation, ...]
    reviewed: date
    override_reasons: tuple[tuple[str, str], ...] = ()
    otherwise: tuple[tuple[str, str], ...] = ()
    precedence: int = LAST
    yields_to: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    not_assessed: tuple[str, ...] = ()


class Limits(Mapping[str, float]):
    """All limits by name; reading one with the wrong unit is an error, so that months are never taken for days."""

    def __init__(self, limits: Mapping[str, Limit]) -> None:
        self._limits = dict(limits)
        whole = [one for one in self._limits.items() if one[1].value == int(one[1].value)]
        self._whole_of = {(name, one.unit): int(one.value) for name, one in whole}

    def __getitem__(self, name: str) -> float:
        return self.limit(name).value

    def __iter__(self) -> Iterator[str]:
        return iter(self._limits)

    def __len__(self) -> int:
        return len(self._limits)

    def limit(self, name: str) -> Limit:
        """The limit with its unit and source."""
        try:
            return self._limits[name]
        except KeyError:
            raise KnowledgeError(f"no limit is called {name!r}") from None

    def all(self) -> tuple[Limit, ...]:
        """Every limit with its unit and source."""
        return tuple(self._limits.values())

    def number(self, name: str) -> float:
        """The value in its own unit."""
        return self.limit(name).value

    def months(self, name: str) -> int:
        """The value of a limit in months."""
        return self._whole(name, "mo")

    def days(self, name: str) -> int:
        """The value of a limit in days."""
        return self._whole(name, "d")

    def years(self, name: str) -> int:
        """The value of a limit in years."""
        return self._whole(name, "a")

    def _whole(self, name: str, unit: str) -> int:
        found = self._whole_of.get((name, unit))
        if found is None:
            raise KnowledgeError(f"limit {name!r} is {self.limit(name)}, not whole {unit}")
        return found

    def with_values(self, values: Mapping[str, float], since: date, says: str) -> Limits:
        """A copy with a site's own values.

        Raises:
            KnowledgeError: a name is unknown, or a value is no number of the limit's kind, or under 0 where it is not.
        """
        changed = dict(self._limits)
        for name, value in values.items():
            known = self.limit(name)
            if not _is_number(value) or value < 0 <= known.value:
                raise KnowledgeError(f"limit {name!r} needs a number of {known.unit}, not {value!r}")
            if known.unit in ("mo", "d", "a") and value != int(value):
                raise KnowledgeError(f"limit {name!r} needs whole {known.unit}, not {value!r}")
            changed[name] = replace(known, value=float(value), site=True, since=since, says=says)
        return Limits(changed)


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that holds one mapping.

    Raises:
        KnowledgeError: the file cannot be read, is not YAML or is no mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise KnowledgeError(f"{path}: {error}") from error
    if not isinstance(content, dict):
        raise KnowledgeError(f"{path}: must hold names and values")
    return content


def read_sources(path: Path) -> dict[str, Source]:
    """All sources by id."""
    sources = {}
    for name, entry in read_yaml(path).items():
        where = f"{path}: source {name}"
        sources[name] = Source(
            id=name,
            title=_text(entry, "title", where),
            certainty=_one_of(entry, "certainty", CERTAINTIES, where),
            doi=str(entry.get("doi", "")),
            pmid=str(entry.get("pmid", "")),
            url=str(entry.get("url", "")),
        )
    return sources


def read_limits(path: Path) -> dict[str, Limit]:
    """The limits of one topic."""
    limits = {}
    for name, entry in read_yaml(path).get("limits", {}).items():
        where = f"{path}: limit {name}"
        value = entry.get("value")
        if not _is_number(value):
            raise KnowledgeError(f"{where}: value must be a number")
        limits[name] = Limit(
            name=name,
            value=float(value),
            unit=_text(entry, "unit", where),
            source=tuple(entry.get("source") or ()),
            certainty=_one_of(entry, "certainty", CERTAINTIES, where),
            since=_day(entry, "since", where),
            says=_text(entry, "says", where),
        )
    return limits


def _is_number(value: object) -> bool:
    """Whether YAML gave a number that is one: neither yes nor no, neither .nan nor .inf."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def read_rules(path: Path) -> dict[str, RuleKnowledge]:
    """What one topic says of its rules."""
    return {
        name: _rule(name, entry, f"{path}: rule {name}") for name, entry in read_yaml(path).get("rules", {}).items()
    }


def _rule(name: str, entry: Mapping[str, Any], where: str) -> RuleKnowledge:
    citations = tuple(
        Citation(
            source=_text(citation, "source", where),
            says=_text(citation, "says", where),
            certainty=_one_of(citation, "certainty", CERTAINTIES, where),
        )
        for citation in entry.get("citations", ())
    )
    return RuleKnowledge(
        id=name,
        title=_text(entry, "title", where),
        indicator=_one_of(entry, "indicator", INDICATORS, where),
        hooks=tuple(entry.get("hooks", ())),
        decision=_text(entry, "decision", where),
        strength=_text(entry, "strength", where),
        citations=citations,
        reviewed=_day(entry, "reviewed", where),
        override_reasons=tuple((str(code), str(words)) for code, words in (entry.get("override") or {}).items()),
        otherwise=_otherwise(entry, where),
        precedence=entry.get("precedence", LAST),
        yields_to=tuple(entry.get("yields_to", ())),
        limits=tuple(entry.get("limits", ())),
        not_assessed=tuple(entry.get("not_assessed", ())),
    )


def _otherwise(entry: Mapping[str, Any], where: str) -> tuple[tuple[str, str], ...]:
    found = entry.get("otherwise", {})
    if wrong := set(found) - (set(INDICATORS) - {entry["indicator"]}):
        raise KnowledgeError(f"{where}: otherwise cannot be {', '.join(sorted(wrong))}")
    return tuple((word, _text(found, word, where)) for word in found)


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = entry.get(key) if isinstance(entry, Mapping) else None
    if not isinstance(value, str) or not value.strip():
        raise KnowledgeError(f"{where}: {key} is missing")
    return " ".join(value.split())


def _one_of(entry: Mapping[str, Any], key: str, words: Sequence[str], where: str) -> str:
    value = _text(entry, key, where)
    if value not in words:
        raise KnowledgeError(f"{where}: {key} must be one of {', '.join(words)}, not {value!r}")
    return value


def _day(entry: Mapping[str, Any], key: str, where: str) -> date:
    value = entry.get(key)
    if type(value) is not date:  # a moment is one, too, and cannot be compared with a day
        raise KnowledgeError(f"{where}: {key} must be a day")
    return value

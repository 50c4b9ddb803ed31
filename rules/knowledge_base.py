"""All topics as one versioned whole: found in their folders, checked together, adjusted by a site."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from rules.reasoning.errors import KnowledgeError
from rules.reasoning.facts.derive import KINDS, SUMMARIES
from rules.reasoning.knowledge import (
    Citation,
    Limit,
    Limits,
    RuleKnowledge,
    Source,
    read_limits,
    read_rules,
    read_sources,
    read_yaml,
)
from rules.reasoning.rule import Phase, Program, Rule
from rules.reasoning.terminology import Terminology
from rules.set_aside import SetAside, read_set_aside
from rules.sign_offs import NOT_SIGNED_OFF, SignOff, read_sign_offs

FOLDER = Path(__file__).parent
JURISDICTIONS = ("US", "EU", "UK", "CA", "AU")


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """One rule as people read it: its sentence, and what its topic's `knowledge.yaml` says of it."""

    id: str
    topic: str
    sentence: str
    knowledge: RuleKnowledge

    @property
    def title(self) -> str:
        """A few words."""
        return self.knowledge.title

    @property
    def indicator(self) -> str:
        """How urgent it is when nothing raises or lowers it."""
        return self.knowledge.indicator

    @property
    def otherwise(self) -> tuple[tuple[str, str], ...]:
        """The other words of urgency with which it may speak, each with when."""
        return self.knowledge.otherwise

    @property
    def precedence(self) -> int:
        """Of rules of one urgency the one of the lowest number leads."""
        return self.knowledge.precedence

    @property
    def hooks(self) -> tuple[str, ...]:
        """Where it speaks."""
        return self.knowledge.hooks

    @property
    def decision(self) -> str:
        """The decision that its advice is about: advice about one decision is one card."""
        return self.knowledge.decision

    @property
    def evidence_level(self) -> str:
        """The level of the evidence behind it."""
        return self.knowledge.strength

    @property
    def citations(self) -> tuple[Citation, ...]:
        """What each source says for it."""
        return self.knowledge.citations

    @property
    def override_reasons(self) -> tuple[tuple[str, str], ...]:
        """Code and words of the reasons for which a clinician may set it aside."""
        return self.knowledge.override_reasons

    @property
    def yields_to(self) -> tuple[str, ...]:
        """Rules beside which it stays silent."""
        return self.knowledge.yields_to

    @property
    def limits(self) -> tuple[str, ...]:
        """The limits that it names."""
        return self.knowledge.limits

    @property
    def reviewed(self) -> date:
        """The day of the last review against its sources."""
        return self.knowledge.reviewed

    @property
    def not_assessed(self) -> tuple[str, ...]:
        """Conditions of its definition that no fact can carry."""
        return self.knowledge.not_assessed


@dataclass(frozen=True)
class Knowledge:
    """The whole knowledge base, frozen after loading."""

    version: str
    jurisdiction: str
    rules: tuple[RuleEntry, ...]
    limits: Limits
    sources: Mapping[str, Source]
    terminology: Terminology
    program: Program
    sign_offs: Mapping[str, SignOff]
    set_aside: SetAside

    @cached_property
    def _by_id(self) -> Mapping[str, RuleEntry]:
        return {entry.id: entry for entry in self.rules}

    def standing(self, rule_id: str) -> str:
        """Whether a physician has signed off a rule in this version, in words."""
        found = self.sign_offs.get(rule_id)
        return found.in_words(self.version) if found else NOT_SIGNED_OFF

    def signed_off(self, rule_id: str) -> bool:
        """Whether a physician has signed off a rule in this version."""
        return rule_id in self.sign_offs and self.sign_offs[rule_id].version == self.version

    @property
    def standing_of_all(self) -> str:
        """How much of it a physician has signed off, in words."""
        signed = sum(self.signed_off(entry.id) for entry in self.rules)
        if signed == 0:
            return NOT_SIGNED_OFF
        return f"{signed} of {len(self.rules)} signed off by a physician"

    def rule(self, rule_id: str) -> RuleEntry:
        """The rule of that id."""
        if rule_id not in self._by_id:
            raise KnowledgeError(f"no rule is called {rule_id}; `reboundwatch rules` lists them")
        return self._by_id[rule_id]


def load_knowledge(
    *,
    jurisdiction: str = "US",
    limits_file: Path | None = None,
    local_codes: Path | None = None,
    disabled: Sequence[str] = (),
    sign_offs: Path | None = None,
) -> Knowledge:
    """Load and check everything under `rules/`, with a site's own limits and codes.

    Raises:
        KnowledgeError: anything is malformed, unknown or contradictory; the message names file and entry.
    """
    if jurisdiction not in JURISDICTIONS:
        raise KnowledgeError(f"jurisdiction must be one of {', '.join(JURISDICTIONS)}, not {jurisdiction!r}")
    sources = read_sources(FOLDER / "sources.yaml")
    limits: dict[str, Limit] = {}
    rules: list[Rule] = []
    entries: list[RuleEntry] = []
    for path in sorted(FOLDER.glob("*/knowledge.yaml")):
        topic = path.parent.name
        known, found = read_rules(path), _rules_of(topic)
        for name, limit in read_limits(path).items():
            if name in limits:
                raise KnowledgeError(f"{path}: limit {name} is defined twice")
            limits[name] = limit
        rules += found
        entries += _entries(path, topic, known, found)
    _check(entries, limits, sources)
    unknown = set(disabled) - {entry.id for entry in entries}
    if unknown:
        raise KnowledgeError(f"cannot disable {', '.join(sorted(unknown))}: no such rule")
    site = _with_site_limits(Limits(limits), limits_file)
    kept = [one for one in rules if one.id not in disabled]
    return Knowledge(
        version=(FOLDER / "VERSION").read_text(encoding="utf-8").strip(),
        jurisdiction=jurisdiction,
        rules=tuple(sorted((entry for entry in entries if entry.id not in disabled), key=lambda entry: entry.id)),
        limits=site,
        sources=sources,
        terminology=Terminology.load(FOLDER / "terminology", local=local_codes),
        program=Program(kept, site, SUMMARIES, KINDS),
        sign_offs=read_sign_offs(sign_offs, (entry.id for entry in entries)),
        set_aside=read_set_aside(code for entry in entries for code, _ in entry.override_reasons),
    )


def _rules_of(topic: str) -> list[Rule]:
    found: list[Rule] = []
    for path in sorted((FOLDER / topic).glob("*.py")):
        if path.stem != "__init__":
            module = importlib.import_module(f"rules.{topic}.{path.stem}")
            found += [one for one in vars(module).values() if isinstance(one, Rule)]
    return found


def _entries(path: Path, topic: str, known: Mapping[str, RuleKnowledge], found: Sequence[Rule]) -> list[RuleEntry]:
    advising = {one.id: one for one in found if one.phase is Phase.ADVISE}
    if missing := set(advising) ^ set(known):
        raise KnowledgeError(f"{path}: {', '.join(sorted(missing))} has a rule or knowledge, but not both")
    return [RuleEntry(name, topic, advising[name].sentence, entry) for name, entry in known.items()]


def _check(entries: Sequence[RuleEntry], limits: Mapping[str, Limit], sources: Mapping[str, Source]) -> None:
    names = {entry.id for entry in entries}
    for entry in entries:
        if not entry.citations:
            raise KnowledgeError(f"{entry.id} cites nothing")
        cited = {citation.source for citation in entry.citations}
        for what, given, known in (
            ("source", cited, set(sources)),
            ("limit", set(entry.limits), set(limits)),
            ("rule", set(entry.yields_to), names),
        ):
            if given - known:
                raise KnowledgeError(f"{entry.id}: no {what} is called {', '.join(sorted(given - known))}")
    for limit in limits.values():
        if set(limit.source) - set(sources):
            raise KnowledgeError(f"limit {limit.name} cites an unknown source")


def _with_site_limits(limits: Limits, path: Path | None) -> Limits:
    if path is None:
        return limits
    given = read_yaml(path)
    since = given.pop("since", None)
    if type(since) is not date:
        raise KnowledgeError(f"{path}: `since` must say from which day the site's limits hold, as in 2026-12-01")
    try:
        return limits.with_values(given, since, f"set by the site in {path.name}")
    except KnowledgeError as error:
        raise KnowledgeError(f"{path}: {error}") from None

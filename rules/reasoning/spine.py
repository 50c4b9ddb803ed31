"""Which vertebrae a record is about: read from codes of every edition, from body sites and from words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from rules.reasoning.code_systems import CodeSystems
from rules.reasoning.code_tables import CodeTable, normal_code, read_lines
from rules.reasoning.errors import KnowledgeError
from rules.reasoning.timeline import Code
from rules.reasoning.vertebrae import LEVELS, ORDER, mentions, span

__all__ = ["LEVELS", "REGIONS", "SpineSites", "at_or_above_t4", "in_thoracolumbar", "levels", "sites"]

_TERMINOLOGY = Path(__file__).parents[1] / "terminology"
_COLUMNS = ("system", "code", "match", "site", "display", "grade", "source")

REGIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cervical": span("C1", "C7"),
        "cervicothoracic": span("C7", "T1"),
        "thoracic": span("T1", "T12"),
        "thoracolumbar": span("T12", "L1"),
        "lumbar": span("L1", "L5"),
        "lumbosacral": span("L5", "S1"),
        "sacral": span("S1", "S5"),
    }
)
"""The vertebrae that the name of a part of the spine covers; a junction is one vertebra above and one below it."""

_REGION_IN_WORDS = re.compile(
    r"\b(cervical|cervicothoracic|thoracic|dorsal|thoracolumbar|lumbar|lumbosacral|sacral)[\s-]+(?:spine|vertebra|spinal)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SpineSites:
    """What is known of the place: vertebrae by name ("T12"), and regions of which one vertebra is meant ("T5-T6").

    A region is left out when one of its vertebrae, or a narrower region, is known.
    """

    levels: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()

    @property
    def outside_thoracolumbar(self) -> bool:
        """Whether everything that is named lies outside T1 to L5; False when nothing is named."""
        named = [*self.levels, *(level for region in self.regions for level in region_levels(region))]
        return bool(named) and not any(in_thoracolumbar(level) for level in named)


def region_levels(region: str) -> tuple[str, ...]:
    """The vertebrae that a region covers: a name of `REGIONS`, or a span such as "T5-T6".

    Raises:
        KeyError: no such region.
    """
    if region in REGIONS:
        return REGIONS[region]
    first, _, last = region.partition("-")
    return span(first, last)


def in_thoracolumbar(level: str) -> bool:
    """Whether a vertebra is one of T1 to L5, where rebound fractures are counted."""
    return level in ORDER and ORDER["T1"] <= ORDER[level] <= ORDER["L5"]


def at_or_above_t4(level: str) -> bool:
    """Whether a vertebra is T4 or higher, where an osteoporotic fracture is unusual."""
    return level in ORDER and ORDER[level] <= ORDER["T4"]


def levels(codes: Iterable[Code], body_sites: Iterable[Code] = (), text: str = "") -> frozenset[str]:
    """The vertebrae that a record names, by any of its codes, body sites and words; empty when none is named."""
    return sites(codes, body_sites, text).levels


def sites(codes: Iterable[Code], body_sites: Iterable[Code] = (), text: str = "") -> SpineSites:
    """The vertebrae and the regions that a record names. Codes carry their systems under short names."""
    coded = [*codes, *body_sites]
    named: set[str] = set()
    regions: set[str] = set()
    for code in coded:
        site = _site_of_code(code.system, code.code)
        (named if site in ORDER else regions).add(site)
    regions.discard("")
    for part in dict.fromkeys([text, *(code.display for code in coded if code.display not in text)]):
        for mention in mentions(part):
            if mention.alternatives:
                regions.add(f"{mention.levels[0]}-{mention.levels[-1]}")
            else:
                named.update(mention.levels)
        if not named and not regions:
            regions.update(_region_words(part))
    return SpineSites(frozenset(named), _narrowest(named, regions))


def _region_words(text: str) -> Iterable[str]:
    for match in _REGION_IN_WORDS.finditer(text):
        word = match.group(1).casefold()
        yield "thoracic" if word == "dorsal" else word


def _narrowest(named: set[str], regions: set[str]) -> frozenset[str]:
    spans = {region: set(region_levels(region)) for region in regions}
    return frozenset(
        region
        for region, covered in spans.items()
        if not covered & named and not any(other < covered for other in spans.values())
    )


@cache
def _table() -> tuple[CodeSystems, CodeTable[str]]:
    systems = CodeSystems.load(_TERMINOLOGY / "code_systems.yaml")
    rows = []
    for line in read_lines(_TERMINOLOGY / "spine_levels.csv", _COLUMNS):
        site = line["site"]
        if site not in ORDER:
            try:
                region_levels(site)
            except KeyError as error:
                raise KnowledgeError(f"{line.where}: {site!r} is no vertebra and no region") from error
        rows.append((line["system"], normal_code(line, systems), line["match"], site))
    return systems, CodeTable(rows)


def _site_of_code(system_name: str, code: str) -> str:
    """The level or region that the most specific row of the code names, or ""; the code's own edition comes first."""
    systems, table = _table()
    system = systems.read_as(system_name, code)
    if system is None:
        return ""
    normal = system.normal(code)
    found: Sequence[str] = table(system.name, normal)
    if not found and system.also:
        found = table(system.also, normal)
    return found[0] if found else ""

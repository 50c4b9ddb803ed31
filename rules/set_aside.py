"""For how long a card stays away that a clinician has set aside, by the reason that was given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from rules.reasoning.errors import KnowledgeError
from rules.reasoning.knowledge import read_yaml

FILE = Path(__file__).parent / "set_aside.yaml"


@dataclass(frozen=True, slots=True)
class SetAside:
    """How long each reason that a card offers holds; one of a client's own holds for the shortest time."""

    times: Mapping[str, timedelta]
    critical_at_most: timedelta

    @property
    def shortest(self) -> timedelta:
        """The time of the reason that holds least long."""
        return min(self.times.values())

    @property
    def longest(self) -> timedelta:
        """What was set aside longer ago than this holds nothing any more."""
        return max(self.times.values())

    def holds(self, reason: str, *, critical: bool) -> timedelta:
        """How long a card stays away that was set aside for a reason (a code)."""
        found = self.times.get(reason, self.shortest)
        return min(found, self.critical_at_most) if critical else found


def read_set_aside(offered: Iterable[str]) -> SetAside:
    """The time of every reason that a rule offers (a code).

    Raises:
        KnowledgeError: the file is malformed, a reason has no time or two, or a time is for a reason that none offers.
    """
    content = read_yaml(FILE)
    try:
        named = [(reason, timedelta(days=entry["days"])) for entry in content["times"] for reason in entry["reasons"]]
        critical = timedelta(days=content["critical"])
    except (KeyError, TypeError) as error:
        raise KnowledgeError(f"{FILE.name}: needs `critical` and `times`, each with days and reasons") from error
    times = dict(named)
    if len(times) < len(named):
        raise KnowledgeError(f"{FILE.name}: a reason is named twice")
    if wrong := ", ".join(sorted(set(times) ^ set(offered))):
        raise KnowledgeError(f"{FILE.name}: {wrong} is offered by a rule or has a time, but not both")
    return SetAside(times, critical)

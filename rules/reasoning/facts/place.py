"""Where the service runs: labels differ between countries."""

from __future__ import annotations

from rules.reasoning.fact import Fact, Field


class Place(Fact):
    """The jurisdiction of the deployment: US, EU, UK, CA or AU."""

    jurisdiction: Field[str]

    def in_words(self) -> str:
        """The fact as people say it."""
        return f"labels of {self.jurisdiction}"

"""Who has signed off which rule: a file of a site, or none; a sign-off holds for the version that was read, only.

RVFX-01: {version: 2026.11.0, role: consultant endocrinologist, date: 2026-12-01}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rules.reasoning.errors import KnowledgeError
from rules.reasoning.knowledge import read_yaml

NOT_SIGNED_OFF = "not signed off by a physician"
_MEMBERS = {"version", "role", "date"}


@dataclass(frozen=True, slots=True)
class SignOff:
    """That a physician, named by role and not by name, stands for a rule in one version of the knowledge."""

    version: str
    role: str
    date: date

    def in_words(self, version: str) -> str:
        """What it means for a version of the knowledge."""
        if version == self.version:
            return f"signed off by: {self.role}, {self.date}"
        return f"{NOT_SIGNED_OFF} in this version (knowledge {self.version} was: {self.role}, {self.date})"


def read_sign_offs(path: Path | None, rules: Iterable[str]) -> Mapping[str, SignOff]:
    """The sign-offs of a file, by rule; none without a file.

    Raises:
        KnowledgeError: the file is malformed, or names a rule that does not exist.
    """
    if path is None:
        return {}
    known = set(rules)
    return {name: _sign_off(name, entry, path, known) for name, entry in read_yaml(path).items()}


def _sign_off(name: str, entry: object, path: Path, known: set[str]) -> SignOff:
    where = f"{path}: sign-off of {name}"
    if name not in known:
        raise KnowledgeError(f"{where}: no such rule")
    if not isinstance(entry, Mapping) or set(entry) != _MEMBERS:
        raise KnowledgeError(f"{where}: must hold version, role and date, and nothing else")
    version, role, day = entry["version"], entry["role"], entry["date"]
    if not isinstance(version, str) or not isinstance(role, str) or not role.strip():
        raise KnowledgeError(f"{where}: version and role must be words (write the version in quotes)")
    if type(day) is not date:
        raise KnowledgeError(f"{where}: date must be a day, written as 2026-12-01")
    return SignOff(version, role.strip(), day)

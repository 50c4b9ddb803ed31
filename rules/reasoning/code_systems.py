"""The code systems of the world under short names: which URIs mean them, and when two spellings are one code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import yaml

from rules.reasoning.errors import KnowledgeError

_NOT_ALPHANUMERIC = re.compile(r"[^0-9A-Z]")
_NDC_GROUPS = re.compile(r"(\d{4,5})-(\d{3,4})(?:-\d{1,2})?$")
_LONGEST_WHO_CODE = 5
"""Characters of a WHO or German ICD-10 code without its dot; ICD-10-CM goes up to seven."""


@dataclass(frozen=True, slots=True)
class CodeSystem:
    """One code system: `normal` brings a code into the spelling in which codes are compared, "" if it is none.

    `also` names the system whose rows its codes are read by too; `version` is the release that was looked at.
    """

    name: str
    normal: Callable[[str], str]
    pattern: re.Pattern[str]
    check: Callable[[str], bool]
    also: str
    version: str
    licence: str

    def flaw(self, code: str) -> str:
        """Why `code`, in its normal spelling, cannot be one of this system; "" when nothing is wrong."""
        if not self.pattern.fullmatch(code):
            return f"{code!r} does not look like a code of {self.name}"
        return "" if self.check(code) else f"the check digit of {self.name} {code} is wrong"


class CodeSystems:
    """All code systems by short name, and the short name of every URI and misspelling."""

    __slots__ = ("_by_name", "_names", "_parents", "short")

    def __init__(self, systems: Mapping[str, CodeSystem], uris: Mapping[str, str]) -> None:
        self._by_name: Mapping[str, CodeSystem] = MappingProxyType(dict(systems))
        self._names = {uri: name for uri, name in uris.items() if not uri.endswith("/*")}
        self._names.update({name: name for name in systems})
        self._parents = tuple((uri[:-1], name) for uri, name in uris.items() if uri.endswith("/*"))
        self.short: Callable[[str], str] = lru_cache(maxsize=1024)(self._short)

    @classmethod
    def load(cls, path: Path) -> CodeSystems:
        """Read `code_systems.yaml`.

        Raises:
            KnowledgeError: an entry is malformed, or two systems claim one URI.
        """
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(entries, dict):
            raise KnowledgeError(f"{path}: expected one entry a code system")
        systems: dict[str, CodeSystem] = {}
        uris: dict[str, str] = {}
        for name, entry in entries.items():
            systems[name] = _system(path, name, entry)
            for uri in entry["uris"]:
                if uris.setdefault(_tidy(uri), name) != name:
                    raise KnowledgeError(f"{path}: {uri} means both {uris[_tidy(uri)]} and {name}")
        for system in systems.values():
            if system.also and system.also not in systems:
                raise KnowledgeError(f"{path}: {system.name} is read also as {system.also}, which is not listed")
        return cls(systems, uris)

    def __iter__(self) -> Iterator[CodeSystem]:
        return iter(self._by_name.values())

    def get(self, name: str) -> CodeSystem | None:
        """The system of that short name, or None."""
        return self._by_name.get(name)

    def read_as(self, name: str, code: str) -> CodeSystem | None:
        """The system that a code sent under `name` belongs to: a long "ICD-10" code is one of ICD-10-CM."""
        if name == "icd-10" and len(_alphanumeric(code)) > _LONGEST_WHO_CODE:
            name = "icd-10-cm"
        return self._by_name.get(name)

    def _short(self, uri: str) -> str:
        tidy = _tidy(uri)
        if tidy in self._names:
            return self._names[tidy]
        for parent, name in self._parents:
            if tidy.startswith(parent):
                return name
        return uri


def _tidy(uri: str) -> str:
    plain = uri.strip().casefold().partition("|")[0].rstrip("/#")
    return "http://" + plain.removeprefix("https://") if plain.startswith("https://") else plain


def _system(path: Path, name: str, entry: object) -> CodeSystem:
    try:
        if not isinstance(entry, dict):
            raise TypeError("expected a mapping")
        return CodeSystem(
            name=name,
            normal=_FORMS[entry["form"]],
            pattern=re.compile(entry["pattern"]),
            check=_CHECKS[entry.get("check", "none")],
            also=entry.get("also", ""),
            version=str(entry["version"]),
            licence=entry["licence"],
        )
    except (KeyError, TypeError, re.error) as error:
        raise KnowledgeError(f"{path}: code system {name}: {error}") from error


def _plain(code: str) -> str:
    return code.strip()


def _upper(code: str) -> str:
    return code.strip().upper()


def _alphanumeric(code: str) -> str:
    return _NOT_ALPHANUMERIC.sub("", code.upper())


def _stem(code: str) -> str:
    return re.split(r"[&/]", code.strip().upper(), maxsplit=1)[0]


def _read(code: str) -> str:
    return code.strip()[:5].ljust(5, ".")


def _ndc(code: str) -> str:
    """Labeler and product of an NDC, nine digits; "" when ten digits without hyphens leave their border open."""
    code = code.strip()
    if groups := _NDC_GROUPS.match(code):
        return groups.group(1).zfill(5) + groups.group(2).zfill(4)
    return code[:9] if code.isdecimal() and len(code) in (9, 11) else ""


def verhoeff(code: str) -> bool:
    """Whether the last digit of a SNOMED CT identifier checks the others."""
    remainder = 0
    for place, digit in enumerate(reversed(code)):
        remainder = _PRODUCT[remainder][_PERMUTATION[place % 8][int(digit)]]
    return remainder == 0


def mod10(code: str) -> bool:
    """Whether the digit after the hyphen of a LOINC code checks those before it (Luhn)."""
    digits, _, check = code.partition("-")
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 - place % 2)
        total += doubled // 10 + doubled % 10
    return (10 - total % 10) % 10 == int(check)


def _unchecked(code: str) -> bool:
    return bool(code)


_PRODUCT = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 2, 3, 4, 0, 6, 7, 8, 9, 5),
    (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7),
    (4, 0, 1, 2, 3, 9, 5, 6, 7, 8),
    (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2),
    (7, 6, 5, 9, 8, 2, 1, 0, 4, 3),
    (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)
_PERMUTATION = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 5, 7, 6, 2, 8, 3, 0, 9, 4),
    (5, 8, 0, 3, 7, 9, 6, 1, 4, 2),
    (8, 9, 1, 6, 0, 4, 3, 5, 2, 7),
    (9, 4, 5, 3, 1, 2, 6, 8, 7, 0),
    (4, 2, 8, 6, 5, 7, 3, 9, 0, 1),
    (2, 7, 9, 3, 8, 0, 6, 4, 1, 5),
    (7, 0, 4, 6, 9, 1, 3, 2, 5, 8),
)
_FORMS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {"plain": _plain, "upper": _upper, "icd": _alphanumeric, "stem": _stem, "ndc": _ndc, "read": _read}
)
_CHECKS: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {"none": _unchecked, "verhoeff": verhoeff, "mod10": mod10}
)

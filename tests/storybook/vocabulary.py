"""What the words of a case are in FHIR: codings by name, so that a case names a drug or diagnosis as people do."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]

UCUM = "http://unitsofmeasure.org"
_MEASURED = re.compile(
    r"^(?P<comparator>[<>]=?)?\s?(?P<value>-?[\d.]+)(?: (?P<unit>\S+))? on (?P<day>\S+)"
    r"(?: \(normal (?P<low>[\d.]+) to (?P<high>[\d.]+)\))?$"
)


class Untellable(Exception):
    """A word of a case that has no meaning in FHIR here; the message says which are known."""


@cache
def _vocabulary() -> dict[str, dict[str, list[str]]]:
    content: dict[str, dict[str, list[str]]] = yaml.safe_load(
        (Path(__file__).parent / "vocabulary.yaml").read_text(encoding="utf-8")
    )
    return content


def knows(section: str, name: str) -> bool:
    """Whether a section of the vocabulary has that name."""
    return name in _vocabulary()[section]


def words_of(section: str) -> tuple[str, ...]:
    """All names of a section, in its order."""
    return tuple(_vocabulary()[section])


def codings(section: str, name: str) -> list[Json]:
    """The codings of a name; none when records carry it in words only.

    Raises:
        Untellable: the vocabulary does not have the name.
    """
    known = _vocabulary()[section]
    if name not in known:
        raise Untellable(f"{name!r} is none of the {section} that a case can name: {'; '.join(known)}")
    return [_coding(one) for one in known[name]]


def concept(section: str, name: str, text: str | None = None) -> Json:
    """A CodeableConcept: the codings, and the name (or `text`) in words."""
    coding = codings(section, name)
    return {**({"coding": coding} if coding else {}), "text": text or name}


def _coding(written: str) -> Json:
    system, code, display = written.split(" ", 2)
    systems: Any = _vocabulary()["systems"]
    return {"system": systems[system], "code": code, "display": display}


def observed(written: str) -> tuple[Json, str]:
    """The members of an Observation that "2.05 mmol/L on 2026-02-20 (normal 2.20 to 2.60)" says, and its day.

    Raises:
        Untellable: it is not written like that.
    """
    found = _MEASURED.match(written)
    if found is None:
        raise Untellable(f"{written!r} is not written like '2.05 mmol/L on 2026-02-20 (normal 2.20 to 2.60)'")
    unit = found["unit"]
    members: Json = {"valueQuantity": _quantity(found["value"], unit)}
    if found["comparator"]:
        members["valueQuantity"]["comparator"] = found["comparator"]
    if found["low"]:
        members["referenceRange"] = [{"low": _quantity(found["low"], unit), "high": _quantity(found["high"], unit)}]
    return members, found["day"]


def _quantity(value: str, unit: str | None) -> Json:
    return {"value": float(value), **({"unit": unit, "system": UCUM, "code": unit} if unit else {})}


def slug(words: str) -> str:
    """A readable FHIR id: "zoledronic acid 5 mg" is "zoledronic-acid-5-mg"."""
    return re.sub(r"[^a-z0-9.]+", "-", words.lower()).strip("-.")[:64]

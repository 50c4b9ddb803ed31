"""Laboratory values and measures in one canonical unit a quantity, or named as unusable with the reason.

A unit is never guessed: a value without one, with one of another dimension, or outside what is possible is unusable.
Only a score may come without a unit, for it has none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import pint

from rules.reasoning.errors import ClinicalCoreError


class UnusableUnit(ClinicalCoreError):
    """A measured value cannot be brought into its canonical unit; `reason` says why, without the value itself."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Quantity:
    """One kind of measure: its canonical UCUM unit, the same for the unit library, and what is possible in a person.

    `molar_mass` (g/mol) joins mass and amount of substance, `valence` equivalents and amount.
    """

    unit: str
    library_unit: str
    lowest: float
    highest: float
    molar_mass: float = 0.0
    valence: int = 0


SCORE = "{score}"

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "calcium": Quantity("mmol/L", "millimole/liter", 0.5, 6, molar_mass=40.078, valence=2),
        "calcium ionised": Quantity("mmol/L", "millimole/liter", 0.2, 4, molar_mass=40.078, valence=2),
        "albumin": Quantity("g/L", "gram/liter", 5, 90),
        "creatinine": Quantity("umol/L", "micromole/liter", 5, 4000, molar_mass=113.12),
        "egfr": Quantity("mL/min/{1.73_m2}", "milliliter/minute", 0.5, 250),
        "creatinine clearance": Quantity("mL/min", "milliliter/minute", 0.5, 400),
        "vitamin D": Quantity("nmol/L", "nanomole/liter", 1, 1500, molar_mass=400.64),
        "CTX": Quantity("ug/L", "microgram/liter", 0.003, 20),
        "P1NP": Quantity("ug/L", "microgram/liter", 0.5, 5000),
        # 1 pmol/L of intact parathyroid hormone is 9.43 ng/L.
        "PTH": Quantity("ng/L", "nanogram/liter", 0.5, 20_000, molar_mass=9430),
        "ALP": Quantity("U/L", "enzyme_unit/liter", 1, 10_000),
        "bone ALP": Quantity("ug/L", "microgram/liter", 0.1, 2000),
        "osteocalcin": Quantity("ug/L", "microgram/liter", 0.1, 2000),
        # Laboratories give the mass of the phosphorus, not of the phosphate.
        "phosphate": Quantity("mmol/L", "millimole/liter", 0.1, 8, molar_mass=30.974),
        "magnesium": Quantity("mmol/L", "millimole/liter", 0.1, 8, molar_mass=24.305, valence=2),
        # One haem each: 1 mmol/L is 16.114 g/L.
        "haemoglobin": Quantity("g/L", "gram/liter", 10, 300, molar_mass=16_114),
        "CRP": Quantity("mg/L", "milligram/liter", 0, 1000),
        "ESR": Quantity("mm/h", "millimeter/hour", 0, 200),
        "paraprotein": Quantity("g/L", "gram/liter", 0, 200),
        "body height": Quantity("cm", "centimeter", 30, 260),
        "body weight": Quantity("kg", "kilogram", 1, 500),
        "dose": Quantity("mg", "milligram", 0.000_01, 100_000),
        "BMD": Quantity("g/cm2", "gram/centimeter**2", 0.05, 4),
        "T-score": Quantity(SCORE, SCORE, -12, 12),
        "Z-score": Quantity(SCORE, SCORE, -12, 12),
        "pain": Quantity(SCORE, SCORE, 0, 10),
        "probability": Quantity("%", "%", 0, 100),
    }
)
"""Every quantity that rules read, by name."""

QUANTITY_OF: Mapping[str, str] = MappingProxyType(
    {
        "lab-calcium-total": "calcium",
        "lab-calcium-corrected": "calcium",
        "lab-calcium-ionised": "calcium ionised",
        "lab-albumin": "albumin",
        "lab-creatinine": "creatinine",
        "lab-creatinine-clearance": "creatinine clearance",
        "lab-egfr": "egfr",
        "lab-egfr-paediatric": "egfr",
        "lab-vitamin-d-25oh": "vitamin D",
        "lab-ctx": "CTX",
        "lab-p1np": "P1NP",
        "lab-pth": "PTH",
        "lab-alp": "ALP",
        "lab-alp-bone": "bone ALP",
        "lab-osteocalcin": "osteocalcin",
        "lab-phosphate": "phosphate",
        "lab-magnesium": "magnesium",
        "lab-haemoglobin": "haemoglobin",
        "lab-crp": "CRP",
        "lab-esr": "ESR",
        "lab-paraprotein": "paraprotein",
        "body-height": "body height",
        "body-weight": "body weight",
        "dxa-bmd-spine": "BMD",
        "dxa-bmd-hip": "BMD",
        "dxa-bmd-other": "BMD",
        "dxa-tscore-spine": "T-score",
        "dxa-tscore-hip": "T-score",
        "dxa-tscore-other": "T-score",
        "dxa-zscore": "Z-score",
        "pain-score": "pain",
        "frax-major": "probability",
        "frax-hip": "probability",
    }
)
"""The quantity that an observation of a terminology concept measures; concepts without one are not measured."""


def canonical(quantity: str, value: float, unit: str) -> float:
    """`value` in the canonical unit of `quantity` (a name of `QUANTITIES`).

    `unit` is a UCUM code or a usual human spelling ("mg/dl", "mcg/L", "mL/min/1.73m2", "lbs").

    Raises:
        UnusableUnit: no unit, an unknown one, one of another dimension, or a value that cannot be.
        KeyError: no such quantity.
    """
    outcome = _factor(quantity, unit)
    if isinstance(outcome, str):
        raise UnusableUnit(outcome)
    # A value at a limit stays at it: 0.40 ng/mL is 0.4 ug/L, not 0.4000000000000001.
    measured = round(float(value) * outcome, _DECIMALS)
    known = QUANTITIES[quantity]
    if not known.lowest <= measured <= known.highest:
        if not math.isfinite(measured):
            raise UnusableUnit(f"{quantity}: the value is not a number")
        raise UnusableUnit(
            f"{quantity}: the value is outside what is possible ({known.lowest:g} to {known.highest:g} {known.unit}); "
            f"is its unit {unit!r} right?"
        )
    return measured


def factor(quantity: str, unit: str) -> float:
    """What a value in `unit` is multiplied by to be in the canonical unit; for reference ranges, which may begin at 0.

    Raises:
        UnusableUnit: no unit, an unknown one, or one of another dimension.
        KeyError: no such quantity.
    """
    outcome = _factor(quantity, unit)
    if isinstance(outcome, str):
        raise UnusableUnit(outcome)
    return outcome


_REGISTRY: pint.UnitRegistry[float] = pint.UnitRegistry()

_LONGEST_UNIT = 40
_DECIMALS = 9
_SIGNIFICANT = 12
_BODY_SURFACE = re.compile(r"(?:/|\s+per\s+)?\s*\{?\(?1[.,]73(?:[\s_]*(?:m\^?2|m²|sq\.?\s?m))?\)?\}?")
_ANNOTATION = re.compile(r"\{[^{}]*\}")
_SCORES = frozenset(
    {
        "",
        "score",
        "tscore",
        "zscore",
        "sd",
        "s.d.",
        "1",
        "standarddeviation",
        "standarddeviations",
        "/10",
        "points",
        "nrs",
    }
)
_PREFIXES = {"": "", "k": "kilo", "d": "deci", "c": "centi", "m": "milli", "u": "micro", "mc": "micro"}
_PREFIXES |= {"n": "nano", "p": "pico", "f": "femto"}
_ATOMS = {"g": "gram", "gm": "gram", "l": "liter", "mol": "mole", "eq": "mole", "kat": "katal", "m": "meter"}
_SPELLINGS: dict[str, str] = {
    prefix + atom: prefix_name + name for prefix, prefix_name in _PREFIXES.items() for atom, name in _ATOMS.items()
}
_SPELLINGS |= {"min": "minute", "s": "second", "sec": "second", "h": "hour", "hr": "hour", "d": "day", "24h": "day"}
_SPELLINGS |= dict.fromkeys(("1h", "1hr", "hour"), "hour")
_SPELLINGS |= dict.fromkeys(("u", "iu", "[iu]", "[u]"), "enzyme_unit") | {"ku": "kiloenzyme_unit"}
_SPELLINGS |= {"mu": "millienzyme_unit", "miu": "millienzyme_unit", "m[iu]": "millienzyme_unit"}
_SPELLINGS |= {"100ml": "deciliter", "cc": "milliliter", "litre": "liter", "liter": "liter"}
_SPELLINGS |= dict.fromkeys(("cm2", "cm²", "cm^2", "cm-2", "cm**2", "sqcm"), "centimeter**2")
_SPELLINGS |= dict.fromkeys(("lb", "lbs", "[lb_av]", "pound", "pounds"), "pound")
_SPELLINGS |= dict.fromkeys(("in", "[in_i]", "[in_us]", "inch", "inches"), "inch")
_SPELLINGS |= dict.fromkeys(("ft", "[ft_i]", "foot", "feet"), "foot") | {"oz": "ounce", "[oz_av]": "ounce"}
_SPELLINGS |= {"grams": "gram", "gram": "gram", "kgs": "kilogram", "kilogram": "kilogram", "kilograms": "kilogram"}
_SPELLINGS |= {"milligram": "milligram", "milligrams": "milligram", "microgram": "microgram", "micrograms": "microgram"}
_SPELLINGS |= {"meter": "meter", "metre": "meter", "meters": "meter", "metres": "meter"}
_SPELLINGS |= dict.fromkeys(("centimeter", "centimeters", "centimetre", "centimetres"), "centimeter")


@lru_cache(maxsize=4096)
def _factor(quantity: str, unit: str) -> float | str:
    """The factor, or the reason why there is none; remembered, for a chart repeats few units."""
    known = QUANTITIES[quantity]
    spelled = unit.strip().casefold().replace("µ", "u").replace("μ", "u")
    if not spelled and known.unit != SCORE:
        return f"{quantity}: the value has no unit"
    if len(spelled) > _LONGEST_UNIT:
        return f"{quantity}: the unit is not one of measure"
    if known.unit == "%":
        return 1.0 if spelled == "%" else f"{quantity}: the unit {unit!r} is not a percentage"
    if known.unit == SCORE:
        plain = re.sub(r"[{}\s_-]", "", spelled)
        return 1.0 if plain in _SCORES else f"{quantity}: the unit {unit!r} is not that of a score"
    without_surface = _BODY_SURFACE.sub("", spelled)
    if without_surface != spelled and quantity != "egfr":
        return f"{quantity}: the unit {unit!r} is relative to the body surface"
    names = _names(_ANNOTATION.sub("", without_surface))
    if names is None:
        return f"{quantity}: the unit {unit!r} is not known"
    converted = _converted(known, "/".join(names))
    if converted is None:
        return f"{quantity}: the unit {unit!r} does not measure it (expected {known.unit} or one like it)"
    if re.search(r"(?:^|/)[a-z]?eq(?:$|/)", without_surface):
        return converted / known.valence if known.valence else f"{quantity}: equivalents have no meaning for it"
    return converted


def _names(spelled: str) -> list[str] | None:
    """The units of a fraction under the names of the library, or None when one of them is not known."""
    parts = [part.strip(" .()") for part in spelled.replace(" per ", "/").replace("·", "/").split("/")]
    names = [_SPELLINGS.get(part, "") for part in parts]
    return names if all(names) else None


def _converted(known: Quantity, unit: str) -> float | None:
    """One `unit` in the canonical unit, through the molar mass where one is a mass and the other an amount."""
    one = _REGISTRY.Quantity(1.0, unit)
    candidates = [one]
    if known.molar_mass:
        molar_mass = _REGISTRY.Quantity(known.molar_mass, "gram/mole")
        candidates += [one / molar_mass, one * molar_mass]
    for candidate in candidates:
        if candidate.is_compatible_with(known.library_unit):
            return float(f"{candidate.to(known.library_unit).magnitude:.{_SIGNIFICANT}g}")
    return None

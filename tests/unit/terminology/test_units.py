"""Measures in one canonical unit, or unusable with the reason: a unit is never guessed."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.reasoning.terminology import Terminology
from rules.reasoning.units import QUANTITIES, QUANTITY_OF, UnusableUnit, canonical, factor


@pytest.mark.parametrize(("value", "unit"), [(0.85, "ng/mL"), (0.85, "ug/L"), (850, "ng/L"), (850, "pg/mL")])
def test_one_ctx_value_in_four_units_is_one_value(value: float, unit: str) -> None:
    assert canonical("CTX", value, unit) == 0.85


def test_852_nanograms_a_litre_is_not_852_micrograms() -> None:
    assert canonical("CTX", 852, "ng/L") == 0.852
    assert canonical("CTX", 104, "ng/L") == 0.104
    with pytest.raises(UnusableUnit, match="outside what is possible"):
        canonical("CTX", 852, "ug/L")


@pytest.mark.parametrize(
    ("quantity", "value", "unit", "expected"),
    [
        ("calcium", 8.5, "mg/dL", 2.1209),
        ("calcium", 8.5, "mg/dl", 2.1209),
        ("calcium", 8.5, "MG/DL", 2.1209),
        ("calcium", 4.6, "mEq/L", 2.3),
        ("calcium", 2.2, "mmol/l", 2.2),
        ("calcium ionised", 4.8, "mg/dL", 1.1977),
        ("albumin", 4.0, "g/dL", 40),
        ("creatinine", 1.0, "mg/dL", 88.40),
        ("creatinine", 1.0, "mg/100ml", 88.40),
        ("creatinine", 97, "umol/l", 97),
        ("creatinine", 97, "µmol/L", 97),
        ("egfr", 33, "mL/min/{1.73_m2}", 33),
        ("egfr", 33, "mL/min/1.73m2", 33),
        ("egfr", 33, "ml/min/1.73 m^2", 33),
        ("egfr", 33, "mL/min per 1.73m²", 33),
        ("egfr", 33, "mL/min/1,73m2", 33),
        ("egfr", 33, "mL/min", 33),
        ("egfr", 0.55, "mL/s/{1.73_m2}", 33),
        ("creatinine clearance", 34, "mL/min", 34),
        ("vitamin D", 20, "ng/mL", 49.92),
        ("vitamin D", 50, "nmol/L", 50),
        ("PTH", 5, "pmol/L", 47.15),
        ("PTH", 47, "pg/mL", 47),
        ("P1NP", 45, "mcg/L", 45),
        ("P1NP", 45, "µg/L", 45),
        ("ALP", 80, "U/L", 80),
        ("ALP", 80, "[iU]/L", 80),
        ("ALP", 1.5, "ukat/L", 90),
        ("phosphate", 3.1, "mg/dL", 1.0008),
        ("CRP", 4.2, "mg/dL", 42),
        ("CRP", 42, "mg/L", 42),
        ("CRP", 0, "mg/L", 0),
        ("ESR", 60, "mm/h", 60),
        ("ESR", 60, "mm/hr", 60),
        ("ESR", 60, "mm/1h", 60),
        ("paraprotein", 1.8, "g/dL", 18),
        ("magnesium", 1.6, "mEq/L", 0.8),
        ("haemoglobin", 7, "mmol/L", 112.8),
        ("body height", 1.64, "m", 164),
        ("body height", 64, "[in_i]", 162.56),
        ("body height", 64, "in", 162.56),
        ("body weight", 150, "lb", 68.04),
        ("body weight", 150, "[lb_av]", 68.04),
        ("body weight", 68_000, "g", 68),
        ("BMD", 0.887, "g/cm2", 0.887),
        ("BMD", 0.887, "g/cm²", 0.887),
        ("T-score", -2.5, "{T-score}", -2.5),
        ("T-score", -2.5, "{score}", -2.5),
        ("T-score", -2.5, "1", -2.5),
        ("pain", 7, "{score}", 7),
        ("probability", 20, "%", 20),
        ("dose", 60, "mg", 60),
        ("dose", 0.06, "g", 60),
        ("dose", 20, "ug", 0.02),
    ],
)
def test_usual_units_come_out_in_the_canonical_one(quantity: str, value: float, unit: str, expected: float) -> None:
    assert canonical(quantity, value, unit) == pytest.approx(expected, rel=2e-4)


@pytest.mark.parametrize(
    ("quantity", "value", "unit", "reason"),
    [
        ("calcium", 9.2, "", "no unit"),
        ("calcium", 9.2, "   ", "no unit"),
        ("calcium", 9.2, "%", "not known"),
        ("calcium", 9.2, "banana", "not known"),
        ("calcium", 9.2, "U/L", "does not measure it"),
        ("calcium", 9.2, "mg", "does not measure it"),
        ("calcium", 9.2, "mmol/L", "outside what is possible"),
        ("calcium", -1, "mmol/L", "outside what is possible"),
        ("calcium", math.nan, "mmol/L", "not a number"),
        ("calcium", math.inf, "mmol/L", "not a number"),
        ("calcium", 9.2, "mg/dL" * 20, "not one of measure"),
        ("calcium", 9.2, "9**9**9", "not known"),
        ("albumin", 600, "umol/L", "does not measure it"),
        ("albumin", 4, "mEq/L", "does not measure it"),
        ("CTX", 0.3, "nmol/L", "does not measure it"),
        ("egfr", 33, "mL/min/m2", "not known"),
        ("egfr", 33, "%", "not known"),
        ("creatinine clearance", 33, "mL/min/1.73m2", "relative to the body surface"),
        ("T-score", 0.887, "g/cm2", "not that of a score"),
        ("T-score", -25, "{score}", "outside what is possible"),
        ("BMD", -2.5, "{score}", "not known"),
        ("probability", 20, "mg", "not a percentage"),
        ("dose", 1, "mL", "does not measure it"),
        ("body height", 5, "kg", "does not measure it"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_reason(quantity: str, value: float, unit: str, reason: str) -> None:
    with pytest.raises(UnusableUnit) as refused:
        canonical(quantity, value, unit)
    assert reason in refused.value.reason
    assert refused.value.reason.startswith(quantity)


def test_a_score_needs_no_unit() -> None:
    assert canonical("T-score", -2.5, "") == -2.5


def test_a_value_at_a_limit_stays_at_the_limit() -> None:
    assert canonical("CTX", 0.40, "ng/mL") == 0.40
    assert canonical("CTX", 400, "pg/mL") == 0.40
    assert canonical("egfr", 35, "mL/min/{1.73_m2}") == 35
    assert canonical("albumin", 4.1, "g/dL") == 41


def test_the_ends_of_a_reference_range_may_be_zero() -> None:
    assert 0 * factor("CTX", "pg/mL") == 0
    with pytest.raises(UnusableUnit):
        factor("CTX", "")


def test_a_reason_never_repeats_the_patients_value() -> None:
    with pytest.raises(UnusableUnit) as refused:
        canonical("calcium", 73.1379, "mmol/L")
    assert "73" not in str(refused.value)


def test_an_unknown_quantity_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError):
        canonical("mood", 1, "mg")


def test_every_measured_concept_exists_and_has_a_quantity(terminology: Terminology) -> None:
    concepts = {row.concept for row in terminology.rows()}
    assert set(QUANTITY_OF) <= concepts
    assert set(QUANTITY_OF.values()) <= set(QUANTITIES)
    measured = {name for name in concepts if name.startswith(("lab-", "dxa-", "body-", "frax-"))}
    assert measured == set(QUANTITY_OF) - {"pain-score"}


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_the_canonical_unit_of_a_quantity_is_itself_understood(quantity: str) -> None:
    known = QUANTITIES[quantity]
    assert factor(quantity, known.unit) == 1
    assert known.lowest < known.highest


SPELLINGS = {
    "calcium": ("mg/dL", "mmol/L", "mEq/L", "umol/L", "g/L"),
    "creatinine": ("mg/dL", "umol/L", "mmol/L", "mg/L"),
    "vitamin D": ("ng/mL", "nmol/L", "ug/L"),
    "PTH": ("pg/mL", "pmol/L", "ng/L"),
    "CTX": ("ng/mL", "pg/mL", "ng/L", "ug/L"),
    "body weight": ("kg", "lb", "g", "oz"),
    "body height": ("cm", "m", "in", "ft", "mm"),
    "haemoglobin": ("g/dL", "g/L", "mmol/L"),
}


@given(st.data())
def test_a_value_survives_the_way_there_and_back(data: st.DataObject) -> None:
    quantity = data.draw(st.sampled_from(sorted(SPELLINGS)))
    unit = data.draw(st.sampled_from(SPELLINGS[quantity]))
    known = QUANTITIES[quantity]
    value = data.draw(st.floats(known.lowest * 1.01, known.highest * 0.99))
    there = value / factor(quantity, unit)
    assert canonical(quantity, there, unit) == pytest.approx(value, rel=1e-6, abs=1e-8)


@given(st.floats(), st.text(max_size=50))
def test_no_text_as_a_unit_ever_breaks_the_reader(value: float, unit: str) -> None:
    with suppress(UnusableUnit):
        assert 0.5 <= canonical("calcium", value, unit) <= 6

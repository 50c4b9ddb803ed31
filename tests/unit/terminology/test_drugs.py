"""Drugs beside the bone drugs: their groups, combinations, and the look-alikes that must not be read as them."""

from __future__ import annotations

import pytest

from rules.reasoning.terminology import Terminology
from rules.reasoning.timeline import Code


def concepts(terminology: Terminology, system: str, code: str, text: str = "") -> frozenset[str]:
    return terminology.concepts([Code(system, code)], text)


@pytest.mark.parametrize("code", ["N02BF01", "N02BF02", "N03AX12", "N03AX16"])
def test_a_gabapentinoid_is_read_under_its_old_and_its_new_class(terminology: Terminology, code: str) -> None:
    assert concepts(terminology, "atc", code) == {"gabapentinoid"}


def test_other_antiepileptics_are_no_gabapentinoids(terminology: Terminology) -> None:
    for code in ("N03AX09", "N03AX14", "N02BG10"):
        assert concepts(terminology, "atc", code) == frozenset()
    assert terminology.concepts([], "Vigabatrin 500 mg") == frozenset()


@pytest.mark.parametrize(
    ("system", "code"),
    [("atc", "B01AA03"), ("atc", "B01AB05"), ("atc", "B01AF02"), ("atc", "B01AX05"), ("rxnorm", "1364430")],
)
def test_oral_and_injected_anticoagulants_are_one_group(terminology: Terminology, system: str, code: str) -> None:
    assert concepts(terminology, system, code) == {"anticoagulant"}


@pytest.mark.parametrize(
    ("system", "code", "name"),
    [
        ("atc", "B01AC04", "clopidogrel"),
        ("atc", "B01AC06", "aspirin 81 MG"),
        ("rxnorm", "174742", "Plavix"),
        ("rxnorm", "105899", "naproxen 500 MG Oral Tablet [Naprosyn]"),
        ("icd-10-cm", "Z79.02", "Long term (current) use of antithrombotics/antiplatelets"),
    ],
)
def test_inhibitors_of_platelets_are_no_anticoagulants(
    terminology: Terminology, system: str, code: str, name: str
) -> None:
    assert "anticoagulant" not in concepts(terminology, system, code, name)


def test_a_heparin_flush_of_a_line_is_no_anticoagulation(terminology: Terminology) -> None:
    assert terminology.concepts([], "heparin flush 10 units/mL") == {"local-form"}
    assert terminology.concepts([], "heparin 5000 units SC") == {"anticoagulant"}
    assert concepts(terminology, "atc", "C05BA03", "heparin") == {"local-form"}
    assert concepts(terminology, "rxnorm", "1362062") == frozenset()


def test_long_term_use_of_anticoagulants_has_its_own_status_code(terminology: Terminology) -> None:
    for system, code in (("icd-10-cm", "Z79.01"), ("icd-10", "Z92.1"), ("icd-9-cm", "V58.61")):
        assert concepts(terminology, system, code) == {"anticoagulant-therapy-status"}


@pytest.mark.parametrize("code", ["C09AA05", "C09CA01", "C09XA02", "C09DX04", "C09BB04"])
def test_everything_that_acts_on_the_renin_angiotensin_system_is_one_group(terminology: Terminology, code: str) -> None:
    assert concepts(terminology, "atc", code) == {"raas-inhibitor"}


def test_spironolactone_is_a_diuretic_and_amlodipine_neither(terminology: Terminology) -> None:
    assert concepts(terminology, "atc", "C03DA01") == {"diuretic"}
    assert concepts(terminology, "atc", "C08CA01", "amlodipine") == frozenset()


@pytest.mark.parametrize(
    ("system", "code"), [("atc", "C09BA03"), ("atc", "C09DA01"), ("atc", "C09DX01"), ("rxnorm", "310809")]
)
def test_a_combination_is_both_of_its_parts(terminology: Terminology, system: str, code: str) -> None:
    assert concepts(terminology, system, code) == {"diuretic", "raas-inhibitor"}


def test_a_combination_in_words_is_both_of_its_parts(terminology: Terminology) -> None:
    found = terminology.concepts([], "Lisinopril 20 mg / hydrochlorothiazide 12.5 mg")
    assert found == {"diuretic", "raas-inhibitor"}


@pytest.mark.parametrize("code", ["C03AA03", "C03BA11", "C03CA01", "C03DB01", "C03EA01", "C07BB07", "C08GA02"])
def test_thiazides_loop_and_potassium_sparing_diuretics_are_one_group(terminology: Terminology, code: str) -> None:
    assert concepts(terminology, "atc", code) == {"diuretic"}


def test_tolvaptan_and_acetazolamide_are_not_in_it(terminology: Terminology) -> None:
    assert concepts(terminology, "atc", "C03XA01", "tolvaptan") == frozenset()
    assert concepts(terminology, "atc", "S01EC01", "acetazolamide") == frozenset()


def test_a_proton_pump_inhibitor_is_no_h2_blocker(terminology: Terminology) -> None:
    assert concepts(terminology, "atc", "A02BC02") == {"proton-pump-inhibitor"}
    assert concepts(terminology, "atc", "A02BA03", "famotidine") == frozenset()
    assert terminology.concepts([], "Esomeprazole 20 MG Delayed Release Oral Capsule") == {"proton-pump-inhibitor"}
    assert terminology.concepts([], "Aripiprazole 5 mg") == frozenset()


@pytest.mark.parametrize(
    "name",
    [
        "diclofenac sodium 0.01 MG/MG Topical Gel",
        "Diclofenac 1.16% gel",
        "Ibuprofen 5% Creme",
        "diclofenac epolamine 1.3% medicated patch",
        "Ketorolac 0.5% ophthalmic solution",
        "Diclofenac Augentropfen",
        "diclofénac collyre",
        "Ketoprofeno crema",
    ],
)
def test_an_nsaid_for_skin_or_eye_is_no_systemic_one(terminology: Terminology, name: str) -> None:
    assert "nsaid" not in terminology.concepts([], name)
    assert "nsaid" not in concepts(terminology, "rxnorm", "3355", name)


@pytest.mark.parametrize(
    "name", ["Diclofenac 75 mg tablets", "Ibuprofen 200 mg liquid gel capsules", "naproxen | cold pack to the back"]
)
def test_a_swallowed_nsaid_stays_systemic(terminology: Terminology, name: str) -> None:
    assert "nsaid" in terminology.concepts([], name)
    assert "nsaid" in concepts(terminology, "rxnorm", "3355", name)


@pytest.mark.parametrize("code", ["M02AA15", "M02AA07", "S01BC03", "D11AX18"])
def test_the_atc_code_tells_the_form_of_an_nsaid(terminology: Terminology, code: str) -> None:
    assert concepts(terminology, "atc", code, "diclofenac") == {"local-form"}
    assert concepts(terminology, "atc", "M01AB05", "diclofenac") == {"nsaid"}


def test_the_form_takes_nothing_from_an_opioid(terminology: Terminology) -> None:
    assert "opioid" in terminology.concepts([], "fentanyl 25 mcg/h transdermal patch")
    assert "opioid" in terminology.concepts([], "morphine topical gel")


@pytest.mark.parametrize("code", ["N02AA01", "N02AA59", "N02AJ06", "N02AG01", "R05DA04"])
def test_codeine_and_morphine_are_opioids_of_their_own(terminology: Terminology, code: str) -> None:
    assert concepts(terminology, "atc", code) == {"codeine-or-morphine", "opioid"}


@pytest.mark.parametrize(
    ("code", "name"),
    [("N02AA08", "dihydrocodeine"), ("N02AA03", "hydromorphone"), ("N02AA05", "oxycodone"), ("N02AX02", "tramadol")],
)
def test_other_opioids_are_neither_codeine_nor_morphine(terminology: Terminology, code: str, name: str) -> None:
    assert concepts(terminology, "atc", code) == {"opioid"}
    assert terminology.concepts([], name) == {"opioid"}


def test_apomorphine_is_no_opioid(terminology: Terminology) -> None:
    assert concepts(terminology, "atc", "N04BC07", "apomorphine") == frozenset()


def test_codeine_in_words_and_in_products(terminology: Terminology) -> None:
    assert terminology.concepts([], "Co-codamol 30/500") == {"codeine-or-morphine", "opioid"}
    assert concepts(terminology, "rxnorm", "993781") == {"codeine-or-morphine", "opioid"}

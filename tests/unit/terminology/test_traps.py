"""The traps of clinical code systems, one test each: wrong public codes, look-alike brands, editions that differ."""

from __future__ import annotations

import pytest

from rules.reasoning.spine import sites
from rules.reasoning.terminology import Terminology
from rules.reasoning.timeline import Code

VERTEBRAL = {
    "vertebral-fracture-osteoporotic",
    "vertebral-fracture-compression",
    "vertebral-fracture-cause-unspecified",
}


def concepts(terminology: Terminology, system: str, code: str, text: str = "") -> frozenset[str]:
    return terminology.concepts([Code(system, code)], text)


# --- editions of ICD-10 that differ


def test_m80_08_is_a_vertebra_in_icd_10_cm_and_a_group_of_sites_elsewhere(terminology: Terminology) -> None:
    assert "vertebral-fracture-osteoporotic" in concepts(terminology, "icd-10-cm", "M80.08XA")
    for edition in ("icd-10", "icd-10-gm"):
        found = concepts(terminology, edition, "M80.08")
        assert "fracture-osteoporotic-site-unspecified" in found
        assert not found & VERTEBRAL


@pytest.mark.parametrize("edition", ["icd-10", "icd-10-gm"])
def test_a_who_site_digit_for_the_thigh_is_no_possible_vertebra(terminology: Terminology, edition: str) -> None:
    assert concepts(terminology, edition, "M80.05") == {"osteoporosis-with-fracture"}
    assert concepts(terminology, edition, "M84.45") == frozenset()
    assert concepts(terminology, edition, "M90.75") == frozenset()


def test_m48_50_says_no_site_in_icd_10_cm_and_several_sites_in_icd_10_gm(terminology: Terminology) -> None:
    assert concepts(terminology, "icd-10-cm", "M48.50XA") == {"vertebral-fracture-compression"}
    assert concepts(terminology, "icd-10-gm", "M48.50") == {"vertebral-fracture-compression"}
    assert sites([Code("icd-10-cm", "M48.50XA")]).regions == frozenset()
    assert sites([Code("icd-10-gm", "M48.50")]).regions == frozenset()


@pytest.mark.parametrize(
    ("code", "american", "german"),
    [
        ("S22.01", "T1", "T1-T2"),
        ("S22.03", "T3", "T5-T6"),
        ("S22.05", "T5-T6", "T9-T10"),
        ("S22.06", "T7-T8", "T11-T12"),
        ("S32.03", "L3", "L3"),
    ],
)
def test_the_fifth_character_of_a_thoracic_fracture_names_another_vertebra_in_germany(
    code: str, american: str, german: str
) -> None:
    for edition, place in (("icd-10-cm", american), ("icd-10-gm", german)):
        found = sites([Code(edition, code)])
        assert found.levels | found.regions == {place}


def test_s22_1_is_no_code_of_icd_10_cm_and_several_thoracic_fractures_elsewhere(terminology: Terminology) -> None:
    assert concepts(terminology, "icd-10-cm", "S22.1") == frozenset()
    assert concepts(terminology, "icd-10", "S22.1") == {"vertebral-fracture-cause-unspecified"}
    assert concepts(terminology, "icd-10-gm", "S22.1") == {"vertebral-fracture-cause-unspecified"}


def test_m49_5_and_m81_9_and_k10_2_do_not_exist_in_icd_10_cm(terminology: Terminology) -> None:
    for code in ("M49.50", "M81.9", "K10.2", "I64"):
        assert concepts(terminology, "icd-10-cm", code) == frozenset(), code
    assert concepts(terminology, "icd-10", "M49.5") == {"vertebral-fracture-compression"}
    assert concepts(terminology, "icd-10-gm", "M81.9") == {"osteoporosis"}
    assert concepts(terminology, "icd-10-gm", "I64") == {"stroke"}


@pytest.mark.parametrize(("edition", "code"), [("icd-10", "E83.5"), ("icd-10-gm", "E83.58"), ("icd-10-gm", "E83.5")])
def test_a_calcium_disorder_outside_icd_10_cm_does_not_prove_hypocalcaemia(
    terminology: Terminology, edition: str, code: str
) -> None:
    assert concepts(terminology, edition, code) == {"calcium-disorder-unspecified"}


def test_codes_that_only_icd_10_cm_has_mean_nothing_in_other_editions(terminology: Terminology) -> None:
    for code in ("N18.6", "Z87.310", "M87.180"):
        assert concepts(terminology, "icd-10-cm", code), code
    assert "ckd-5" in concepts(terminology, "icd-10-cm", "N18.6")
    assert "ckd-5" not in concepts(terminology, "icd-10", "N18.6")
    assert "ckd-5" not in concepts(terminology, "icd-10-gm", "N18.6")


def test_a_long_code_sent_as_who_icd_10_is_read_as_icd_10_cm(terminology: Terminology) -> None:
    assert concepts(terminology, "icd-10", "M80.08XA") == concepts(terminology, "icd-10-cm", "M80.08XA")
    assert concepts(terminology, "icd-10", "S22.080A") == {"vertebral-fracture-cause-unspecified"}


# --- prefixes that catch too much


@pytest.mark.parametrize(
    "code",
    [
        "S12.8XXA",
        "S22.20XA",
        "S22.31XA",
        "S22.41XA",
        "S22.5XXA",
        "S32.10XA",
        "S32.2XXA",
        "S32.301A",
        "S32.401A",
        "S32.501A",
        "S22.9XXA",
        "S32.9XXA",
    ],
)
def test_a_rib_or_pelvis_under_the_spine_prefixes_is_no_vertebra(terminology: Terminology, code: str) -> None:
    assert concepts(terminology, "icd-10-cm", code) == {"not-a-vertebral-fracture"}


@pytest.mark.parametrize("code", ["S12.000A", "S12.9XXA", "S22.009A", "S22.080A", "S32.010A", "S32.050B"])
def test_a_vertebra_under_the_injury_prefixes_is_kept_without_a_cause(terminology: Terminology, code: str) -> None:
    assert concepts(terminology, "icd-10-cm", code) == {"vertebral-fracture-cause-unspecified"}


def test_a_fatigue_fracture_is_no_fragility_fracture(terminology: Terminology) -> None:
    for edition, code in (("icd-10-cm", "M48.46XA"), ("icd-10", "M48.4"), ("icd-10-gm", "M48.44")):
        assert concepts(terminology, edition, code) == {"vertebral-fracture-fatigue"}


def test_icd_9_733_13_does_not_say_its_cause(terminology: Terminology) -> None:
    assert concepts(terminology, "icd-9-cm", "733.13") == {"vertebral-fracture-compression"}


def test_osteoporosis_without_a_word_of_fracture_is_no_fracture(terminology: Terminology) -> None:
    for system, code in (("icd-9-cm", "733.00"), ("icd-11", "FB83.1"), ("icd-10", "M82.0"), ("icd-10-cm", "M81.0")):
        assert concepts(terminology, system, code) == {"osteoporosis"}, code


def test_an_osteoporotic_fracture_without_a_site_is_no_evidence_of_a_vertebra(terminology: Terminology) -> None:
    found = concepts(terminology, "snomed", "443165006", "Pathological fracture due to osteoporosis (disorder)")
    assert found == {"fracture-osteoporotic-site-unspecified", "osteoporosis-with-fracture"}
    settled = concepts(terminology, "snomed", "443165006", "Osteoporotic fracture | T12 compression fracture")
    assert "vertebral-fracture-compression" in settled


@pytest.mark.parametrize("code", ["203450003", "203451004", "203452006", "240198002", "11311601000119109"])
def test_fractures_that_a_value_set_calls_osteoporosis_without_fracture_stay_fractures(
    terminology: Terminology, code: str
) -> None:
    assert concepts(terminology, "snomed", code) == {"vertebral-fracture-osteoporotic"}


def test_bone_grafts_and_tethers_are_no_augmentation(terminology: Terminology) -> None:
    for code in ("0PU437Z", "0PU43KZ", "0QU037Z", "0QU03KZ", "0PS403Z"):
        assert concepts(terminology, "icd-10-pcs", code) == {"not-vertebral-augmentation"}
    for code in ("0PU43JZ", "0QU03JZ", "XNU4356"):
        assert concepts(terminology, "icd-10-pcs", code) == {"vertebral-augmentation"}
    assert concepts(terminology, "icd-10-pcs", "0PS43ZZ") == {"vertebral-reposition"}


# --- wrong codes seen in public code


@pytest.mark.parametrize(
    ("system", "code", "meant"),
    [
        ("snomed", "207957008", {"vertebral-fracture-cause-unspecified"}),
        ("snomed", "207938004", {"vertebral-fracture-cause-unspecified"}),
        ("snomed", "42942008", {"vertebral-fracture-compression"}),
        ("snomed", "698077007", set()),
        ("snomed", "64859006", {"osteoporosis"}),
        ("snomed", "312894000", {"osteopenia"}),
        ("snomed", "5291005", {"hypocalcaemia"}),
        ("snomed", "94222008", {"bone-metastasis"}),
        ("snomed", "20534211000001109", set()),
        ("rxnorm", "993449", {"denosumab"}),
        ("icd-10-cm", "M97.11XA", set()),
        ("icd-10", "K10.3", set()),
        ("icd-11", "NA83.0", set()),
        ("icd-11", "NA82.0", {"vertebral-fracture-cause-unspecified"}),
        ("icd-11", "FB83.1", {"osteoporosis"}),
        ("loinc", "24533-2", set()),
        ("loinc", "24968-0", {"imaging-spine-mri"}),
        ("loinc", "1995-0", {"lab-calcium-ionised"}),
        ("loinc", "1989-3", {"lab-vitamin-d-25oh"}),
        ("loinc", "2697-1", {"lab-osteocalcin"}),
    ],
)
def test_a_code_that_public_code_mislabels_keeps_its_true_meaning(
    terminology: Terminology, system: str, code: str, meant: set[str]
) -> None:
    assert concepts(terminology, system, code) == meant


@pytest.mark.parametrize(
    ("system", "code"),
    [("hcpcs", "J3590"), ("hcpcs", "C9399"), ("icd-10-cm", "Z79.83"), ("icd-10-cm", "Z79.620"), ("cpt", "96372")],
)
def test_codes_that_say_nothing_of_the_drug_never_mean_denosumab(
    terminology: Terminology, system: str, code: str
) -> None:
    assert not {name for name in concepts(terminology, system, code) if name.startswith("denosumab")}


def test_p1np_sent_under_the_snomed_system_means_nothing(terminology: Terminology) -> None:
    assert concepts(terminology, "snomed", "77370-5") == frozenset()
    assert concepts(terminology, "loinc", "77370-5") == {"lab-p1np"}


# --- drugs: strength and look-alikes


@pytest.mark.parametrize("code", ["J0897", "Q5136", "Q5157", "Q5158", "Q5159", "Q5161", "Q5162"])
def test_a_billing_code_of_denosumab_covers_both_strengths(terminology: Terminology, code: str) -> None:
    assert concepts(terminology, "hcpcs", code) == {"denosumab"}


@pytest.mark.parametrize(
    ("sixty", "one_twenty"),
    [
        ("Jubbonti", "Jubereq"),
        ("Osvyrti", "Osenvelt"),
        ("Enoby", "Enwylma"),
        ("Bildyos", "Bilprevda"),
        ("Bosaya", "Bomyntra"),
        ("Ospomyv", "Xbryk"),
        ("Obodence", "Xbryk"),
        ("Zadenvi", "Zvogra"),
        ("Prolia", "Xgeva"),
        ("Pralia", "Ranmark"),
        ("Stoboclo", "Osenvelt"),
        ("Conexxence", "Bomyntra"),
    ],
)
def test_look_alike_brands_keep_their_strength(terminology: Terminology, sixty: str, one_twenty: str) -> None:
    assert terminology.concepts([], f"{sixty} injection") == {"denosumab-60mg"}
    assert terminology.concepts([], f"{one_twenty.upper()} injection") == {"denosumab-120mg"}


def test_evfraxy_is_denosumab_and_evenity_is_romosozumab(terminology: Terminology) -> None:
    assert terminology.concepts([], "Evfraxy 60 mg") == {"denosumab-60mg"}
    assert terminology.concepts([], "EVENITY 105 mg") == {"romosozumab"}


@pytest.mark.parametrize("suffix", ["bbdz", "bmwo", "bnht", "dssb", "kyqq", "nxxp", "qbde", "desu", "mobz"])
def test_the_suffix_of_a_biosimilar_never_settles_the_strength(terminology: Terminology, suffix: str) -> None:
    assert terminology.concepts([], f"denosumab-{suffix}") == {"denosumab"}


def test_the_strength_in_the_name_does(terminology: Terminology) -> None:
    assert terminology.concepts([], "denosumab-bmwo 120 MG injection") == {"denosumab-120mg"}
    assert terminology.concepts([], "denosumab-bbdz 60 mg/mL syringe") == {"denosumab-60mg"}


def test_the_brand_settles_the_strength_that_a_code_leaves_open(terminology: Terminology) -> None:
    assert concepts(terminology, "hcpcs", "J0897", "denosumab (Prolia)") == {"denosumab", "denosumab-60mg"}
    assert concepts(terminology, "rxnorm", "993449", "XGEVA") == {"denosumab", "denosumab-120mg"}


def test_yorvipath_is_not_teriparatide_under_any_spelling(terminology: Terminology) -> None:
    name = "teriparatide 0.3 MG/ML Pen Injector [Yorvipath]"
    assert concepts(terminology, "rxnorm", "2693643", name) == {"palopegteriparatide"}
    assert concepts(terminology, "rxnorm", "32915", name) == {"palopegteriparatide"}
    assert concepts(terminology, "rxnorm", "123456789", name) == {"palopegteriparatide"}
    assert concepts(terminology, "rxnorm", "32915", "teriparatide") == {"teriparatide"}


def test_zoledronate_without_strength_is_neither_the_5_nor_the_4_mg_product(terminology: Terminology) -> None:
    for system, code in (("hcpcs", "J3489"), ("atc", "M05BA08"), ("snomed", "395926009")):
        assert concepts(terminology, system, code) == {"zoledronate"}
    assert concepts(terminology, "atc", "M05BA08", "Aclasta 5 mg/100 ml") == {"zoledronate", "zoledronate-5mg"}
    assert concepts(terminology, "atc", "M05BA08", "Zometa") == {"zoledronate", "zoledronate-4mg"}


def test_a_bisphosphonate_is_named_by_its_own_code_and_not_by_its_class(terminology: Terminology) -> None:
    assert concepts(terminology, "atc", "M05BA04") == {"alendronate"}
    assert concepts(terminology, "atc", "M05BA") == {"other-bisphosphonate"}


def test_abiraterone_is_no_gnrh_agonist(terminology: Terminology) -> None:
    assert concepts(terminology, "atc", "L02BX03") == frozenset()


@pytest.mark.parametrize("ndc", ["55513-710-01", "55513-0710-01", "55513071001", "55513-710", "555130710"])
def test_every_way_to_write_the_product_code_of_prolia(terminology: Terminology, ndc: str) -> None:
    assert concepts(terminology, "ndc", ndc) == {"denosumab-60mg"}


def test_the_product_code_once_taken_for_repatha_is_xgeva(terminology: Terminology) -> None:
    assert concepts(terminology, "ndc", "55513-0730-01") == {"denosumab-120mg"}


def test_ten_digits_without_hyphens_are_no_product_code(terminology: Terminology) -> None:
    assert concepts(terminology, "ndc", "5551371001") == frozenset()


# --- observations and signals


def test_a_z_score_is_never_a_t_score(terminology: Terminology) -> None:
    assert concepts(terminology, "loinc", "85394-5") == {"dxa-zscore"}
    assert concepts(terminology, "loinc", "38267-1") == {"dxa-tscore-spine"}


def test_the_childrens_filtration_estimate_is_kept_apart(terminology: Terminology) -> None:
    assert concepts(terminology, "loinc", "50384-7") == {"lab-egfr-paediatric"}
    for code in ("98979-8", "62238-1", "33914-3", "48642-3", "48643-1"):
        assert concepts(terminology, "loinc", code) == {"lab-egfr"}


def test_the_british_code_for_a_stop_is_a_stop(terminology: Terminology) -> None:
    assert concepts(terminology, "snomed", "391021006") == {"osteoporosis-treatment-stopped"}


def test_low_back_pain_is_read_before_and_after_its_code_was_divided(terminology: Terminology) -> None:
    for code in ("M54.5", "M54.50", "M54.51", "M54.59"):
        assert concepts(terminology, "icd-10-cm", code) == {"back-pain"}


def test_denosumab_digits_inside_other_numbers_mean_nothing(terminology: Terminology) -> None:
    assert concepts(terminology, "http://hl7.org/fhir/sid/us-npi", "9934490000") == frozenset()
    assert concepts(terminology, "rxnorm", "1993449") == frozenset()


# --- trauma


@pytest.mark.parametrize("code", ["V43.52XA", "V29.9XXA", "V03.10XA", "W11.XXXA", "W13.2XXA", "W14.XXXA", "W17.89XA"])
def test_traffic_and_falls_from_height_are_high_energy(terminology: Terminology, code: str) -> None:
    assert concepts(terminology, "icd-10-cm", code) == {"high-energy-trauma"}


@pytest.mark.parametrize("code", ["W01.0XXA", "W06.XXXA", "W10.9XXA", "W18.30XA", "W19.XXXA", "W00.0XXA"])
def test_falls_on_one_level_from_bed_or_on_stairs_are_low_energy(terminology: Terminology, code: str) -> None:
    assert concepts(terminology, "icd-10-cm", code) == {"low-energy-fall"}


@pytest.mark.parametrize("code", ["V00.811A", "V93.31XA", "W16.211A", "W09.0XXA"])
def test_mechanisms_that_hold_both_kinds_decide_nothing(terminology: Terminology, code: str) -> None:
    assert concepts(terminology, "icd-10-cm", code) == frozenset()

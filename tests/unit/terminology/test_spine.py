"""Vertebrae from codes, body sites and words, and whether a text calls a fracture new."""

from __future__ import annotations

import pytest

from rules.reasoning.fracture_words import doubted, of_the_past, same_or_new, spares_the_body
from rules.reasoning.spine import (
    LEVELS,
    SpineSites,
    at_or_above_t4,
    in_thoracolumbar,
    levels,
    region_levels,
    sites,
)
from rules.reasoning.timeline import Code


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("T12", "T12"),
        ("Th12", "T12"),
        ("Th 12", "T12"),
        ("D12", "T12"),
        ("BWK 12", "T12"),
        ("BWK12 Fraktur", "T12"),
        ("LWK 1", "L1"),
        ("HWK 5 Fraktur", "C5"),
        ("T-12 fracture", "T12"),
        ("12th thoracic", "T12"),
        ("twelfth thoracic vertebra", "T12"),
        ("second lumbar vertebra", "L2"),
        ("fracture of first thoracic vertebra", "T1"),
        ("first and second lumbar vertebrae", "L1 L2"),
        ("12. Brustwirbelkörper", "T12"),
        ("2e vertèbre lombaire", "L2"),
        ("L1-L3", "L1 L2 L3"),
        ("L1 - L3", "L1 L2 L3"),
        ("T12–L2 fractures", "T12 L1 L2"),
        ("T11 to L1", "T11 T12 L1"),
        ("T6-9", "T6 T7 T8 T9"),
        ("T12/L1", "T12 L1"),
        ("T6/7 fracture", "T6 T7"),
        ("fractures T5, T7 and L4", "T5 T7 L4"),
        ("multiple fractures T5, T6, T8, T12, L1", "T5 T6 T8 T12 L1"),
        ("Th 11 und Th 12 Fraktur", "T11 T12"),
        ("fracture T1-T3", "T1 T2 T3"),
        ("T1 and T2", "T1 T2"),
        ("compression fracture of D8", "T8"),
    ],
)
def test_the_ways_people_write_vertebrae(text: str, named: str) -> None:
    assert levels([], [], text) == set(named.split())


@pytest.mark.parametrize(
    "text",
    [
        "T-score -2.5",
        "T score -3",
        "AT12B",
        "T12L1",
        "T12.5",
        "L1 cache",
        "T2 weighted images of the spine",
        "T1-weighted spine",
        "MRI spine: T1 + STIR",
        "spine, STIR/T1",
        "MRI spine T1, T2 and STIR",
        "T2 hyperintense signal of the spine",
        "Vitamin D3 for spine fracture",
        "25-OH D3",
        "free T4",
        "T4 level, spine clinic",
        "heart sounds S1 S2",
        "C3 complement",
        "T2DM",
        "type 2 diabetes",
        "stage T2 N0, spine",
        "S1 nerve root, spine",
        "12th thoracic rib",
        "L6 fracture",
        "T13 fracture",
        "",
    ],
)
def test_what_looks_like_a_vertebra_and_is_none(text: str) -> None:
    assert levels([], [], text) == frozenset()


def test_sequences_beside_a_fracture_do_not_hide_or_add_levels() -> None:
    assert levels([], [], "MRI spine T1 + STIR: fractures of T8 and L2") == {"T8", "L2"}
    assert levels([], [], "T2-weighted signal in L3, spine") == {"L3"}


@pytest.mark.parametrize(
    ("edition", "code", "place"),
    [
        ("icd-10-cm", "S22.01XA", "T1"),
        ("icd-10-cm", "S22.041A", "T4"),
        ("icd-10-cm", "S22.080A", "T11-T12"),
        ("icd-10-cm", "S22.009A", "thoracic"),
        ("icd-10-cm", "S32.010A", "L1"),
        ("icd-10-cm", "M48.54XA", "thoracic"),
        ("icd-10-cm", "M48.55XA", "thoracolumbar"),
        ("icd-10", "S22.0", "thoracic"),
        ("icd-10", "S12.2", "C3-C7"),
        ("icd-10", "S22.080A", "T11-T12"),
        ("icd-10-gm", "S22.06", "T11-T12"),
        ("icd-10-gm", "S32.05", "L5"),
        ("icd-10-gm", "S22.0", "thoracic"),
        ("icd-9-cm", "805.4", "lumbar"),
        ("icd-11", "NB52.0", "lumbar"),
        ("snomed", "207957008", "lumbar"),
        ("snomed", "11994002", "L4"),
        ("snomed", "49668003", "L5"),
    ],
)
def test_codes_name_vertebrae_or_regions(edition: str, code: str, place: str) -> None:
    found = sites([Code(edition, code)])
    expected = SpineSites(levels=frozenset({place})) if place in LEVELS else SpineSites(regions=frozenset({place}))
    assert found == expected


@pytest.mark.parametrize("code", ["M80.08XA", "M48.50XA"])
def test_codes_without_a_place_name_none(code: str) -> None:
    assert sites([Code("icd-10-cm", code)]) == SpineSites()


def test_a_code_for_a_pair_of_vertebrae_names_one_of_them_not_two() -> None:
    display = "Wedge compression fracture of T11-T12 vertebra, initial encounter for closed fracture"
    found = sites([Code("icd-10-cm", "S22.080A", display)], (), display)
    assert found == SpineSites(regions=frozenset({"T11-T12"}))
    german = "Fraktur eines Brustwirbels: T11 und T12"
    assert sites([Code("icd-10-gm", "S22.06", german)], (), german) == SpineSites(regions=frozenset({"T11-T12"}))


def test_a_body_site_or_the_text_settles_the_pair() -> None:
    code = Code("icd-10-cm", "S22.080A")
    assert sites([code], [Code("snomed", "23215003")]) == SpineSites(levels=frozenset({"T12"}))
    assert sites([code], (), "T11 compression fracture") == SpineSites(levels=frozenset({"T11"}))
    assert sites([code], (), "T11 and T12 compression fractures") == SpineSites(levels=frozenset({"T11", "T12"}))


def test_a_narrower_region_replaces_the_wider_one() -> None:
    found = sites([Code("icd-10", "S22.0"), Code("icd-10-gm", "S22.06")])
    assert found.regions == {"T11-T12"}


def test_a_body_site_without_a_known_code_is_read_by_its_display() -> None:
    assert levels([], [Code("https://example.org/sites", "x9", "T12 vertebra")]) == {"T12"}


def test_a_region_in_words_is_kept_when_nothing_better_is_known() -> None:
    assert sites([], (), "fracture of lumbar vertebra").regions == {"lumbar"}
    assert sites([], (), "fracture of dorsal spine").regions == {"thoracic"}
    assert sites([], (), "L2 fracture of the lumbar spine") == SpineSites(levels=frozenset({"L2"}))


def test_the_levels_that_rebound_fractures_are_counted_at() -> None:
    counted = [level for level in LEVELS if in_thoracolumbar(level)]
    assert counted == [*(f"T{number}" for number in range(1, 13)), *(f"L{number}" for number in range(1, 6))]
    assert [level for level in LEVELS if at_or_above_t4(level)] == [
        *(f"C{number}" for number in range(1, 8)),
        *(f"T{number}" for number in range(1, 5)),
    ]
    assert not in_thoracolumbar("hip")
    assert not at_or_above_t4("hip")


def test_a_fracture_is_outside_only_when_all_that_is_named_is() -> None:
    assert sites([Code("icd-10-cm", "S12.200A")]).outside_thoracolumbar
    assert sites([], (), "sacral spine fracture").outside_thoracolumbar
    assert not sites([Code("icd-10-cm", "M80.08XA")]).outside_thoracolumbar
    assert not sites([], (), "C5 and T12 fractures").outside_thoracolumbar


def test_regions_cover_their_vertebrae() -> None:
    assert region_levels("T5-T6") == ("T5", "T6")
    assert region_levels("thoracolumbar") == ("T12", "L1")
    assert len(region_levels("thoracic")) == 12


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("New fracture of T12", "new"),
        ("worsening compression", "new"),
        ("progression since March", "new"),
        ("further height loss at L1", "new"),
        ("old L1 fracture, new T12 fracture", "new"),
        ("neue Fraktur BWK 12", "new"),
        ("old fracture", "same"),
        ("unchanged", "same"),
        ("stable compression fracture", "same"),
        ("healed", "same"),
        ("no new fracture", "same"),
        ("No evidence of new or progressive fracture", "same"),
        ("no progression", "same"),
        ("without further height loss", "same"),
        ("not healed", "unsaid"),
        ("unstable fracture", "unsaid"),
        ("renewed prescription", "unsaid"),
        ("compression fracture of T12", "unsaid"),
        ("", "unsaid"),
    ],
)
def test_whether_a_text_calls_a_fracture_new(text: str, said: str) -> None:
    assert same_or_new(text) == said


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("?L1 fracture", True),
        ("L1 fracture?", True),
        ("Possible L1 fracture", True),
        ("Suspected compression fracture of L1", True),
        ("r/o L1 fracture", True),
        ("V.a. Fraktur LWK 1", True),
        ("Compression fracture of L1, suspected", True),
        ("Compression fracture of L1", False),
        ("L1 fracture, likely osteoporotic", False),
        ("Possible osteoporosis, wedge fracture of T12", False),
        ("Back pain, possible strain. Fracture of L1", False),
    ],
)
def test_a_text_may_leave_the_fracture_in_doubt(text: str, doubt: bool) -> None:
    assert doubted(text) is doubt


@pytest.mark.parametrize(
    ("text", "past"),
    [
        ("Previous compression fracture T12", True),
        ("chronic compression fracture of T12", True),
        ("T12 fracture, unchanged", True),
        ("Compression fracture of T12", False),
        ("Fracture of T12, no previous fracture", False),
        ("New T12 fracture, old L1 fracture", False),
        ("Fracture of T12, compared with prior", False),
        ("Old osteoporotic compression fracture of T12", True),
        ("Remote T12 and L1 compression fractures", True),
        ("72 year old woman with compression fracture of T12", False),
        ("Chronic back pain after compression fracture of T12", False),
    ],
)
def test_a_text_may_speak_of_a_fracture_of_the_past(text: str, past: bool) -> None:
    assert of_the_past(text) is past


@pytest.mark.parametrize(
    ("text", "spares"),
    [
        ("Transverse process fracture of L1", True),
        ("Pars fracture L5", True),
        ("Spinous process fracture T7", True),
        ("Transverse process fracture of L1, compression fracture of L2", False),
        ("Fracture of L1", False),
    ],
)
def test_a_text_may_name_a_part_that_no_compression_fracture_is_of(text: str, spares: bool) -> None:
    assert spares_the_body(text) is spares

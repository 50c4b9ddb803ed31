"""The hygiene of the code tables: every row is a code that can exist, means one thing and says how it is known."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from pathlib import Path

import pytest

from rules.reasoning.code_systems import mod10, verhoeff
from rules.reasoning.phrases import normal_words
from rules.reasoning.terminology import Terminology
from rules.reasoning.timeline import Code

# What means two things on purpose: a combined drug, a drug of a narrower and a wider group, a stage that implies a
# transplant, a fracture code that also says osteoporosis.
OVERLAPS = (
    {"bazedoxifene", "estrogen"},
    {"ckd-5", "kidney-transplant"},
    {"hypocalcaemia", "hypoparathyroidism"},
    {"osteoporosis-with-fracture", "vertebral-fracture-osteoporotic"},
    {"osteoporosis-with-fracture", "fracture-osteoporotic-site-unspecified"},
    {"codeine-or-morphine", "opioid"},
    {"diuretic", "raas-inhibitor"},
    {"gastrointestinal-bleed", "oesophageal-varices"},
    {"gastrointestinal-bleed", "oesophageal-obstruction"},
    {"coronary-heart-disease", "myocardial-infarction"},
    {"cauda-equina", "cord-compression"},
    {"cauda-equina", "sphincter-disturbance"},
)


def test_every_snomed_code_passes_its_check_digit(terminology: Terminology, directory: Path) -> None:
    codes = [row.code for row in terminology.rows() if row.system == "snomed"]
    codes += [row["code"] for row in _spine_levels(directory) if row["system"] == "snomed"]
    assert len(codes) > 300
    assert [code for code in codes if not verhoeff(code)] == []


def test_every_loinc_code_passes_its_check_digit(terminology: Terminology) -> None:
    codes = [row.code for row in terminology.rows() if row.system == "loinc"]
    assert len(codes) > 100
    assert [code for code in codes if not mod10(code)] == []


@pytest.mark.parametrize("wrong", ["240200007", "125616002", "20534211000001109", "242849001"])
def test_snomed_identifiers_that_public_code_invented_fail_the_check_digit(wrong: str) -> None:
    assert not verhoeff(wrong)


@pytest.mark.parametrize("wrong", ["30797-1", "30798-9", "2160-1"])
def test_loinc_codes_that_public_code_invented_fail_the_check_digit(wrong: str) -> None:
    assert not mod10(wrong)


def test_every_row_fits_the_pattern_of_its_system(terminology: Terminology) -> None:
    for row in terminology.rows():
        system = terminology.systems.get(row.system)
        if system is not None:
            assert system.flaw(system.normal(row.code)) == "", row
        else:
            assert row.system == "text"


def test_a_whole_icd_code_has_at_least_a_category(terminology: Terminology) -> None:
    short = [
        row
        for row in terminology.rows()
        if row.system.startswith("icd-10") and row.match == "exact" and len(row.code.replace(".", "")) < 3
    ]
    assert short == []


def test_every_code_means_one_concept_or_a_declared_pair(terminology: Terminology) -> None:
    for row in terminology.rows():
        if row.system != "text":
            meant = terminology.concepts([Code(row.system, row.code)])
            assert row.concept in meant, row
            assert meant == {row.concept} or set(meant) in OVERLAPS, row


def test_every_phrase_means_one_concept_or_a_declared_pair_and_is_written_once(terminology: Terminology) -> None:
    concepts: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for row in terminology.rows():
        if row.system == "text":
            concepts[normal_words(row.code)].append(row.concept)
    several = {phrase: found for phrase, found in concepts.items() if len(found) > 1}
    assert {phrase: found for phrase, found in several.items() if set(found) not in OVERLAPS or len(found) > 2} == {}


def test_every_phrase_is_found_in_a_text_that_is_just_that_phrase(terminology: Terminology) -> None:
    for row in terminology.rows():
        if row.system == "text":
            said = row.code.replace("<level>", "T12").replace("<spine>", "lumbar spine")
            found = terminology.concepts([], said)
            assert row.concept in found, row
            assert found == {row.concept} or set(found) in OVERLAPS, row


def test_every_row_says_how_it_is_known_and_where_it_was_seen(terminology: Terminology) -> None:
    grades = {"A", "B", "C", "recalled-high", "recalled-medium", "recalled-low"}
    for row in terminology.rows():
        assert row.grade in grades, row
        assert row.display, row
        assert row.source, row
        assert row.grade.startswith("recalled") or row.source != "recalled", row


def test_the_readme_lists_every_concept_and_no_other(terminology: Terminology, directory: Path) -> None:
    listed = re.findall(r"^\| `([a-z0-9-]+)` \|", (directory / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) == {row.concept for row in terminology.rows()}


def test_cpt_codes_stand_only_in_their_own_folder(directory: Path) -> None:
    for path in directory.glob("**/*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            systems = {row["system"] for row in csv.DictReader(file)}
        assert (systems == {"cpt"}) if path.parent.name == "cpt" else ("cpt" not in systems), path


def test_every_code_system_names_its_release_and_its_licence(terminology: Terminology) -> None:
    for system in terminology.systems:
        assert system.version, system.name
        assert system.licence, system.name


def _spine_levels(directory: Path) -> list[dict[str, str]]:
    with (directory / "spine_levels.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))

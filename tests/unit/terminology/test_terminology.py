"""Reading codes and words: systems under their aliases, text only where no code is known, a site's own tables."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from rules.reasoning.errors import KnowledgeError
from rules.reasoning.terminology import Terminology, seventh_character
from rules.reasoning.timeline import Code

HEADER = "system,code,match,display,grade,source\n"


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("http://snomed.info/sct", "snomed"),
        ("http://snomed.info", "snomed"),
        ("snomed.info.sct", "snomed"),
        ("http://snomed.info/sct/900000000000207008/version/20240901", "snomed"),
        ("https://dmd.nhs.uk", "snomed"),
        ("LOINC", "loinc"),
        ("http://loinc.org/", "loinc"),
        ("https://loinc.org", "loinc"),
        ("http://loinc.org|2.77", "loinc"),
        ("urn:oid:2.16.840.1.113883.6.1", "loinc"),
        ("http://terminology.hl7.org/CodeSystem/icd9cm", "icd-9-cm"),
        ("http://terminology.hl7.org/CodeSystem/HCPCS-all-codes", "hcpcs"),
        ("https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "hcpcs"),
        ("http://www.cms.gov/Medicare/Coding/ICD10", "icd-10-pcs"),
        ("http://fhir.de/CodeSystem/dimdi/icd-10-gm", "icd-10-gm"),
        ("http://hl7.org/fhir/sid/icd-10", "icd-10"),
        ("snomed", "snomed"),
    ],
)
def test_a_system_is_known_under_its_uri_and_its_misspellings(terminology: Terminology, uri: str, name: str) -> None:
    assert terminology.system(uri) == name


def test_an_unknown_system_stays_as_it_was_given(terminology: Terminology) -> None:
    assert terminology.system("https://intranet.example/Codes") == "https://intranet.example/Codes"
    assert terminology.concepts([Code("https://intranet.example/Codes", "993449")]) == frozenset()


@pytest.mark.parametrize("code", ["M80.08XA", "m80.08xa", "M8008XA", " M80.08XA "])
def test_icd_codes_are_compared_without_dots_and_case(terminology: Terminology, code: str) -> None:
    assert "vertebral-fracture-osteoporotic" in terminology.concepts([Code("icd-10-cm", code)])


def test_other_spellings_of_a_code_are_read(terminology: Terminology) -> None:
    assert terminology.concepts([Code("icd-10-gm", "M49.54*")]) == {"vertebral-fracture-compression"}
    assert terminology.concepts([Code("hcpcs", "j0897 ")]) == {"denosumab"}
    assert terminology.concepts([Code("readv2", "fu91.00")]) == {"denosumab-60mg"}
    assert terminology.concepts([Code("readv2", "FU91.")]) == frozenset()
    assert terminology.concepts([Code("icd-11", "NA82.0&XA5WW9")]) == {"vertebral-fracture-cause-unspecified"}
    assert terminology.concepts([Code("ops", "5-839.a0")]) == {"vertebral-augmentation"}
    assert terminology.concepts([Code("opcs-4", "V444")]) == {"vertebral-augmentation"}


def test_all_codes_of_a_record_count(terminology: Terminology) -> None:
    found = terminology.concepts([Code("snomed", "64859006"), Code("icd-10-cm", "N18.6"), Code("snomed", "1")])
    assert found == {"osteoporosis", "ckd-5"}


def test_text_is_read_only_where_no_code_is_known(terminology: Terminology) -> None:
    assert terminology.concepts([Code("snomed", "64859006")], "back pain") == {"osteoporosis"}
    assert terminology.concepts([Code("snomed", "999999")], "back pain") == {"back-pain"}
    assert terminology.concepts([], "back pain") == {"back-pain"}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("denosumab", {"denosumab"}),
        ("Dénosumab", {"denosumab"}),
        ("デノスマブ皮下注60mg", {"denosumab"}),
        ("no longer on denosumab", {"denosumab"}),
        ("Zoledronsäure 5 mg/100 ml Infusionslösung", {"zoledronate-5mg"}),
        ("Acide alendronique 70 mg", {"alendronate"}),
        ("Compression fracture of T12", {"vertebral-fracture-compression"}),
        ("T12 compression fracture", {"vertebral-fracture-compression"}),
        ("Collapsed vertebra, not elsewhere classified", {"vertebral-fracture-compression"}),
        ("Vertebral fractures", {"vertebral-fracture-cause-unspecified"}),
        ("Fracture of second lumbar vertebra", {"vertebral-fracture-cause-unspecified"}),
        ("Closed fracture lumbar vertebra", {"vertebral-fracture-cause-unspecified"}),
        ("L1 fracture", {"vertebral-fracture-cause-unspecified"}),
        ("Osteoporotic compression fractures T5, T7 and L1", {"vertebral-fracture-osteoporotic"}),
        ("Wirbelkörperfraktur BWK 12", {"vertebral-fracture-cause-unspecified"}),
        ("Tassement vertébral T12", {"vertebral-fracture-compression"}),
        ("old vertebral fracture", {"vertebral-fracture-history"}),
        ("history of vertebral compression fracture", {"vertebral-fracture-history"}),
        ("h/o vertebral fracture", {"vertebral-fracture-history"}),
        ("compression fracture of the left calcaneus", {"not-a-vertebral-fracture"}),
        ("Balloon kyphoplasty L1", {"vertebral-augmentation"}),
        ("Cementoplasty", {"vertebral-augmentation"}),
        ("MRI of the thoracic and lumbar spine without contrast", {"imaging-spine-mri"}),
        ("MR Lumbar spine WO contrast", {"imaging-spine-mri"}),
        ("XR Thoracic spine 2 views", {"imaging-spine-xray"}),
        ("CT cervical spine", {"imaging-spine-ct"}),
        ("fell from a ladder", {"high-energy-trauma"}),
        ("ground-level fall", {"low-energy-fall"}),
        ("Osteonecrosis of the jaw", {"onj"}),
    ],
)
def test_phrases_are_found_in_the_words_people_write(terminology: Terminology, text: str, meant: set[str]) -> None:
    assert terminology.concepts([], text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "no vertebral fracture",
        "No acute compression fracture",
        "without evidence of new vertebral fracture",
        "kein Anhalt für Wirbelkörperfraktur",
        "vertebral fracture ruled out",
        "Vertebral fracture risk assessment",
        "family history of osteoporosis",
        "screening for osteoporosis",
        "not pregnant",
        "awaiting kidney transplant",
    ],
)
def test_what_a_text_denies_is_not_read(terminology: Terminology, text: str) -> None:
    assert terminology.concepts([], text) == frozenset()


def test_a_denial_ends_with_its_clause(terminology: Terminology) -> None:
    found = terminology.concepts([], "No fever. Vertebral fracture of L2 | no dialysis, denosumab 60 mg given")
    assert found == {"vertebral-fracture-cause-unspecified", "denosumab-60mg"}


@pytest.mark.parametrize("text", ["prolianus", "denosumabx", "xgevan", "Body temperature", "", "|", "T12", "spine"])
def test_parts_of_words_and_bare_places_mean_nothing(terminology: Terminology, text: str) -> None:
    assert terminology.concepts([], text) == frozenset()


def test_the_text_of_a_coded_fracture_tells_its_mechanism(terminology: Terminology) -> None:
    fracture = [Code("icd-10-cm", "S22.080A")]
    assert "high-energy-trauma" in terminology.concepts(fracture, "Burst fracture T12 | motor vehicle collision")
    assert "low-energy-fall" in terminology.concepts(fracture, "T12 fracture after a ground level fall")
    assert "high-energy-trauma" not in terminology.concepts(fracture, "T12 fracture, no high-energy trauma")


@pytest.mark.parametrize(
    ("code", "encounter"),
    [
        ("M80.08XA", "initial"),
        ("S22.080B", "initial"),
        ("M80.08XD", "subsequent"),
        ("M80.08XP", "subsequent"),
        ("S22.080K", "subsequent"),
        ("M48.54XS", "sequela"),
        ("M48.54XB", "none"),
        ("S22.080P", "none"),
        ("S12.9XXG", "none"),
        ("M80.08", "none"),
        ("M81.0", "none"),
        ("W11.XXXA", "none"),
        ("", "none"),
    ],
)
def test_the_seventh_character_of_a_fracture_code(code: str, encounter: str) -> None:
    assert seventh_character(code) == encounter


def test_everything_loads_without_the_licensed_cpt_folder(directory: Path, tmp_path: Path) -> None:
    copy = tmp_path / "terminology"
    shutil.copytree(directory, copy)
    shutil.rmtree(copy / "cpt")
    without = Terminology.load(copy)
    assert without.concepts([Code("cpt", "22513")]) == frozenset()
    assert without.concepts([Code("snomed", "401226007")]) == {"vertebral-augmentation"}
    assert {row.system for row in without.rows()}.isdisjoint({"cpt"})


def test_cpt_is_read_where_it_is_licensed(terminology: Terminology) -> None:
    assert terminology.concepts([Code("cpt", "22513")]) == {"vertebral-augmentation"}


def test_a_sites_own_table_adds_codes(directory: Path, tmp_path: Path) -> None:
    _table(tmp_path, "denosumab-60mg", "ndc,12345-678,prefix,Own 60 mg syringe,site,pharmacy\n")
    own = Terminology.load(directory, local=tmp_path)
    assert own.concepts([Code("ndc", "12345-0678-02")]) == {"denosumab-60mg"}
    assert own.concepts([Code("rxnorm", "993452")]) == {"denosumab-60mg"}


def test_a_look_alike_stays_no_vertebra_under_a_sites_careless_prefix(directory: Path, tmp_path: Path) -> None:
    _table(tmp_path, "vertebral-fracture-cause-unspecified", "icd-10-cm,S22,prefix,Fracture of thorax,site,local\n")
    own = Terminology.load(directory, local=tmp_path)
    assert own.concepts([Code("icd-10-cm", "S22.41XA")]) == {"not-a-vertebral-fracture"}
    assert own.concepts([Code("icd-10-cm", "S22.080A")]) == {"vertebral-fracture-cause-unspecified"}


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("snomed,123456789,exact,Wrong digit,site,here\n", "check digit"),
        ("loinc,2160-1,exact,Wrong digit,site,here\n", "check digit"),
        ("icd-10-cm,80.08,exact,No letter,site,here\n", "does not look like"),
        ("icd-12,A00,exact,No such system,site,here\n", "not in code_systems.yaml"),
        ("snomed,64859006,fuzzy,No such match,site,here\n", "match 'fuzzy'"),
        ("snomed,64859006,text,Code as text,site,here\n", "does not go with"),
        ("text,prolia,exact,Text as code,site,here\n", "does not go with"),
        ("snomed,64859006,exact,Grade,certain,here\n", "grade 'certain'"),
        ("snomed,64859006,exact,,site,here\n", "a code and a display"),
        ("snomed,64859006,exact,Too few cells\n", "expected 6 cells, found 4"),
        ("snomed,64859006,exact,Once,site,here\nsnomed,64859006,exact,Twice,site,here\n", "there twice"),
    ],
)
def test_a_malformed_row_is_refused_with_file_and_line(
    directory: Path, tmp_path: Path, row: str, complaint: str
) -> None:
    _table(tmp_path, "osteoporosis", row)
    with pytest.raises(KnowledgeError, match=complaint) as refused:
        Terminology.load(directory, local=tmp_path)
    assert "osteoporosis.csv, line" in str(refused.value)


def test_a_table_with_another_header_or_encoding_is_refused(directory: Path, tmp_path: Path) -> None:
    table = tmp_path / "osteoporosis.csv"
    table.write_text("code,system\n", encoding="utf-8")
    with pytest.raises(KnowledgeError, match="line 1: expected the header"):
        Terminology.load(directory, local=tmp_path)
    table.write_bytes(HEADER.encode() + b"snomed,64859006,exact,\xff,site,here\n")
    with pytest.raises(KnowledgeError, match=r"osteoporosis\.csv"):
        Terminology.load(directory, local=tmp_path)


def test_a_sites_table_for_no_known_concept_is_refused(directory: Path, tmp_path: Path) -> None:
    _table(tmp_path, "denosumab-60", "rxnorm,1234567,exact,Own product,site,here\n")
    with pytest.raises(KnowledgeError, match="no concept is named denosumab-60"):
        Terminology.load(directory, local=tmp_path)


def test_a_missing_folder_is_refused(directory: Path, tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="no such folder"):
        Terminology.load(directory, local=tmp_path / "absent")


def test_relations_to_concepts_that_do_not_exist_are_refused(directory: Path, tmp_path: Path) -> None:
    copy = tmp_path / "terminology"
    shutil.copytree(directory, copy)
    (copy / "denosumab-60mg.csv").unlink()
    with pytest.raises(KnowledgeError, match="no concept is named denosumab-60mg"):
        Terminology.load(copy)


def test_the_terminology_does_not_change_after_loading(terminology: Terminology) -> None:
    with pytest.raises(FrozenInstanceError):
        terminology.systems = None  # type: ignore[misc, assignment]


def test_threads_read_the_same_meaning(terminology: Terminology) -> None:
    codes = [Code("icd-10-cm", f"M48.5{region}X{letter}") for region in range(9) for letter in "ADGS"]
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = list(pool.map(lambda code: terminology.concepts([code]), codes * 50))
    assert set(found) == {frozenset({"vertebral-fracture-compression"})}


def _table(folder: Path, concept: str, rows: str) -> None:
    (folder / f"{concept}.csv").write_text(HEADER + rows, encoding="utf-8")

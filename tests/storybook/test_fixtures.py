"""The fixtures are what the cases tell, valid FHIR, synthetic, and the same in both versions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from fhir.resources import get_fhir_model_class as r5_model
from fhir.resources.R4B import get_fhir_model_class as r4_model

from service.fhir.reader import Document
from tests.storybook.case import Case, load_cases
from tests.storybook.r5 import in_r5
from tests.storybook.routes import InProcess
from tests.storybook.vocabulary import Json
from tools.make_fixtures import FIXTURES, ROOT, fixtures, patients

IN_PROCESS = InProcess.of()
CASES = load_cases()
WRITTEN = fixtures(CASES)
PATIENTS = patients(CASES)
IN_BOTH = [case for case in PATIENTS if "R5" in case.told.versions]


@pytest.mark.parametrize("path", WRITTEN, ids=str)
def test_the_file_is_current(path: Path) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == WRITTEN[path], "make fixtures writes it anew"


@pytest.mark.parametrize("folder", ["patients", "population"])
def test_no_file_is_left_of_a_patient_who_is_gone(folder: str) -> None:
    found = {path.relative_to(ROOT) for path in (ROOT / FIXTURES / folder).rglob("*.*json")}
    assert found == {path for path in WRITTEN if path.parts[1] == folder}


@pytest.mark.parametrize("case", PATIENTS, ids=lambda case: case.name)
def test_the_patient_is_valid_fhir(case: Case) -> None:
    r4_model("Bundle").model_validate(case.bundle())
    for resource in case.resources:
        r4_model(resource["resourceType"]).model_validate(resource)


@pytest.mark.parametrize("case", IN_BOTH, ids=lambda case: case.name)
def test_the_patient_is_valid_fhir_in_r5_too(case: Case) -> None:
    for resource in in_r5(case.resources):
        r5_model(resource["resourceType"]).model_validate(resource)


@pytest.mark.parametrize("case", [case for case in CASES if case.told.request], ids=lambda case: case.name)
def test_the_orders_of_a_request_are_valid_fhir(case: Case) -> None:
    for resource in case.drafts:
        r4_model(resource["resourceType"]).model_validate(resource)


@pytest.mark.parametrize("case", IN_BOTH, ids=lambda case: case.name)
def test_the_patient_is_assessed_the_same_in_both_versions(case: Case) -> None:
    def answer(name: str) -> Json:
        path = ROOT / FIXTURES / "patients" / case.name / name
        [timeline] = IN_PROCESS.reader.read([Document(name, path.read_bytes())], as_of=case.as_of).timelines
        return IN_PROCESS.answer(IN_PROCESS.evaluator.evaluate(timeline))

    assert answer("r5.json") == answer("r4.json")


def test_every_state_and_every_class_has_a_patient() -> None:
    found = [IN_PROCESS.evaluate(case) for case in PATIENTS]
    assert {one.denosumab.state for one in found} == {
        "NEVER",
        "UNKNOWN",
        "ACTIVE",
        "DUE_SOON",
        "DUE",
        "OVERDUE",
        "PRESUMED_DISCONTINUED",
        "STOPPED_EXPLICIT",
        "REBOUND_OVER",
    }
    assert {fracture.fracture_class for one in found for fracture in one.fractures} == {
        "RVFX_PROBABLE",
        "RVFX_POSSIBLE",
        "VFX_ON_TREATMENT",
        "VFX_PRIOR",
        "VFX_TRAUMATIC",
        "VFX_PATHOLOGICAL",
        "VFX_OSTEOPOROTIC",
        "UNKNOWN",
    }


def test_the_patients_are_seen_on_one_day_and_carry_no_names() -> None:
    assert {case.as_of for case in PATIENTS} == {date(2026, 3, 1)}
    named = {"name", "telecom", "address", "photo", "contact", "identifier"}
    assert not [word for case in PATIENTS for one in case.resources for word in _members(one) if word in named]


def _members(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _members(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _members(inner)


def test_the_examples_of_hook_requests_are_those_of_the_cases_and_one_more() -> None:
    found = {path.relative_to(ROOT) for path in (ROOT / FIXTURES / "hooks").rglob("*.json")}
    assert found - set(WRITTEN) == {
        FIXTURES / "hooks/patient-view/five-fractures-ten-months-after-seven-doses.json",
    }
    for path in found:
        assert json.loads((ROOT / path).read_bytes())["hook"] == path.parent.name

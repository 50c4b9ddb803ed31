"""The assessments of the synthetic patients are those that were read and accepted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from rules.knowledge_base import load_knowledge
from service.commands import main
from tests.storybook.case import load_cases
from tests.storybook.routes import settled
from tools.make_fixtures import FIXTURES, GOLDEN, ROOT, advice, golden, unversioned

EXPECTED = golden(load_cases())


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.stem)
def test_the_assessment_is_the_accepted_one(path: Path) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == EXPECTED[path], (
        "if this is meant: make golden, and read the diff"
    )


def test_each_rule_says_what_was_accepted() -> None:
    for path, content in advice(load_cases()).items():
        assert (ROOT / path).read_text(encoding="utf-8") == content, "if this is meant: make golden, and read the diff"


def test_no_assessment_is_left_of_a_patient_who_is_gone() -> None:
    assert {path.relative_to(ROOT) for path in (ROOT / GOLDEN).glob("*.json")} == set(EXPECTED)


def test_the_command_line_gives_the_accepted_assessments_of_the_files() -> None:
    files = sorted(str(path) for path in (ROOT / FIXTURES / "patients").glob("*/r4.json"))
    run = CliRunner().invoke(main, ["assess", *files, "--as-of", "2026-03-01", "--format", "json"])
    assert run.exit_code == 0, run.stderr
    answers = unversioned(run.stdout, load_knowledge().version).splitlines()
    found = {one["patient"].removeprefix("Patient/"): one for one in map(json.loads, answers)}
    assert set(found) == {path.stem for path in EXPECTED}
    for path, content in EXPECTED.items():
        assert settled(found[path.stem]) == settled(json.loads(content))

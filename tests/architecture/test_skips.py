"""Where every tool must be there, a test that is skipped for want of one fails, whichever way it is skipped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.calls import ROOT

SKIPPED = {
    "by_a_mark": "@pytest.mark.skipif(True, reason='no hammer')\ndef test_nail(): ...",
    "by_itself": "def test_nail(): pytest.skip('no hammer')",
    "by_a_fixture": "@pytest.fixture\ndef hammer(): pytest.skip('no hammer')\ndef test_nail(hammer): ...",
}


def run(folder: Path, test: str, *options: str) -> tuple[int, str]:
    """The exit status of pytest and what it prints, for one test under the same rules as ours."""
    file = folder / "test_it.py"
    file.write_text(f"import pytest\n{test}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "--rootdir", str(folder), "-c", "/dev/null"]
    command += ["-p", "no:cacheprovider", *options, str(file)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout


@pytest.mark.parametrize("way", SKIPPED)
def test_a_skipped_test_fails_where_nothing_may_be_missing(tmp_path: Path, way: str) -> None:
    status, said = run(tmp_path, SKIPPED[way], "--complete")
    assert status == 1
    assert "no hammer" in said


@pytest.mark.parametrize("options", [(), ("--complete", "--except-for", "hammer")])
def test_it_is_skipped_elsewhere_and_where_its_tool_is_known_to_be_missing(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    status, said = run(tmp_path, SKIPPED["by_a_mark"], *options)
    assert status == 0
    assert "1 skipped" in said


def test_a_test_that_is_expected_to_fail_is_no_skipped_one(tmp_path: Path) -> None:
    status, said = run(tmp_path, "@pytest.mark.xfail\ndef test_nail(): assert False", "--complete")
    assert status == 0
    assert "1 xfailed" in said

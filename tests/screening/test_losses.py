"""What of an export nobody could read is told, and a gap in the record of whomever it may be of."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from service.screening.export import MAX_LINE
from tests.screening.exports import STORIES, WITHOUT, gaps, not_read, screen


def damaged(export: Path) -> None:
    packed = gzip.compress((export / "MedicationAdministration.ndjson").read_bytes())
    (export / "MedicationAdministration.ndjson").unlink()
    (export / "MedicationAdministration.ndjson.gz").write_bytes(packed[: len(packed) // 2])


def gone(export: Path) -> None:
    (export / "MedicationAdministration.ndjson").unlink()
    (export / "MedicationAdministration.ndjson").symlink_to(export / "nowhere")


def a_pipe(export: Path) -> None:
    os.mkfifo(export / "MedicationRequest.ndjson")


def elsewhere(export: Path) -> None:
    (export.parent / "more").mkdir()
    (export / "more").symlink_to(export.parent / "more")


def empty(export: Path) -> None:
    (export / "MedicationRequest.ndjson").write_bytes(b"\n")


def a_table(export: Path) -> None:
    (export / "MedicationRequest.ndjson").write_bytes(b"patient,drug\nanna,Prolia\n" * 100)


def a_bundle_over_many_lines(export: Path) -> None:
    text = json.dumps({"resourceType": "Bundle", "entry": [{"resource": {}}] * 100}, indent=2)
    (export / "MedicationRequest.ndjson").write_text(text, encoding="utf-8")


LOSSES: dict[Callable[[Path], None], str] = {
    damaged: "the gzip file is damaged",
    gone: "cannot be opened: No such file or directory",
    a_pipe: "is a pipe, a socket or a device, no file",
    elsewhere: "is a link to a folder, which is not followed",
    empty: "is empty: was it written to its end?",
    a_table: "is a table (CSV): FHIR in JSON is read",
    a_bundle_over_many_lines: "is one JSON document over many lines, not NDJSON (a resource a line): `assess` reads it",
}


@pytest.mark.parametrize("lose", LOSSES, ids=lambda one: one.__name__)
def test_a_file_that_is_lost_is_said_once_and_is_a_gap_in_the_record_of_every_patient(
    export: Path, tmp_path: Path, lose: Callable[[Path], None]
) -> None:
    lose(export)
    run = screen(export, tmp_path / "out", "--workers", "2")
    assert run.exit_code == 1
    [(name, reason)] = not_read(tmp_path / "out")
    assert reason.endswith(LOSSES[lose])
    assert gaps(tmp_path / "out") == {story: [(name, True)] for story in STORIES}
    assert json.loads((tmp_path / "out/summary.json").read_text(encoding="utf-8"))["filesNotRead"] == 1
    assert run.stdout.startswith("1 file of the export could not be read to the end")
    page = (tmp_path / "out/worklist.html").read_text(encoding="utf-8")
    assert page.index("of the export could not be read to the end") < page.index("<dl>")


def test_a_line_that_cannot_be_read_concerns_the_patient_whom_it_names_else_everybody(
    export: Path, tmp_path: Path
) -> None:
    with (export / "Condition.ndjson").open("a", encoding="utf-8") as file:
        file.write(f'{{"resourceType": "Condition", "subject": {{"reference": "Patient/{WITHOUT}"}}, "code\n')
    screen(export, tmp_path / "one")
    assert gaps(tmp_path / "one") == {story: [("Condition.ndjson", True)] * (story == WITHOUT) for story in STORIES}
    with (export / "Condition.ndjson").open("a", encoding="utf-8") as file:
        file.write('{"resourceType": "Condition", "id": "1"}\n')
    screen(export, tmp_path / "all")
    found = gaps(tmp_path / "all")
    assert all(("Condition.ndjson", False) in of_patient for of_patient in found.values())
    assert json.loads((tmp_path / "all/summary.json").read_text(encoding="utf-8"))["filesNotRead"] == 0


def test_a_line_too_long_of_a_type_that_is_not_read_is_passed_over(export: Path, tmp_path: Path) -> None:
    picture = b'{"resourceType": "Binary", "data": "' + b"x" * MAX_LINE + b'"}'
    (export / "Binary.ndjson").write_bytes(picture)
    assert screen(export, tmp_path / "out").exit_code == 0

"""Which files are read, and which of them belong together."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import pytest

from service.record_files import NamedRecord, Record, named_records, opened


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}", encoding="utf-8")


def titles(*arguments: Path | str) -> list[str]:
    records, missing = named_records([str(argument) for argument in arguments])
    assert missing == []
    return [Path(record.title).name for record in records]


def content(path: Path) -> Record | None:
    return opened(NamedRecord(str(path), (path,)), io.BytesIO())[0]


def test_each_json_file_is_a_record_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, "one/r4.json", "one/r5.json", "two/r4.json")
    assert titles(tmp_path) == ["r4.json", "r5.json", "r4.json"]


def test_the_ndjson_files_of_a_folder_are_one_record(tmp_path: Path) -> None:
    write(tmp_path, "export/Patient.ndjson", "export/Condition.ndjson.gz", "other/Patient.ndjson")
    records, _ = named_records([str(tmp_path)])
    assert [[path.name for path in record.paths] for record in records] == [
        ["Condition.ndjson.gz", "Patient.ndjson"],
        ["Patient.ndjson"],
    ]


def test_ndjson_files_named_one_by_one_belong_together_too(tmp_path: Path) -> None:
    write(tmp_path, "Patient.ndjson", "Condition.ndjson", "chart.json")
    assert titles(tmp_path / "Patient.ndjson", tmp_path / "chart.json", tmp_path / "Condition.ndjson") == [
        tmp_path.name,
        "chart.json",
    ]


def test_stories_notes_and_hidden_files_of_a_folder_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "story.md", "case.yaml", "r4.json", ".hidden.json", ".git/config.json")
    assert titles(tmp_path) == ["r4.json"]


def test_a_file_named_by_itself_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    write(tmp_path, "export.txt")
    assert titles(tmp_path / "export.txt") == ["export.txt"]


def test_what_does_not_exist_is_named(tmp_path: Path) -> None:
    _, missing = named_records([str(tmp_path / "no.json")])
    assert [(item.source, item.reason) for item in missing] == [(str(tmp_path / "no.json"), "does not exist")]


def test_a_folder_without_a_readable_file_is_named(tmp_path: Path) -> None:
    write(tmp_path, "README.md")
    records, missing = named_records([str(tmp_path)])
    assert records == []
    assert "holds no file named .json" in missing[0].reason


def test_compressed_files_are_read_by_content_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "chart.json"
    path.write_bytes(gzip.compress(b'{"resourceType": "Bundle"}'))
    record = content(path)
    assert record is not None
    assert record.files[0].data == b'{"resourceType": "Bundle"}'


def test_a_byte_order_mark_is_no_part_of_the_content(tmp_path: Path) -> None:
    path = tmp_path / "chart.json"
    path.write_bytes(b"\xef\xbb\xbf{}")
    record = content(path)
    assert record is not None
    assert record.files[0].data == b"{}"


@pytest.mark.parametrize(
    ("data", "reason"), [(b"", "is empty"), (b" \n", "is empty"), (b"\x1f\x8bcut", "is a damaged gzip file")]
)
def test_a_file_without_content_is_named(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "chart.json"
    path.write_bytes(data)
    record, failed = opened(NamedRecord(str(path), (path,)), io.BytesIO())
    assert record is None
    assert [item.reason for item in failed] == [reason]


def test_a_file_that_may_not_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "loop.json").symlink_to(tmp_path / "loop.json")
    record, failed = opened(NamedRecord("loop.json", (tmp_path / "loop.json",)), io.BytesIO())
    assert record is None
    assert failed[0].reason.startswith("cannot be opened")


def test_a_damaged_file_does_not_hide_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "Patient.ndjson").write_bytes(b'{"resourceType": "Patient"}')
    (tmp_path / "Condition.ndjson").write_bytes(b"\x1f\x8bcut")
    (named,), _ = named_records([str(tmp_path)])
    record, failed = opened(named, io.BytesIO())
    assert record is not None
    assert [Path(file.name).name for file in record.files] == ["Patient.ndjson"]
    assert len(failed) == 1


def test_capitals_in_the_name_of_a_file_make_no_difference(tmp_path: Path) -> None:
    write(tmp_path, "CHART.JSON", "export/PATIENT.NDJSON", "export/Condition.ndjson")
    records, _ = named_records([str(tmp_path)])
    assert [[path.name for path in record.paths] for record in records] == [
        ["CHART.JSON"],
        ["Condition.ndjson", "PATIENT.NDJSON"],
    ]


def test_what_is_no_file_to_read_is_named_and_the_rest_of_the_folder_is_read(tmp_path: Path) -> None:
    write(tmp_path, "here/chart.json", "elsewhere/other.json")
    os.mkfifo(tmp_path / "here/pipe.json")
    (tmp_path / "here/gone.json").symlink_to(tmp_path / "nowhere.json")
    (tmp_path / "here/linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "here/file.json").symlink_to(tmp_path / "elsewhere/other.json")
    records, missing = named_records([str(tmp_path / "here")])
    assert [Path(record.name).name for record in records] == ["chart.json", "file.json"]
    assert {Path(one.source).name: one.reason for one in missing} == {
        "pipe.json": "is a pipe, a socket or a device, no file",
        "gone.json": "cannot be opened: No such file or directory",
        "linked": "is a link to a folder, which is not followed",
    }


def test_a_lost_file_of_lines_belongs_to_the_record_of_its_folder(tmp_path: Path) -> None:
    write(tmp_path, "Patient.ndjson")
    (tmp_path / "MedicationRequest.ndjson").symlink_to(tmp_path / "nowhere")
    (named,), missing = named_records([str(tmp_path)])
    assert missing == []
    assert [Path(one.source).name for one in opened(named, io.BytesIO())[1]] == ["MedicationRequest.ndjson"]


def test_a_folder_that_cannot_be_looked_into_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "chart.json", "shut/chart.json")
    scan = os.scandir

    def refusing(path: str) -> object:
        if Path(path).name == "shut":
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    records, missing = named_records([str(tmp_path)])
    assert len(records) == 1
    assert [(one.source, one.reason) for one in missing] == [
        (str(tmp_path / "shut"), "cannot be looked into: Permission denied")
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ('{"resourceType": "Patient"}'.encode("utf-16"), "is text in UTF-16: save it as UTF-8"),
        ('{"resourceType": "Patient"}'.encode("utf-16-le"), "is binary, or text in UTF-16"),
        (b"%PDF-1.7 x", "is a PDF"),
        (b"PK\x03\x04chart", "is a zip archive: unpack it first"),
        (gzip.compress(gzip.compress(b"{}")), "is packed twice"),
        (b"<Patient xmlns='http://hl7.org/fhir'/>", "is XML: ask for FHIR in JSON"),
        (b"patient,drug\nanna,Prolia\n", "is a table (CSV)"),
    ],
    ids=["UTF-16", "UTF-16 without a mark", "PDF", "zip", "gzip in gzip", "XML", "CSV"],
)
def test_a_file_that_is_something_else_is_told_by_what_it_is(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "chart.json"
    path.write_bytes(data)
    record, [named] = opened(NamedRecord(str(path), (path,)), io.BytesIO())
    assert record is None
    assert named.reason.startswith(said)


def test_standard_input_is_a_record() -> None:
    (named,), _ = named_records(["-"])
    record, failed = opened(named, io.BytesIO(b"{}"))
    assert failed == []
    assert record is not None
    assert (record.name, record.files[0].data) == ("standard input", b"{}")

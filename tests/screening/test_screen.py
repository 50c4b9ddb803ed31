"""A quality team screens a Bulk Data export: whom it has to look at, what could not be read, and nothing by halves."""

from __future__ import annotations

import gzip
import json
import os
import signal
import stat
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from rules.reasoning.timeline import Unusable
from service.commands import main
from service.screening.buckets import Buckets
from service.screening.export import MAX_LINE, export_files
from service.screening.local import LocalEngine
from service.screening.population import Tally
from service.screening.results import FILES
from service.screening.worklist import COLUMNS, Row
from service.settings import Settings
from tests.screening.exports import DUE, FRACTURED, LAPSED, PATIENTS, STORIES, not_read, record, rows, screen


def test_the_worklist_begins_with_the_fractured_and_leaves_out_whoever_is_on_time_or_never_had_denosumab(
    export: Path, tmp_path: Path
) -> None:
    run = screen(export, tmp_path / "out")
    assert run.exit_code == 0, run.output
    found = rows(tmp_path / "out/worklist.csv")
    assert [(row["patient"], row["urgency"], row["state"]) for row in found] == [
        (f"Patient/{FRACTURED}", "critical", "PRESUMED_DISCONTINUED"),
        (f"Patient/{LAPSED}", "warning", "PRESUMED_DISCONTINUED"),
        (f"Patient/{DUE}", "info", "DUE"),
    ]
    assert found[0]["fracture_class"] == "RVFX_PROBABLE"
    assert found[0]["rules"].startswith("RVFX-01 ")
    assert (found[1]["last_dose_latest"], found[1]["months_since_min"]) == ("2025-03-18", "11")
    assert "5 patients, 4 with denosumab on record, as of 2026-03-01" in run.output


def test_each_patient_has_the_assessment_that_assess_gives(export: Path, tmp_path: Path) -> None:
    screen(export, tmp_path / "out")
    with gzip.open(tmp_path / "out/assessments.ndjson.gz", "rt", encoding="utf-8") as file:
        screened = {one["patient"]: one for one in map(json.loads, file)}
    run = CliRunner().invoke(main, ["assess", str(export), "--format", "json", "--as-of", "2026-03-01"])
    assessed = {one["patient"]: one for one in map(json.loads, run.stdout.splitlines())}
    assert len(screened) == len(STORIES)
    for one in (*screened.values(), *assessed.values()):
        del one["cards"]  # each answer has identifiers of its own
    assert screened == assessed


def test_everything_that_is_written_is_described() -> None:
    page = Path("docs/screening.md").read_text(encoding="utf-8")
    assert {name for name in (*FILES, *COLUMNS) if f"`{name}`" not in page} == set()


def test_the_population_of_the_fixtures_can_be_screened(tmp_path: Path) -> None:
    assert screen(Path("fhir_fixtures/population"), tmp_path / "out").exit_code == 0
    patients = {f"Patient/{path.parent.name}" for path in PATIENTS.glob("*/r4.json")}
    assert {row["patient"] for row in rows(tmp_path / "out/worklist.csv")} < patients


def test_the_summary_counts_patients_by_state_and_names_the_knowledge(export: Path, tmp_path: Path) -> None:
    screen(export, tmp_path / "out")
    summary = json.loads((tmp_path / "out/summary.json").read_text(encoding="utf-8"))
    assert summary["states"] == {"PRESUMED_DISCONTINUED": 2, "ACTIVE": 1, "DUE": 1, "NEVER": 1}
    assert (summary["patients"], summary["withDenosumab"], summary["worklist"], summary["notRead"]) == (5, 4, 3, 0)
    assert summary["asOf"] == "2026-03-01"
    assert summary["records"] == sum(len(record(story)) for story in STORIES)


def test_the_results_are_for_their_owner_only_and_nothing_else_is_left(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    screen(export, out)
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}


def test_gzip_and_folders_in_the_folder_make_no_difference(export: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed/of-march"
    packed.mkdir(parents=True)
    for path in export.iterdir():
        (packed / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    screen(export, tmp_path / "out")
    screen(packed.parent, tmp_path / "out-of-packed")
    first, second = ((tmp_path / name / "worklist.csv").read_bytes() for name in ("out", "out-of-packed"))
    assert first == second


def laid_apart(source: Path, folder: Path, number: int) -> Buckets:
    buckets, unread = Buckets(folder, number), list[Unusable]()
    assert list(buckets.fill(export_files(source)[0], unread.append))
    assert not unread
    return buckets


def found_with(workers: int, export: Path, folder: Path) -> list[tuple[list[Row], Tally, list[Unusable]]]:
    engine, unread = LocalEngine(Settings(), date(2026, 3, 1), workers), list[Unusable]()
    folder.mkdir()
    assert list(engine.lay_apart(export_files(export)[0], folder, unread.append))
    assert not unread
    assert engine.parts > 1
    return [(one.rows, one.tally, one.unread) for one in engine.found([])]


def test_several_processes_find_the_same_in_the_same_order(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.screening.owners._PART_BYTES", 10_000)
    alone, together = (found_with(workers, export, tmp_path / str(workers)) for workers in (1, 2))
    assert alone == together
    assert sum(tally.patients for _, tally, _ in alone) == len(STORIES)


BROKEN = b'{"resourceType": "Condition", "id": "x"'
DEEP = b'{"resourceType": "Condition", "subject": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (BROKEN, "Input data was truncated"),
        (b"Condition/1,T12 fracture", "JSON is malformed: invalid character (byte 0)"),
        (b"[]", "Expected `object`, got `array`"),
        (b'{"id": "x"}', "is no FHIR resource"),
        (DEEP, "is nested too deep"),
        (b'{"resourceType": "Condition", "id": "x\xff"}', "holds bytes that are no UTF-8"),
        (b'{"resourceType": "Condition", "id": "x"}', "does not say to which patient it belongs"),
        (b'{"resourceType": "Condition", "subject": {"reference": "Group/1"}}', "belongs to no patient"),
        (b'{"resourceType": "Condition", "subject": {"reference": "Patient/a\\tb"}}', "belongs to no patient"),
        (
            b'{"resourceType": "Condition", "subject": "anna"}',
            "Expected `object | null`, got `str` - at `$.subject`",
        ),
        (b'{"resourceType": "Bundle", "type": "collection"}', "is a Bundle: an export holds one resource a line"),
        (b'{"resourceType": "OperationOutcome", "issue": []}', "the server reported a problem: records may be missing"),
        (b'{"resourceType": "MedicationOrder", "id": "x"}', "is of an older FHIR version than R4"),
        (b'{"resourceType": "Condition", "note": "' + b"x" * MAX_LINE + b'"}', "is longer than 16 MB"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[:40].decode(errors="replace"),
)
def test_a_line_that_cannot_be_used_is_named_and_the_others_are_read(
    export: Path, tmp_path: Path, line: bytes, reason: str
) -> None:
    path = export / "Condition.ndjson"
    sound = path.read_bytes()
    path.write_bytes(line + b"\n" + sound)
    run = screen(export, tmp_path / "out")
    assert run.exit_code == 1
    [(place, said)] = not_read(tmp_path / "out")
    assert place == "Condition.ndjson, line 1"
    assert said.startswith(reason)
    assert "Condition.ndjson, line 1: " in run.stderr
    assert len(rows(tmp_path / "out/worklist.csv")) == 3
    assert "could not be read" in (tmp_path / "out/worklist.html").read_text(encoding="utf-8")


def test_a_record_that_is_not_valid_is_named_with_its_line_its_resource_and_its_element(
    export: Path, tmp_path: Path
) -> None:
    wrong = {
        "resourceType": "Condition",
        "id": "wrong",
        "subject": {"reference": f"Patient/{LAPSED}"},
        "code": {"text": "compression fracture of T12"},
        "clinicalStatus": "active",
    }
    with (export / "Condition.ndjson").open("a", encoding="utf-8") as file:
        file.write(json.dumps(wrong) + "\n")
    assert screen(export, tmp_path / "out").exit_code == 1
    [row] = rows(tmp_path / "out/not-read.csv")
    assert (row["resource"], row["element"]) == ("Condition/wrong", "Condition")
    assert "Condition.ndjson, line " in row["place"]
    [lapsed] = [one for one in rows(tmp_path / "out/worklist.csv") if one["patient"] == f"Patient/{LAPSED}"]
    assert lapsed["not_read"] == "1"


def test_patients_whose_own_resource_is_not_in_the_export_are_named(export: Path, tmp_path: Path) -> None:
    path = export / "Patient.ndjson"
    kept = [one for one in path.read_text(encoding="utf-8").splitlines(keepends=True) if LAPSED not in one]
    path.write_text("".join(kept), encoding="utf-8")
    run = screen(export, tmp_path / "out")
    assert run.exit_code == 1
    [row] = rows(tmp_path / "out/not-read.csv")
    assert row["resource"] == f"Patient/{LAPSED}"
    assert row["reason"].startswith("is not in the export, which holds ")


def test_a_damaged_gzip_file_is_read_as_far_as_it_goes_and_named(export: Path, tmp_path: Path) -> None:
    path = export / "Observation.ndjson.gz"
    path.write_bytes(gzip.compress(b'{"resourceType": "Observation"}\n' * 10)[:-12])
    assert screen(export, tmp_path / "out").exit_code == 1
    assert any("the gzip file is damaged" in reason for _, reason in not_read(tmp_path / "out"))
    assert len(rows(tmp_path / "out/worklist.csv")) == 3


def test_types_that_no_rule_asks_about_are_passed_over_and_counted(export: Path, tmp_path: Path) -> None:
    (export / "Coverage.ndjson").write_text('{"resourceType": "Coverage", "id": "1"}\n\n', encoding="utf-8")
    assert screen(export, tmp_path / "out").exit_code == 0
    assert json.loads((tmp_path / "out/summary.json").read_text(encoding="utf-8"))["passedOver"] == 1


def test_a_visit_of_two_patients_counts_for_both(tmp_path: Path) -> None:
    visit = {
        "resourceType": "Appointment",
        "participant": [{"actor": {"reference": f"https://ehr.example.org/r4/Patient/{one}"}} for one in "ab"],
    }
    (tmp_path / "Appointment.ndjson").write_text(json.dumps(visit), encoding="utf-8")
    assert [owner for owner, _ in laid_apart(tmp_path, tmp_path, 1).lines(0)] == ["Patient/a", "Patient/b"]


def test_a_file_without_a_patient_leaves_no_results(tmp_path: Path) -> None:
    (tmp_path / "Patient.ndjson").write_bytes(b"")
    run = screen(tmp_path / "Patient.ndjson", tmp_path / "out")
    assert run.exit_code == 2
    assert "is empty" in run.stderr
    assert "holds no patient" in run.stderr
    assert os.listdir(tmp_path / "out") == []


@pytest.mark.parametrize("out", ["", "results", "results/of/march"])
def test_results_never_lie_where_the_next_run_reads_them(
    export: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    monkeypatch.chdir(export)
    before = os.listdir(export)
    run = CliRunner().invoke(main, ["screen", ".", "--out", out])
    assert run.exit_code == 2
    assert "name a folder elsewhere" in run.stderr or "names no folder" in run.stderr
    assert os.listdir(export) == before


def test_a_run_that_is_ended_leaves_nothing(export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("service.screening.results.json.dump", ended)
    before = signal.getsignal(signal.SIGTERM)
    assert screen(export, tmp_path / "out").exit_code == 128 + signal.SIGTERM
    assert os.listdir(tmp_path / "out") == []
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("prepared", ["an empty folder", "only Bundles", "nobody"])
def test_where_there_is_nothing_to_screen_nothing_is_done(tmp_path: Path, prepared: str) -> None:
    source = tmp_path / "export"
    source.mkdir()
    if prepared == "only Bundles":
        (source / "record.json").write_text("{}", encoding="utf-8")
    if prepared == "nobody":
        (source / "Condition.ndjson").write_text("\n", encoding="utf-8")
    run = screen(source, tmp_path / "out")
    assert run.exit_code == 2
    assert ("holds no file named .ndjson" in run.stderr) == (prepared != "nobody")


def test_results_are_never_written_over(export: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/worklist.csv").write_text("of last month", encoding="utf-8")
    run = screen(export, tmp_path / "out")
    assert run.exit_code == 2
    assert "is not empty: results are never written over" in run.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["worklist.csv"]
    assert (tmp_path / "out/worklist.csv").read_text(encoding="utf-8") == "of last month"


def test_a_run_that_fails_leaves_no_results(export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("service.screening.results.json.dump", full)
    run = screen(export, tmp_path / "out")
    assert run.exit_code == 2
    assert "No space left on device" in run.stderr
    assert os.listdir(tmp_path / "out") == []

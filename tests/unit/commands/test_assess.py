"""`reboundwatch assess`: what it reads, what it says, and how it ends."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from click.testing import Result
from fhir.resources.R4B.bundle import Bundle

from tests.unit.commands import records
from tests.unit.commands.records import bundle, objects, run, saved

DAY = ("--as-of", "2026-03-01")


def test_a_bundle_is_assessed_and_reported(tmp_path: Path) -> None:
    result = run("assess", saved(tmp_path, bundle(*records.rebound())), *DAY)
    assert result.exit_code == 0
    assert result.stderr == ""
    assert "Patient/anna" in result.stdout
    assert "RVFX_PROBABLE  L1 on 2025-10-01, 9 months after the preceding dose" in result.stdout
    assert "CRITICAL  RVFX-01" in result.stdout


def test_json_is_one_object_a_patient_a_line(tmp_path: Path) -> None:
    both = bundle(*records.rebound("anna"), *records.rebound("berta"))
    result = run("assess", saved(tmp_path, both), *DAY, "--format", "json")
    assert [found["patient"] for found in objects(result)] == ["Patient/anna", "Patient/berta"]
    assert objects(result)[0]["fractureClass"] == "RVFX_PROBABLE"


def test_fhir_is_one_valid_bundle_a_patient_a_line(tmp_path: Path) -> None:
    result = run("assess", saved(tmp_path, bundle(*records.rebound())), *DAY, "--format", "fhir")
    (found,) = objects(result)
    Bundle.model_validate(found)
    modules = [entry["resource"]["moduleUri"] for entry in found["entry"]]
    assert modules[0] == "urn:reboundwatch:assessment"
    assert "urn:reboundwatch:rules:RVFX-01" in modules


@pytest.mark.parametrize("kind", ["searchset", "transaction", "document", None])
def test_bundles_of_any_type_are_read(tmp_path: Path, kind: str | None) -> None:
    content = {**bundle(*records.rebound()), "type": kind}
    assert run("assess", saved(tmp_path, content), *DAY).exit_code == 0


def test_a_single_patient_resource_is_assessed(tmp_path: Path) -> None:
    (found,) = objects(run("assess", saved(tmp_path, records.patient()), *DAY, "--format", "json"))
    assert found["denosumab"]["state"] == "NEVER"


def test_the_ndjson_files_of_a_folder_are_one_record(tmp_path: Path) -> None:
    everything = records.rebound()
    saved(tmp_path, everything[:1], "Patient.ndjson")
    saved(tmp_path, everything[1:3], "MedicationAdministration.ndjson")
    saved(tmp_path, everything[3:], "Condition.ndjson")
    (found,) = objects(run("assess", tmp_path, *DAY, "--format", "json"))
    assert found["fractureClass"] == "RVFX_PROBABLE"


def test_each_json_file_of_a_folder_is_an_assessment_and_stories_make_no_noise(tmp_path: Path) -> None:
    for story in ("one", "two"):
        for version in ("r4", "r5"):
            saved(tmp_path, bundle(*records.rebound()), f"{story}/{version}.json")
        (tmp_path / story / "story.md").write_text("# A woman", encoding="utf-8")
    result = run("assess", tmp_path, *DAY, "--format", "json")
    assert len(objects(result)) == 4
    assert result.stderr == ""
    assert result.exit_code == 0


@pytest.mark.parametrize("as_lines", [False, True])
def test_standard_input_is_read_as_json_or_as_lines(as_lines: bool) -> None:
    everything = records.rebound()
    text = "\n".join(json.dumps(one) for one in everything) if as_lines else json.dumps(bundle(*everything))
    result = run("assess", "-", *DAY, stdin=text.encode())
    assert "Patient/anna  (standard input)" in result.stdout
    assert "RVFX_PROBABLE" in result.stdout


def test_the_day_of_evaluation_decides(tmp_path: Path) -> None:
    path = saved(tmp_path, bundle(*records.rebound()[:3]))
    states = [
        objects(run("assess", path, "--as-of", day, "--format", "json"))[0]["denosumab"]["state"]
        for day in ("2025-02-01", "2025-06-20", "2025-08-01", "2026-03-01")
    ]
    assert states == ["ACTIVE", "DUE", "OVERDUE", "PRESUMED_DISCONTINUED"]


def test_a_hook_request_brings_its_hook_and_its_day(tmp_path: Path) -> None:
    (found,) = objects(run("assess", saved(tmp_path, records.hook_request()), "--format", "json"))
    assert found["asOf"] == "2026-03-01"
    assert found["fractureClass"] == "RVFX_PROBABLE"


def rules(result: Result) -> set[str]:
    (found,) = objects(result)
    return {conclusion["rule"] for conclusion in found["conclusions"]}


def test_the_draft_orders_of_a_hook_request_are_taken_into_account(tmp_path: Path) -> None:
    untreated = records.hook_request("order-select", selections=[], draftOrders=bundle())
    treated = records.hook_request("order-select", selections=[], draftOrders=bundle(records.zoledronate_draft()))
    assert "RVFX-26" in rules(run("assess", saved(tmp_path, untreated), "--format", "json"))
    assert "RVFX-26" not in rules(run("assess", saved(tmp_path, treated), "--format", "json"))


def test_drafts_of_a_plain_record_count_as_the_orders_of_an_order_hook_only(tmp_path: Path) -> None:
    path = saved(tmp_path, bundle(*records.rebound(), records.zoledronate_draft()))
    assert "RVFX-26" in rules(run("assess", path, *DAY, "--format", "json"))
    assert "RVFX-26" not in rules(run("assess", path, *DAY, "--hook", "order-select", "--format", "json"))


def test_a_hook_that_contradicts_the_request_is_refused(tmp_path: Path) -> None:
    result = run("assess", saved(tmp_path, records.hook_request()), "--hook", "order-sign")
    assert result.exit_code == 2
    assert "is a request of hook patient-view, not of order-sign as --hook says" in result.stderr


def test_a_hook_request_with_the_record_of_another_patient_is_refused(tmp_path: Path) -> None:
    request = records.hook_request()
    request["context"]["patientId"] = "berta"
    result = run("assess", saved(tmp_path, request))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "prefetch.patient.id: is not of the patient in context.patientId" in result.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hook": "order-dance"}, "hook: must be one of patient-view, order-select"),
        ({"context": {"userId": "Practitioner/1"}}, "context.patientId: is missing"),
        ({"context": "x"}, "context: must be a JSON object"),
        ({"extension": {"org.reboundwatch.as-of": "yesterday"}}, "as-of: must be a day of the calendar"),
        ({"prefetch": {}}, "prefetch.patient is required (not sent); prefetch.conditions is required (not sent)"),
    ],
)
def test_a_malformed_hook_request_is_named(tmp_path: Path, change: records.Json, said: str) -> None:
    result = run("assess", saved(tmp_path, {**records.hook_request(), **change}))
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("{", "not read"),
        ("hello", "JSON is malformed"),
        ("[1, 2]", "is a JSON array: put its resources into a Bundle, or one a line into a file named .ndjson"),
        ('{"a": 1}', "no FHIR resource"),
        ("[" * 100_000 + "]" * 100_000, "not read"),
        ('{"resourceType": "Patient", "x": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deep"),
        ('{"resourceType": "Practitioner", "id": "1"}', "holds no resource of a patient"),
    ],
    ids=["empty", "cut", "text", "array", "no FHIR", "deep array", "deep resource", "no patient"],
)
def test_unreadable_files_are_named_without_a_traceback(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content, encoding="utf-8")
    result = run("assess", path)
    assert result.exit_code == 2
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert f"not read: {path}" in result.stderr
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_a_missing_file_and_a_folder_without_fhir_are_named(tmp_path: Path) -> None:
    result = run("assess", tmp_path / "no.json", tmp_path)
    assert result.exit_code == 2
    assert "no.json: does not exist" in result.stderr
    assert f"{tmp_path}: holds no file named .json" in result.stderr


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    saved(tmp_path, bundle(*records.rebound()), "good.json")
    result = run("assess", tmp_path, *DAY)
    assert result.exit_code == 1
    assert "bad.json" in result.stderr
    assert "RVFX_PROBABLE" in result.stdout


@pytest.mark.parametrize("content", [None, b"", b"\x1f\x8bcut"])
def test_a_file_of_a_record_that_is_lost_is_a_gap_of_the_record(tmp_path: Path, content: bytes | None) -> None:
    known = saved(tmp_path, [records.patient(), records.fracture("2025-10-01")], "Chart.ndjson")
    drugs = tmp_path / "MedicationAdministration.ndjson"
    if content is not None:
        drugs.write_bytes(content)
    result = run("assess", known, drugs, *DAY)
    assert result.exit_code == 1
    assert f"not read: {drugs}" in result.stderr
    assert "; any record may be missing" in " ".join(result.stdout.split())


def test_a_file_that_may_not_be_read_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = saved(tmp_path, records.patient(), "secret.json")
    good = saved(tmp_path, bundle(*records.rebound()), "good.json")
    monkeypatch.setattr("os.access", lambda *_, **__: False)  # as for everybody but root
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: _refused(self) if self == secret else read(self))
    result = run("assess", good, secret, *DAY)
    assert result.exit_code == 1
    assert f"not read: {secret}: " in result.stderr
    assert "RVFX_PROBABLE" in result.stdout


def _refused(path: Path) -> bytes:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def test_a_resource_that_cannot_be_read_is_named_and_the_rest_is_assessed(tmp_path: Path) -> None:
    broken = {**records.fracture("2025-11-01", name="broken"), "onsetDateTime": "2025-13-45"}
    result = run("assess", saved(tmp_path, bundle(*records.rebound(), broken)), *DAY)
    assert result.exit_code == 1
    assert "Condition/broken" in result.stderr
    assert "Condition/broken" in result.stdout
    assert "RVFX_PROBABLE" in result.stdout


def test_a_record_of_an_older_fhir_version_is_told_in_one_line(tmp_path: Path) -> None:
    old = [{**records.fracture("2025-11-01", name=f"{number}"), "clinicalStatus": "active"} for number in range(30)]
    result = run("assess", saved(tmp_path, bundle(records.patient(), *old)), *DAY)
    assert result.exit_code == 1
    [line] = result.stderr.splitlines()
    assert line.endswith("is of an older FHIR version than R4: ask for R4 or R5 (and 29 more for this reason)")
    assert "(and 29 more for this reason)" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing argument 'FILE...'"),
        (("x.json", "--as-of", "2026-02-30"), "'2026-02-30' is not in the calendar"),
        (("x.json", "--as-of", "March"), "'March' is not a day; write it as year-month-day, such as 2026-03-01"),
        (("x.json", "--hook", "order"), "'order' is not one of 'patient-view'"),
        (("x.json", "--format", "xml"), "'xml' is not one of 'text', 'json', 'fhir'"),
    ],
)
def test_wrong_use_is_explained(arguments: tuple[str, ...], said: str) -> None:
    result = run("assess", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_text_of_a_record_cannot_steer_the_terminal(tmp_path: Path) -> None:
    hostile = {**records.fracture("2025-11-01"), "id": "\x1b[2J", "onsetDateTime": "2025-13-45"}
    result = run("assess", saved(tmp_path, bundle(*records.rebound(), hostile)), *DAY)
    assert "\x1b" not in result.stdout + result.stderr
    assert "\\x1b[2J" in result.stderr


def test_long_work_without_a_terminal_shows_no_bar(tmp_path: Path) -> None:
    for number in range(30):
        saved(tmp_path, records.patient(), f"{number:02}.json")
    result = run("assess", tmp_path, *DAY, "--format", "json")
    assert len(objects(result)) == 30
    assert result.stderr == ""


def test_the_help_teaches_with_examples() -> None:
    result = run("assess", "--help")
    assert result.exit_code == 0
    for words in ("Examples:", "NDJSON", "hook request", "--as-of DATE", "draft", ["standard", "input"][0]):
        assert words in result.stdout

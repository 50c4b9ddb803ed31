"""However a command ends, it ends in one line and with the exit status that scripts rely on, never in a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from service.commands import main
from tests.unit.commands import records
from tests.unit.commands.records import bundle, run, saved

ROOT = Path(__file__).parents[3]
FULL = "the output cannot be written: No space left on device"


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A line for the shell, in which $R is the command `reboundwatch`."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        cwd=ROOT,
        env={**os.environ, "R": f"{sys.executable} -m service", "LC_ALL": "C.UTF-8", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """More records than a pipe holds."""
    for number in range(100):
        saved(tmp_path, bundle(*records.rebound()), f"{number:03}.json")
    return tmp_path


@pytest.mark.parametrize("command", ["assess {}", "explain {}", "assess {} --format json", "rules", "--help"])
def test_a_disk_that_is_full_is_said_in_one_line(tmp_path: Path, command: str) -> None:
    done = shell(f"$R {command.format(saved(tmp_path, bundle(*records.rebound())))} > /dev/full")
    assert (done.returncode, done.stderr) == (2, f"Error: {FULL}\n")


@pytest.mark.parametrize("command", ["assess {}", "explain {}", "rules", "rules --format json"])
def test_a_reader_that_goes_away_ends_the_work_in_silence(many: Path, command: str) -> None:
    done = shell(f"$R {command.format(many)} | head -1")
    assert len(done.stdout.splitlines()) == 1
    assert (done.returncode, done.stderr) == (0, "")


def test_a_closed_input_is_an_empty_one() -> None:
    done = shell("$R assess - <&-")
    assert done.returncode == 2
    assert done.stderr == "not read: standard input: is empty\nnothing could be assessed\n"


def test_with_closed_outputs_the_exit_status_still_tells(tmp_path: Path) -> None:
    record = saved(tmp_path, bundle(*records.rebound()))
    assert shell(f"$R assess {record} >&-").returncode == 0
    assert shell(f"$R assess {record} no.json >&- 2>&-").returncode == 1
    assert shell("$R assess no.json 2>&-").returncode == 2


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_screen_without_our_signs_gets_a_report_all_the_same(tmp_path: Path, encoding: str) -> None:
    record = saved(tmp_path, bundle(*records.rebound()), "骨折.json")
    done = shell(f"$R explain {record} --as-of 2026-03-01", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    assert "X A L1" in done.stdout
    assert "..." in done.stdout
    assert "\\u9aa8" in done.stdout


def test_json_stays_json_in_an_encoding_that_lacks_a_sign(tmp_path: Path) -> None:
    record = saved(tmp_path, bundle(*records.rebound("anna-🦴")))
    done = shell(f"$R assess {record} --as-of 2026-03-01 --format json", PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout)["patient"] == "Patient/anna-🦴"


def begun(command: Sequence[str], **options: Any) -> subprocess.Popen[str]:
    """A command that takes notice of an interrupt, also where these tests run in the background and take none."""
    heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, preexec_fn=heeding, **options)


def test_whoever_interrupts_a_command_sees_no_traceback(many: Path) -> None:
    command = [sys.executable, "-m", "service", "assess", str(many), *[str(many)] * 50]
    with begun(command, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.readline()
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert (running.returncode, said) == (130, "Interrupted.\n")


def test_whoever_interrupts_a_command_that_has_hardly_begun_sees_nothing() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "service", "rules"]
    with begun(command, stdout=subprocess.DEVNULL) as running:
        assert running.stderr is not None
        while "durable" not in running.stderr.readline():
            time.sleep(0)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert running.returncode == -signal.SIGINT
    assert "Traceback" not in said


def test_whoever_interrupts_a_screening_sees_no_traceback_of_its_processes(tmp_path: Path) -> None:
    export = tmp_path / "export"
    export.mkdir()
    saved(export, [records.patient(f"p-{number}") for number in range(100)], "Patient.ndjson")
    condition = {**records.fracture("2025-11-20"), "subject": {"reference": "Patient/p-1"}}
    blank = f"{' ' * 1024}\n" * 16 * 1024  # so, in several parts
    (export / "Condition.ndjson").write_text(f"{json.dumps(condition)}\n{blank}", encoding="utf-8")
    command = [sys.executable, "-m", "service", "screen", str(export), "--out", str(tmp_path / "out")]
    with begun([*command, "--workers", "2"], start_new_session=True) as running:
        while running.poll() is None and not processes_of(running.pid):
            time.sleep(0.01)
        time.sleep(0.3)  # they load their modules for longer
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does
        _, said = running.communicate(timeout=60)
    assert (running.returncode, said) == (130, "Interrupted.\n")
    assert list((tmp_path / "out").iterdir()) == []


def processes_of(pid: int) -> list[str]:
    """The processes that a process has started to evaluate patients."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [one for one in children if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]


def test_the_version_names_the_software_and_the_knowledge() -> None:
    words = run("--version").stdout.split()
    assert words[0] == "ReboundWatch"
    assert words[2] == "knowledge"
    assert words[3] == (ROOT / "rules" / "VERSION").read_text(encoding="utf-8").strip()


def test_the_list_of_commands_says_each_in_a_whole_sentence() -> None:
    commands = run("--help").stdout.partition("Commands:\n")[2].splitlines()
    assert len(commands) == 9
    assert all(line.endswith(".") and not line.endswith("...") for line in commands)


def test_on_a_narrow_screen_the_rules_are_folded_between_words() -> None:
    lines = CliRunner(env={"COLUMNS": "60"}).invoke(main, ["rules"]).stdout.splitlines()
    assert max(map(len, lines)) <= 60

"""`reboundwatch check-config` says what is set, what is unsafe and what cannot be reached, and ends accordingly."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rules.knowledge_base import load_knowledge
from service.commands import main


def checked(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Result:
    for name, value in variables.items():
        monkeypatch.setenv(f"REBOUNDWATCH_{name}", value)
    return CliRunner().invoke(main, ["check-config"])


def test_with_authentication_off_on_this_machine_it_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    result = checked(monkeypatch, AUTH="off")
    assert result.exit_code == 0
    assert "Ready to serve." in result.output
    assert "Unwise" not in result.output


def test_what_is_unwise_is_said_and_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    result = checked(monkeypatch, AUTH="off", VERIFY="never")
    assert result.exit_code == 1
    assert "VERIFY=never" in result.output


def test_what_would_not_be_served_is_said_and_ends_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    result = checked(monkeypatch)
    assert result.exit_code == 2
    assert "no client is registered" in result.output


def test_a_setting_that_cannot_be_used_is_said_and_ends_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    result = checked(monkeypatch, AUTH="off", PORT="abc")
    assert result.exit_code == 2
    assert "REBOUNDWATCH_PORT must be a whole number, not 'abc'" in result.output


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DISABLED_RULES", "RVFX-99", "cannot disable RVFX-99: no such rule"),
        ("HOST", "192.0.2.1", "cannot listen on 192.0.2.1 port 8080"),
        ("HOST", "nowhere.invalid", "cannot listen on nowhere.invalid port 8080"),
    ],
)
def test_what_cannot_be_reached_is_said(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    result = checked(monkeypatch, AUTH="off", AUTH_OFF_I_UNDERSTAND="1", **{name: value})
    assert result.exit_code == 2
    assert said in result.output


def test_a_registry_of_clients_that_does_not_hold_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "clients.yaml"
    file.write_text("clients: [{name: clinic, iss: a}]\n", encoding="utf-8")
    result = checked(monkeypatch, AUTH="off", CLIENTS_FILE=str(file))
    assert result.exit_code == 2
    assert f"{file}: clients[0] must have jku, jwks or both" in result.output


def test_limits_of_the_site_that_are_none_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    limits = tmp_path / "limits.yaml"
    limits.write_text("since: 2026-01-01\nnonsense: 3\n", encoding="utf-8")
    result = checked(monkeypatch, AUTH="off", LIMITS_FILE=str(limits))
    assert result.exit_code == 2
    assert "no limit is called 'nonsense'" in result.output


def test_a_folder_of_codes_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "nonsense.csv").write_text("system,code,match,display,grade,source\n", encoding="utf-8")
    (tmp_path / "prolia.csv").write_text("a,b\n", encoding="utf-8")
    result = checked(monkeypatch, AUTH="off", LOCAL_CODES_DIR=str(tmp_path))
    assert result.exit_code == 2
    assert "prolia.csv" in result.output


def test_a_port_on_which_the_service_itself_may_be_running_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert checked(monkeypatch, AUTH="off", PORT=str(taken.getsockname()[1])).exit_code == 0


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    result = checked(monkeypatch, PSEUDONYM_KEY="hunter2" * 10, DATABASE_URL="postgresql://u:hunter2@db/x")
    assert "hunter2" not in result.output
    assert "(hidden)" in result.output


def site_file(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def section(result: Result, title: str) -> list[str]:
    """The lines under a title."""
    return [line.strip() for line in result.output.partition(f"{title}:\n")[2].partition("\n\n")[0].splitlines()]


def test_what_the_site_has_set_stands_apart_from_what_is_so_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    result = checked(monkeypatch, AUTH="off", MAX_CARDS="2")
    assert ["REBOUNDWATCH_MAX_CARDS", "2"] in [line.split() for line in section(result, "Set")]
    assert ["REBOUNDWATCH_PORT", "8080"] in [line.split() for line in section(result, "Default")]
    assert not {line.split()[0] for line in section(result, "Set")} & {
        line.split()[0] for line in section(result, "Default")
    }


def test_limits_sign_offs_codes_and_clients_of_the_site_are_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    limits = site_file(tmp_path, "limits.yaml", "since: 2026-01-01\npresumed_discontinued_from: 8\n")
    version = load_knowledge().version
    sign_offs = site_file(
        tmp_path, "sign-offs.yaml", f'RVFX-01: {{version: "{version}", role: endocrinologist, date: 2026-01-02}}\n'
    )
    result = checked(
        monkeypatch,
        AUTH="off",
        LIMITS_FILE=limits,
        SIGN_OFFS_FILE=sign_offs,
        DISABLED_RULES="RVFX-08",
        JURISDICTION="EU",
    )
    assert result.exit_code == 0
    assert [" ".join(line.split()) for line in section(result, "This site")] == [
        f"knowledge {version}, labels of EU, {len(load_knowledge().rules) - 1} rules in use",
        "switched off RVFX-08",
        "limits presumed_discontinued_from 8 mo, since 2026-01-01 (otherwise 9 mo)",
        f"sign-offs 1 of {len(load_knowledge().rules) - 1} signed off by a physician",
        "RVFX-01 signed off by: endocrinologist, 2026-01-02",
        "codes those of the knowledge",
        "clients none registered",
    ]


def test_a_day_to_come_and_a_sign_off_left_behind_are_unwise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    limits = site_file(tmp_path, "limits.yaml", "since: 2999-01-01\npresumed_discontinued_from: 8\n")
    sign_offs = site_file(
        tmp_path,
        "sign-offs.yaml",
        f'RVFX-01: {{version: "{load_knowledge().version}", role: endocrinologist, date: 2999-01-02}}\n'
        'RVFX-02: {version: "2025.1.0", role: endocrinologist, date: 2025-01-02}\n',
    )
    result = checked(monkeypatch, AUTH="off", LIMITS_FILE=limits, SIGN_OFFS_FILE=sign_offs)
    assert result.exit_code == 1
    assert section(result, "Unwise where patients are treated") == [
        "LIMITS_FILE: its limits are to hold since 2999-01-01, a day that is still to come.",
        "SIGN_OFFS_FILE: RVFX-01 was signed off on 2999-01-02, a day that is still to come.",
        f"SIGN_OFFS_FILE: RVFX-02: not signed off in knowledge {load_knowledge().version}, which is in use.",
    ]


@pytest.mark.parametrize("command", ["assess", "explain", "rules"])
def test_the_other_commands_refuse_settings_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, command: str, tmp_path: Path
) -> None:
    monkeypatch.setenv("REBOUNDWATCH_MAX_CARD", "1")
    result = CliRunner().invoke(main, [command, *([str(tmp_path)] if command != "rules" else [])])
    assert result.exit_code == 2
    assert "did you mean REBOUNDWATCH_MAX_CARDS?" in result.output


def test_the_other_commands_work_as_the_site_set_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REBOUNDWATCH_DISABLED_RULES", "RVFX-08")
    assert "RVFX-08" not in CliRunner().invoke(main, ["rules", "--format", "json"]).output

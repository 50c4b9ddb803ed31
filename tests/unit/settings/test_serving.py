"""`reboundwatch serve` says before anything else why it cannot serve."""

from __future__ import annotations

import socket

import pytest
from click.testing import CliRunner

from service.commands import main


def test_a_port_that_is_taken_is_said_with_the_setting_that_names_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REBOUNDWATCH_AUTH", "off")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("REBOUNDWATCH_PORT", str(port))
        result = CliRunner().invoke(main, ["serve"])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        f"Error: 127.0.0.1 port {port} is taken by another process: end that, or name another port in "
        "REBOUNDWATCH_PORT\n"
    )


def test_an_address_of_another_machine_is_said_with_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"AUTH": "off", "AUTH_OFF_I_UNDERSTAND": "1", "HOST": "192.0.2.1"}.items():
        monkeypatch.setenv(f"REBOUNDWATCH_{name}", value)
    result = CliRunner().invoke(main, ["serve"])
    assert result.exit_code == 2
    assert "cannot listen on 192.0.2.1 port 8080" in result.stderr
    assert "REBOUNDWATCH_HOST" in result.stderr

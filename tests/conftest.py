"""Every test runs with the settings it names, and where nothing may be missing a skipped test fails."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from service.settings import PREFIX, Settings

DATABASE = f"{PREFIX}DATABASE_URL"


@pytest.fixture(scope="session", autouse=True)
def a_database_of_the_tests() -> Iterator[str]:
    """Whoever names no database gets a real one that is empty when the tests begin."""
    with tempfile.TemporaryDirectory(prefix="reboundwatch-tests-") as folder:
        os.environ[DATABASE] = f"sqlite:///{Path(folder) / 'tests.sqlite3'}"
        yield os.environ[DATABASE]


def pytest_addoption(parser: pytest.Parser) -> None:
    """What CI asks for: tests that need a tool are skipped without it, and a skip looks like a pass."""
    parser.addoption("--complete", action="store_true", help="a test that is skipped fails")
    parser.addoption(
        "--except-for",
        action="append",
        default=[],
        metavar="WORD",
        help="with --complete: a test may be skipped for a reason that holds this word",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With --complete, what was skipped has failed."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and item.config.getoption("complete"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        words: list[str] = item.config.getoption("except_for")
        if not any(word in reason for word in words):
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} must not be skipped here. {reason}"
    return report


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith(PREFIX) and name != DATABASE]:
        monkeypatch.delenv(name)
    monkeypatch.setitem(Settings.model_config, "env_file", None)

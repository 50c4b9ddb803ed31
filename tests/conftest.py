"""Every test runs with the settings it names, whatever a developer has set on this machine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
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


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith(PREFIX) and name != DATABASE]:
        monkeypatch.delenv(name)
    monkeypatch.setitem(Settings.model_config, "env_file", None)

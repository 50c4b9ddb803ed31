"""Every test runs with the settings it names, whatever a developer has set on this machine."""

from __future__ import annotations

import os

import pytest

from service.settings import PREFIX, Settings


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.setitem(Settings.model_config, "env_file", None)

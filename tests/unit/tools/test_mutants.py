"""A run over the mutants leaves no rule out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import mutants

ROOT = Path(__file__).parents[3]


def test_every_module_that_holds_a_rule_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with_rules = {path for path in Path("rules").glob("*/*.py") if "@rule(" in path.read_text(encoding="utf-8")}
    assert with_rules
    assert with_rules <= set(mutants.modules([]))

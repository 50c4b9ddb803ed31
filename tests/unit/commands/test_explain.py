"""`reboundwatch explain`: one screen a patient, from real records through the real rules."""

from __future__ import annotations

from pathlib import Path

from rules.knowledge_base import load_knowledge
from tests.unit.commands import records
from tests.unit.commands.records import bundle, run, saved

KNOWLEDGE = load_knowledge()
DAY = ("--as-of", "2026-03-01")


def test_a_rebound_fracture_is_explained_on_one_screen(tmp_path: Path) -> None:
    result = run("explain", saved(tmp_path, bundle(*records.rebound())), *DAY)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    # A rule that is silent takes a line at most; all that speaks, the picture and the sources come on top.
    assert len(lines) <= len(KNOWLEDGE.rules) + 50
    assert max(len(line) for line in lines) <= 100
    for words in (
        "doses",
        "● 60 mg",
        "✖ A L1",
        "today 2026-03-01",
        "A  RVFX_PROBABLE  L1 on 2025-10-01, 9 months after the preceding dose",
        "CRITICAL  RVFX-01",
        "What did not fire, and the condition that was missing",
        "state is OVERDUE",
        "Sources",
    ):
        assert words in result.stdout


def test_a_patient_without_denosumab_is_explained_too(tmp_path: Path) -> None:
    result = run("explain", saved(tmp_path, records.patient()), *DAY)
    assert result.exit_code == 0
    assert "NEVER: no denosumab on record" in result.stdout
    assert "What did not fire" in result.stdout


def test_every_rule_is_accounted_for(tmp_path: Path) -> None:
    result = run("explain", saved(tmp_path, bundle(*records.rebound())), *DAY)
    for entry in KNOWLEDGE.rules:
        number = entry.id.partition("-")[2]
        assert entry.id in result.stdout or f", {number}" in result.stdout


def test_unreadable_input_ends_like_assess(tmp_path: Path) -> None:
    assert run("explain", tmp_path / "no.json").exit_code == 2

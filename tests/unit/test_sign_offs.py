"""A rule is signed off by a physician for the version that was read, and every list says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules import catalogue
from rules.knowledge_base import Knowledge, load_knowledge
from rules.reasoning.errors import KnowledgeError
from rules.sign_offs import NOT_SIGNED_OFF
from rules.two_arms import RELATIONS, read_two_arms

VERSION = load_knowledge().version


def signed(folder: Path, content: str) -> Knowledge:
    file = folder / "sign_offs.yaml"
    file.write_text(content, encoding="utf-8")
    return load_knowledge(sign_offs=file)


def test_without_a_file_no_rule_is_signed_off() -> None:
    knowledge = load_knowledge()
    assert knowledge.standing("RVFX-01") == NOT_SIGNED_OFF
    assert knowledge.standing_of_all == NOT_SIGNED_OFF


def test_a_sign_off_of_this_version_is_said_with_role_and_day(tmp_path: Path) -> None:
    knowledge = signed(tmp_path, f'RVFX-01: {{version: "{VERSION}", role: endocrinologist, date: 2026-12-01}}')
    assert knowledge.standing("RVFX-01") == "signed off by: endocrinologist, 2026-12-01"
    assert knowledge.standing("RVFX-02") == NOT_SIGNED_OFF
    assert knowledge.standing_of_all == f"1 of {len(knowledge.rules)} signed off by a physician"
    listed = {one["id"]: one["signedOff"] for one in catalogue.as_data(knowledge)}
    assert [rule for rule, signed_off in listed.items() if signed_off] == ["RVFX-01"]
    assert "signed off by: endocrinologist, 2026-12-01" in catalogue.as_markdown(knowledge)


def test_a_sign_off_of_another_version_does_not_hold(tmp_path: Path) -> None:
    knowledge = signed(tmp_path, 'RVFX-01: {version: "2020.1.0", role: endocrinologist, date: 2020-12-01}')
    assert not knowledge.signed_off("RVFX-01")
    assert knowledge.standing("RVFX-01").startswith(f"{NOT_SIGNED_OFF} in this version")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('RVFX-99: {version: "1", role: x, date: 2026-12-01}', "sign-off of RVFX-99: no such rule"),
        ("RVFX-01: {version: 1, role: x, date: 2026-12-01}", "must be words"),
        ('RVFX-01: {version: "1", role: x, date: soon}', "date must be a day"),
        ('RVFX-01: {version: "1", role: x}', "must hold version, role and date"),
        ("RVFX-01: yes", "must hold version, role and date"),
    ],
)
def test_a_malformed_sign_off_is_named(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(KnowledgeError, match=said):
        signed(tmp_path, content)


def test_the_two_arms_name_rules_and_sources_that_exist_and_both_ends_of_the_scale() -> None:
    knowledge = load_knowledge()
    rows = read_two_arms()
    assert {rule for row in rows for rule in row.rules} <= {entry.id for entry in knowledge.rules}
    assert {source for row in rows for source in row.sources} <= set(knowledge.sources)
    assert {row.relation for row in rows} == set(RELATIONS)
    assert [row.topic for row in rows if row.relation == "opposite"] == [
        "First drug",
        "Teriparatide or abaloparatide alone",
    ]

"""`reboundwatch rules` lists every rule with its sources, and says that no physician has signed it off."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from rules.catalogue import as_markdown
from rules.knowledge_base import load_knowledge
from service.commands import main

KNOWLEDGE = load_knowledge()


def shown(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["rules", *arguments])
    assert result.exit_code == 0
    return result.output


def test_every_rule_is_listed_with_its_sources_and_is_not_called_signed_off() -> None:
    text = shown()
    for entry in KNOWLEDGE.rules:
        assert entry.title in text
        assert entry.citations[0].source in text
    assert "not signed off by a physician" in text


def test_the_letters_are_explained() -> None:
    text = " ".join(shown().split())
    assert "EL3 case series and case reports" in text
    assert "R-m recalled, medium confidence" in text


def test_as_json_each_citation_says_how_it_is_known_and_where_to_read_it() -> None:
    [first] = [one for one in json.loads(shown("--format", "json")) if one["id"] == "RVFX-01"]
    assert first["citations"][0]["certainty"] == "V1"
    assert first["citations"][0]["link"] == "https://doi.org/10.3390/jcm12185874"
    assert first["signedOff"] is False


def test_the_committed_catalogue_is_current() -> None:
    committed = Path(__file__).parents[3] / "rules" / "CATALOGUE.md"
    assert committed.read_text(encoding="utf-8") == as_markdown(KNOWLEDGE), "run `make catalogue`"


def test_the_catalogue_lists_what_is_only_recalled_or_proposed() -> None:
    page = as_markdown(KNOWLEDGE)
    waiting = page[page.index("## To be signed off") : page.index("## Sources")]
    assert "`rebound_over_after`" in waiting
    assert "`effect_ends`" not in waiting

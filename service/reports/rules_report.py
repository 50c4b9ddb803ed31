"""The rules as a list for a reader at a terminal: what each says, how it is known, and whether it is signed off."""

from __future__ import annotations

from rich.text import Text

from rules.catalogue import CERTAINTY
from rules.knowledge_base import Knowledge, RuleEntry
from service import words
from service.reports.page import Page, styled

_BODY = 10


def write_rules(page: Page, knowledge: Knowledge) -> None:
    """Write every rule, and how many there are."""
    for entry in knowledge.rules:
        _rule(page, entry, knowledge.standing(entry.id))
    page.gap()
    for label, meanings in (("strength", words.STRENGTHS), ("certainty", CERTAINTY)):
        said = "; ".join(f"{letters} {meaning}" for letters, meaning in meanings.items())
        page.put(styled(said, "quiet"), label=label, hang=_BODY)
    page.gap()
    count = words.counted(len(knowledge.rules), "rule")
    page.put(f"{count}, knowledge {knowledge.version}, {knowledge.standing_of_all}.")


def _rule(page: Page, entry: RuleEntry, standing: str) -> None:
    head = Text.assemble(styled(f"{entry.indicator:<9} ", entry.indicator), styled(entry.title, "heading"))
    page.put(head, label=entry.id, hang=_BODY)
    page.put(entry.sentence, indent=_BODY)
    for word, when in entry.otherwise:
        page.put(Text.assemble(styled(word, word), f" {when}"), indent=_BODY)
    cited = ", ".join(f"{one.source} [{one.certainty}]" for one in entry.citations)
    for line in (f"{entry.evidence_level}; {cited}", f"hooks: {', '.join(entry.hooks)}", standing):
        page.put(styled(line, "quiet"), indent=_BODY)

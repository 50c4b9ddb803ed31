"""Every reason for which a card may be set aside has its time, and only those have one."""

from __future__ import annotations

import pytest

from rules.knowledge_base import load_knowledge
from rules.reasoning.errors import KnowledgeError
from rules.set_aside import read_set_aside

OFFERED = sorted({code for rule in load_knowledge().rules for code, _ in rule.override_reasons})


def test_every_reason_that_a_card_offers_has_its_time() -> None:
    assert sorted(read_set_aside(OFFERED).times) == OFFERED


@pytest.mark.parametrize("offered", [[*OFFERED, "new-reason"], OFFERED[1:]])
def test_a_reason_without_a_time_and_a_time_without_a_reason_are_refused(offered: list[str]) -> None:
    with pytest.raises(KnowledgeError, match=f"new-reason|{OFFERED[0]}"):
        read_set_aside(offered)

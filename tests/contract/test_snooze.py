"""Which cards stay away after they were set aside, over HTTP and with a real database; what wakes them, and when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from service.cds_hooks.card_messages import EXTENSION
from tests.contract.calls import Json
from tests.contract.test_feedback import BLOCKED, NOW, Clinic, example, overridden, summaries

JUDGED = BLOCKED / "denosumab-on-dialysis-without-blood-tests.json"
"""A draft of denosumab on which a card speaks that may be set aside: it warns, and stands in nobody's way."""


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    made = Clinic(tmp_path)
    yield made
    made.memory.close()


def set_aside(answer: Json) -> list[str]:
    found: list[str] = answer["extension"][EXTENSION].get("snoozed", [])
    return found


@pytest.mark.parametrize("said", ["2099-01-01T00:00:00Z", "2026-11-01T09:00:01Z", "9999-12-31T23:59:59Z"])
def test_a_client_whose_clock_is_ahead_silences_a_critical_card_for_thirty_days_all_the_same(
    clinic: Clinic, said: str
) -> None:
    before = clinic.call(example())
    assert before["cards"][0]["indicator"] == "critical"
    assert clinic.report(overridden(before["cards"][0], outcomeTimestamp=said)).status_code == 200
    clinic.written("feedback_events", 1)
    assert set_aside(clinic.call(example()))
    clinic.time = NOW + timedelta(days=29)
    assert set_aside(clinic.call(example()))
    clinic.time = NOW + timedelta(days=30)
    assert summaries(clinic.call(example())) == summaries(before)

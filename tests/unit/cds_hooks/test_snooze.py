"""How long a card rests that was set aside, and what wakes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rules.knowledge_base import load_knowledge
from service.cds_hooks.snooze import is_set_aside
from service.storage.port import Override

NOW = datetime(2026, 11, 1, tzinfo=UTC)
MARK = "f" * 64
KNOWLEDGE = load_knowledge()
TIMES = KNOWLEDGE.set_aside
OFFERED = sorted({code for rule in KNOWLEDGE.rules for code, _ in rule.override_reasons})


def aside(reason: str, ago: timedelta, mark: str = MARK) -> bool:
    return is_set_aside(mark, False, [Override(MARK, reason, NOW - ago)], NOW, TIMES)


@pytest.mark.parametrize("reason", ["given-elsewhere", "patient-declined", "known-old-fracture"])
def test_a_reason_holds_until_its_time_and_not_a_moment_longer(reason: str) -> None:
    moment = timedelta(seconds=1)
    assert aside(reason, TIMES.times[reason] - moment)
    assert not aside(reason, TIMES.times[reason])


def test_a_reason_of_the_clients_own_holds_for_the_shortest_time() -> None:
    assert TIMES.holds("our-own", critical=False) == timedelta(days=30)


@pytest.mark.parametrize("reason", OFFERED)
def test_nothing_critical_rests_longer_than_a_month(reason: str) -> None:
    assert TIMES.holds(reason, critical=True) <= timedelta(days=30)


def test_another_card_is_not_set_aside() -> None:
    assert not aside("known-old-fracture", timedelta(days=1), mark="0" * 64)


def test_the_clock_of_another_node_may_be_a_little_ahead() -> None:
    assert aside("patient-declined", -timedelta(minutes=1))


@pytest.mark.parametrize("ahead", [timedelta(minutes=6), timedelta(days=1), timedelta(days=3650)])
def test_an_override_that_lies_in_the_future_holds_nothing(ahead: timedelta) -> None:
    assert not aside("known-old-fracture", -ahead)

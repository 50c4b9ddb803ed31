"""The soak fails for each thing that must not happen over time, and for a run that proves nothing."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.soak import Call, Sample, mixed, tenths, verdict

QUICK = [0.01] * 100


def test_a_run_without_fault_keeps_well() -> None:
    assert verdict(Counter({200: 100}), QUICK, [0.01, -0.02]) == []


@pytest.mark.parametrize(
    ("statuses", "times", "grown", "said"),
    [
        ({200: 99, 500: 1}, QUICK, [0.0], "status 500: 1 calls"),
        ({200: 99, 0: 1}, QUICK, [0.0], "status none: 1 calls"),
        ({200: 100}, QUICK, [0.0, 0.05], "a worker grew by 5.0 %"),
        ({200: 100}, QUICK, [], "no worker lived long enough"),
        ({200: 100}, [0.01] * 98 + [1.5] * 2, [0.0], "p99 is 1.50 s"),
    ],
)
def test_each_fault_is_said(statuses: dict[int, int], times: list[float], grown: list[float], said: str) -> None:
    [found] = verdict(Counter(statuses), times, grown)
    assert found.startswith(said)


def test_the_mix_holds_several_hooks_and_both_sizes_of_chart() -> None:
    asked = mixed()
    assert {one.service for one in asked} >= {
        "denosumab-rebound-patient-view",
        "denosumab-rebound-order-select",
        "denosumab-rebound-order-sign",
    }
    assert max(len(one.body) for one in asked) > 10 * min(len(one.body) for one in asked)


def test_a_tenth_in_which_the_machine_was_robbed_is_told_from_one_in_which_a_call_cost_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two calls and two samples a second: in the last tenth the host took half the time of one processor of two."""
    monkeypatch.setattr("benchmarks.soak.CORES", 2)
    calls = [Call(due / 2, 2.0 if due >= 180 else 0.01, 200) for due in range(201)]
    samples = [Sample(at / 2, 4.0 * at, 250.0 * max(0, at - 180)) for at in range(202)]
    head, *rows = tenths(calls, samples)
    assert head.split() == ["minutes", "calls", "p50", "ms", "p99", "ms", "CPU", "ms", "a", "call", "stolen"]
    assert len(rows) == 10
    assert rows[0].split()[1:5] == ["20", "10.0", "10.0", "4.00"]
    assert rows[0].split()[5] == "0.0"
    assert rows[-1].split()[2:4] == ["2000.0", "2000.0"]
    assert rows[-1].split()[5] == "25.0"

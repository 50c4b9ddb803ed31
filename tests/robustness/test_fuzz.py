"""Spoilt requests end as an answer or as a refusal; `python -m tools.fuzz` makes many more of these calls."""

from __future__ import annotations

import json
import random

from tools.fuzz import ALLOWED, Tally, case, run
from tools.mutations import KINDS, mutated

CALLS = 2_000
SEED = 20_260


def test_no_spoilt_request_ends_in_a_crash_a_hang_or_another_status() -> None:
    found = Tally()

    def report(_number: int, tally: Tally) -> None:
        found.merge(tally)
        tally.clear()

    run(SEED, range(CALLS), report)
    assert found.findings == []
    assert found.calls == CALLS
    assert {kind for kind, _ in found.statuses} == set(KINDS)
    assert {status for _, status in found.statuses} == set(ALLOWED)


def test_a_case_is_spoilt_in_the_same_way_each_time() -> None:
    assert [case(1, number) for number in range(50)] == [case(1, number) for number in range(50)]
    assert case(1, 0) != case(2, 0)


def test_every_kind_of_mutation_changes_most_documents() -> None:
    document = {"hook": "patient-view", "born": "1950-01-01", "doses": [{"mg": 60, "given": True}, {"mg": 60}]}
    whole = json.dumps(document).encode()
    changed = {kind for number in range(2_000) for kind, body in [_spoilt(whole, number)] if body != whole}
    assert changed == set(KINDS)


def _spoilt(whole: bytes, number: int) -> tuple[str, bytes]:
    return mutated(json.loads(whole), random.Random(number))

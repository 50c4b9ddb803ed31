"""Calls are computed one at a time in the order in which they came, and a wait for somebody else holds nobody up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from service.turns import TooLong, Turns, waiting

PATIENCE = 20.0


@pytest.fixture
def turns() -> Turns:
    return Turns()


@pytest.fixture
def others() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def queued(
    turns: Turns, others: ThreadPoolExecutor, work: Callable[[], None], seconds: float = PATIENCE
) -> Future[None]:
    """Another thread that wants its turn and stands in the line by now."""
    before = len(turns._line)

    def take() -> None:
        with turns.turn(seconds):
            work()

    asked = others.submit(take)
    until = time.monotonic() + PATIENCE
    while len(turns._line) == before and time.monotonic() < until:
        time.sleep(0.001)
    return asked


def test_whoever_comes_first_is_first(turns: Turns, others: ThreadPoolExecutor) -> None:
    done: list[int] = []
    with turns.turn(PATIENCE):
        asked = [queued(turns, others, lambda mine=number: done.append(mine)) for number in range(8)]  # type: ignore[misc]
        assert done == []
    for one in asked:
        one.result(PATIENCE)
    assert done == list(range(8))


def test_two_never_compute_at_once(turns: Turns, others: ThreadPoolExecutor) -> None:
    computing = 0

    def compute() -> None:
        nonlocal computing
        computing += 1
        time.sleep(0)  # Others may run, if they were let.
        assert computing == 1
        computing -= 1

    def call() -> None:
        for _ in range(100):
            with turns.turn(PATIENCE):
                compute()
                with waiting():
                    time.sleep(0)
                compute()

    for one in [others.submit(call) for _ in range(8)]:
        one.result(PATIENCE)


def test_while_one_waits_for_somebody_else_the_next_one_computes(turns: Turns, others: ThreadPoolExecutor) -> None:
    asked, answered = threading.Event(), threading.Event()

    def ask() -> None:
        with turns.turn(PATIENCE), waiting():
            asked.set()
            answered.wait(PATIENCE)

    asking = others.submit(ask)
    asked.wait(PATIENCE)
    with turns.turn(0.01):
        assert not asking.done()
    answered.set()
    asking.result(PATIENCE)


def test_whoever_was_let_in_goes_on_beside_others_who_do_not_end(turns: Turns, others: ThreadPoolExecutor) -> None:
    asked, answered = threading.Event(), threading.Event()

    def ask() -> str:
        with turns.turn(0.01):
            with waiting():
                asked.set()
                answered.wait(PATIENCE)
            return "answered"

    asking = others.submit(ask)
    asked.wait(PATIENCE)
    with turns.turn(PATIENCE):
        answered.set()
        assert asking.result(PATIENCE) == "answered"
        # The turn that it could not have is nobody's to give.
        after = queued(turns, others, lambda: None)
        assert not after.done()
    after.result(PATIENCE)


def only_waiting() -> str:
    with waiting():
        return "waited while another computed"


def test_outside_of_a_turn_waiting_is_only_waiting(turns: Turns) -> None:
    with turns.turn(PATIENCE):
        mine = ThreadPoolExecutor(1).submit(only_waiting).result(PATIENCE)
        assert mine == "waited while another computed"


def test_whoever_waits_too_long_is_told_so_and_the_next_one_goes_on(turns: Turns, others: ThreadPoolExecutor) -> None:
    done: list[str] = []
    with turns.turn(PATIENCE):
        impatient = queued(turns, others, lambda: done.append("impatient"), seconds=0.3)
        patient = queued(turns, others, lambda: done.append("patient"))
        with pytest.raises(TooLong):
            impatient.result(PATIENCE)
    patient.result(PATIENCE)
    assert done == ["patient"]


def test_an_error_ends_a_turn(turns: Turns) -> None:
    with pytest.raises(ZeroDivisionError), turns.turn(PATIENCE):
        raise ZeroDivisionError
    with turns.turn(0.01):
        pass

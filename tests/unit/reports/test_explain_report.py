"""The screen of `explain`: what was found, what fired on which evidence, and what was missing for the rest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import pytest

from rules.reasoning.evaluation import Evaluation
from rules.reasoning.knowledge import Limit, Limits, Source
from rules.reasoning.oracle import Silence
from service.reports.course_picture import DRAWN
from service.reports.explain_report import Explained, write_explanation
from service.reports.page import Page
from service.reports.silence import by_reason, said
from tests.unit.reports import stories


@dataclass(frozen=True)
class Rule:
    id: str
    not_assessed: tuple[str, ...]


def limit(name: str, value: float, unit: str) -> Limit:
    return Limit(name, value, unit, ("S01",), "V1", date(2026, 1, 1), "said")


LIMITS = Limits(
    {
        found.name: found
        for found in (
            limit("effect_ends", 6, "mo"),
            limit("rebound_window_opens", 7, "mo"),
            limit("rebound_window_tolerance", 14, "d"),
            limit("rebound_window_closes", 24, "mo"),
            limit("rebound_over_after", 36, "mo"),
        )
    }
)
SILENCES = (
    Silence("RVFX-07", "fracture", ("there is no FractureClass",)),
    Silence("RVFX-08", "fracture", ("there is no FractureClass",)),
    Silence("RVFX-11", "state", ("state.word == 'OVERDUE'",)),
    Silence("RVFX-12", "follow_on", (), excluded_by="FollowOn"),
)


def screen(evaluation: Evaluation, width: int = 100) -> str:
    page = Page(width)
    explained = Explained(
        name="five.json",
        evaluation=evaluation,
        silences=SILENCES,
        rules=(Rule("RVFX-01", ("fever", "weakness of the legs")), Rule("RVFX-05", ("fever",))),
        sources={"S01": Source("S01", "A series of 24 women", "V1")},
        limits=LIMITS,
    )
    write_explanation(page, explained, DRAWN)
    return page.plain()


FIVE = screen(stories.five_fractures_after_seven_doses())


@pytest.mark.parametrize(
    "words",
    [
        "knowledge 2026.12.0",
        "60 mg, PRESUMED_DISCONTINUED: no dose for so long",
        "B  RVFX_PROBABLE  T12, L1, L2, L3, L4 on 2025-10-05",
        "because: 7 to 24 months after the last of 7 doses; Condition/1, Condition/2",
        "the class that decides is RVFX_PROBABLE",
        "CRITICAL  RVFX-01  Probable rebound",
        "on Condition/1, MedicationAdministration/7; limits: rebound window opens 7 mo",
        "S01  [V1] A series of 24 women",
        "RVFX-12 also fired, and gives way to RVFX-01",
        "no fracture class (RVFX-07, 08)",
        "RVFX-11       state is OVERDUE",
        "RVFX-12       ruled out by follow on",
        "fever (RVFX-01, 05); weakness of the legs (RVFX-01)",
        "dispenses: the query failed",
        "unknown unit 'furlong'",
    ],
)
def test_the_screen_says(words: str) -> None:
    assert words in FIVE


def test_the_explanation_fits_one_screen() -> None:
    assert len(FIVE.splitlines()) <= 60


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_screen_keeps_to_its_width(width: int) -> None:
    assert max(len(line) for line in screen(stories.five_fractures_after_seven_doses(), width).splitlines()) <= width


def test_a_long_list_of_evidence_is_counted_not_poured_out() -> None:
    story = stories.five_fractures_after_seven_doses()
    many = replace(story.conclusions[0], evidence=tuple(f"Observation/{n}" for n in range(40)))
    assert "and 37 more" in screen(replace(story, conclusions=(many,)))


def test_a_patient_without_findings_still_reads_why() -> None:
    seen = screen(stories.nothing_on_record())
    assert "no rule" in seen
    assert "no vertebral fracture on record" in seen
    assert "What did not fire" in seen


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ("state.word == 'OVERDUE'", "state is OVERDUE"),
        ("state.word one of ('DUE', 'OVERDUE')", "state is DUE or OVERDUE"),
        ("fracture.recent == True", "fracture recent"),
        ("fracture.minor == False", "not fracture minor"),
        ("course.doses >= 2", "course doses at least 2"),
        ("labs.calcium < 2.2", "labs calcium under 2.2"),
        ("index.given_latest <= 739000", "index given latest at most 2024-04-24"),
        ("fracture.number == index.fracture", "fracture number is index fracture"),
        ("there is no FractureClass", "no fracture class"),
        ("something else", "something else"),
    ],
)
def test_a_missing_condition_is_said_in_words(test: str, words: str) -> None:
    assert said(test) == words


def test_rules_with_the_same_reason_stand_together() -> None:
    assert by_reason(SILENCES)[0] == ("no fracture class", ["RVFX-07", "RVFX-08"])

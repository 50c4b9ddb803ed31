"""The report of `assess`: what a reader at a terminal learns of a patient."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.reasoning.evaluation import Evaluation
from rules.reasoning.timeline import Unusable
from service.reports.page import Page
from service.reports.text_report import write_assessment
from tests.unit.reports import stories


def report(evaluation: Evaluation, width: int = 100) -> str:
    page = Page(width)
    write_assessment(page, evaluation, "five.json")
    return page.plain()


FIVE = report(stories.five_fractures_after_seven_doses())


@pytest.mark.parametrize(
    "said",
    [
        "Patient/five  (five.json)",
        "as of 2026-03-01",
        "60 mg: PRESUMED_DISCONTINUED",
        "7 dated doses, last on 2024-12-10 (administered), 14 months ago",
        "next dose due on 2025-06-10, long exposure",
        "RVFX_PROBABLE  T12, L1, L2, L3, L4 on 2025-10-05, 9 months after the preceding dose",
        "7 to 24 months after the last of 7 doses  [Condition/1, Condition/2]",
        "CRITICAL  RVFX-01  Probable rebound vertebral fractures",
        "Condition/1, MedicationAdministration/7; S01, S02",
        "RVFX-12 gives way to RVFX-01",
        "Strength inferred from the interval of the doses.",
        "dispenses: the query failed",
        "five.json: Observation/4 Observation.valueQuantity.unit: unknown unit 'furlong'",
    ],
)
def test_the_report_says(said: str) -> None:
    assert said in FIVE


def test_a_patient_about_whom_nothing_is_known_gets_a_statement_not_silence() -> None:
    said = report(stories.nothing_on_record())
    assert "NEVER (no denosumab on record)" in said
    assert "no vertebral fracture on record" in said
    assert "no rule has anything to say at patient-view" in said


def test_vague_dates_are_said_as_vague() -> None:
    said = report(stories.undated_fracture_and_vague_doses())
    assert "last between 2024-02-01 and 2024-02-29 (stated), 6 to 7 months ago" in said
    assert "level not stated up to 1996-04-04" in said
    assert "despite a bisphosphonate" in said


def test_text_of_the_record_cannot_clear_the_screen() -> None:
    hostile = Unusable("Observation/1", "unit '\x1b[2J' is not known")
    said = report(replace(stories.nothing_on_record(), unusable=(hostile,)))
    assert "\x1b" not in said
    assert "\\x1b[2J" in said


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_report_keeps_to_its_width(width: int) -> None:
    lines = report(stories.five_fractures_after_seven_doses(), width).splitlines()
    assert max(len(line) for line in lines) <= width

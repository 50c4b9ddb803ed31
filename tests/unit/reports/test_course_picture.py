"""The picture of a course: what stands where on the line of time."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from rules.reasoning.dates import DateInterval, add_months
from rules.reasoning.evaluation import Evaluation
from service.reports.course_picture import DRAWN, TYPED, Glyphs, draw_course, glyphs_for
from service.reports.page import Page
from tests.unit.reports import stories

PICTURES = Path(__file__).parent / "pictures"


def picture(evaluation: Evaluation, width: int = 100, glyphs: Glyphs = DRAWN) -> str:
    page = Page(width)
    draw_course(page, evaluation, stories.WINDOWS, glyphs)
    return page.plain()


def row(drawn: str, name: str) -> str:
    return next(line for line in drawn.splitlines() if line.startswith(name))


@pytest.mark.parametrize(
    ("name", "evaluation"),
    [
        ("five-fractures-after-seven-doses", stories.five_fractures_after_seven_doses()),
        ("undated-fracture-and-vague-doses", stories.undated_fracture_and_vague_doses()),
    ],
)
def test_the_picture_of_a_story_is_as_drawn_before(name: str, evaluation: Evaluation) -> None:
    assert picture(evaluation) == (PICTURES / f"{name}.txt").read_text(encoding="utf-8")


def test_every_dose_stands_on_the_line_of_doses() -> None:
    assert row(picture(stories.five_fractures_after_seven_doses()), "doses").count(DRAWN.dose_60) == 7


def test_doses_too_close_to_be_told_apart_are_counted() -> None:
    monthly = tuple(stories.dose(add_months(date(2015, 1, 5), n), n, "120mg") for n in range(100))
    story = stories.undated_fracture_and_vague_doses()
    course = replace(story.denosumab, product="120mg", doses=monthly, last_dose=monthly[-1].when)
    line = row(picture(replace(story, denosumab=course)), "doses")
    assert sum(int(sign) if sign.isdigit() else sign == DRAWN.dose_120 for sign in line) == 100


def test_rebound_windows_are_not_drawn_for_the_oncology_strength() -> None:
    story = stories.five_fractures_after_seven_doses()
    drawn = picture(replace(story, denosumab=replace(story.denosumab, product="120mg")))
    assert "rebound" not in drawn


def test_a_fracture_in_the_window_stands_above_the_rebound_sign() -> None:
    drawn = picture(stories.five_fractures_after_seven_doses())
    column = row(drawn, "fractures").rindex(DRAWN.fracture)
    assert row(drawn, "after a dose")[column] == DRAWN.probable


def test_a_new_dose_closes_the_window_of_the_one_before() -> None:
    story = stories.nothing_on_record()
    doses = (stories.dose(date(2022, 1, 1)), stories.dose(date(2023, 6, 1)))
    course = replace(story.denosumab, state="ACTIVE", product="60mg", doses=doses, last_dose=doses[-1].when)
    drawn = picture(replace(story, denosumab=course, as_of=date(2023, 8, 1)))
    bands = row(drawn, "after a dose")
    second = row(drawn, "doses").rindex(DRAWN.dose_60)
    assert bands[second - 1] == DRAWN.probable
    assert bands[second] == DRAWN.protected


def test_a_dose_known_by_its_month_only_is_drawn_as_a_span() -> None:
    assert DRAWN.perhaps in row(picture(stories.undated_fracture_and_vague_doses()), "doses")


def test_a_fracture_of_long_ago_does_not_flatten_the_course() -> None:
    drawn = picture(stories.undated_fracture_and_vague_doses())
    assert "1996 or earlier" in drawn
    assert "  2023 " in drawn
    assert "1996  " not in drawn


def test_today_and_the_due_date_are_named() -> None:
    drawn = picture(stories.five_fractures_after_seven_doses())
    assert f"today 2026-03-01 {DRAWN.today}" in drawn
    assert f"{DRAWN.due} due 2025-06-10" in drawn


def test_nothing_is_drawn_when_nothing_is_dated() -> None:
    assert picture(stories.nothing_on_record()) == ""


@pytest.mark.parametrize("width", [60, 80, 100, 120])
@pytest.mark.parametrize(
    "evaluation", [stories.five_fractures_after_seven_doses(), stories.undated_fracture_and_vague_doses()]
)
def test_the_picture_keeps_to_its_width(width: int, evaluation: Evaluation) -> None:
    assert max(len(line) for line in picture(evaluation, width).splitlines()) <= width


def test_a_terminal_without_these_signs_gets_typed_ones() -> None:
    assert glyphs_for("utf-8") is DRAWN
    assert glyphs_for("ascii") is TYPED
    assert glyphs_for("no-such-encoding") is TYPED
    assert picture(stories.five_fractures_after_seven_doses(), glyphs=TYPED).isascii()


def test_a_first_dose_given_today_can_be_drawn() -> None:
    story = stories.nothing_on_record()
    first = stories.dose(story.as_of)
    course = replace(story.denosumab, state="ACTIVE", product="60mg", doses=(first,), last_dose=first.when)
    assert DRAWN.dose_60 in row(picture(replace(story, denosumab=course)), "doses")


def test_a_last_dose_that_is_only_stated_opens_the_windows() -> None:
    story = stories.nothing_on_record()
    stated = DateInterval(date(2024, 1, 1), date(2024, 7, 1))
    course = replace(story.denosumab, state="STOPPED_EXPLICIT", product="60mg", last_dose=stated, basis="stated")
    assert DRAWN.probable in row(picture(replace(story, denosumab=course)), "after a dose")

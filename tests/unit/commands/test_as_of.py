"""The day of evaluation, as a user writes it."""

from __future__ import annotations

from datetime import date

import pytest

from service.as_of import day


def test_a_day_is_read() -> None:
    assert day("2024-02-29") == date(2024, 2, 29)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-02-30", "'2026-02-30' is not in the calendar"),
        ("2026-03", "is not a day; write it as year-month-day, such as 2026-03-01"),
        ("01/03/2026", "is not a day"),
        ("2026-03-01T10:00", "is not a day"),
        ("٢٠٢٦-03-01", "is not a day"),
        ("", "is not a day"),
        ("0001-01-01", "is outside of the years 1900 to 2199"),
    ],
)
def test_what_is_no_day_is_said_and_how_to_write_one(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        day(text)

"""Partial dates are intervals; limits are calendar months, clamped to the end of the month."""

from __future__ import annotations

from datetime import date

import pytest

from rules.reasoning.dates import DateInterval, add_months, whole_months


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2025, 8, 31), 6, date(2026, 2, 28)),
        (date(2023, 8, 31), 6, date(2024, 2, 29)),
        (date(2025, 1, 15), 7, date(2025, 8, 15)),
        (date(2025, 3, 31), -1, date(2025, 2, 28)),
        (date(9999, 12, 31), 6, date(9999, 12, 31)),
        (date(2, 1, 1), -24, date(1, 1, 1)),
    ],
)
def test_months_are_calendar_months(start: date, months: int, end: date) -> None:
    assert add_months(start, months) == end


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        (date(2025, 1, 31), date(2025, 2, 27), 0),
        (date(2025, 1, 31), date(2025, 2, 28), 1),
        (date(2025, 1, 15), date(2025, 11, 14), 9),
        (date(2025, 1, 15), date(2025, 11, 15), 10),
        (date(2025, 5, 1), date(2025, 4, 1), 0),
    ],
)
def test_printed_months_are_whole_months_elapsed(start: date, end: date, months: int) -> None:
    assert whole_months(start, end) == months


@pytest.mark.parametrize(
    ("text", "earliest", "latest"),
    [
        ("2025", date(2025, 1, 1), date(2025, 12, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2025-03-01", date(2025, 3, 1), date(2025, 3, 1)),
        ("2025-03-01T23:59:59-08:00", date(2025, 3, 1), date(2025, 3, 1)),
    ],
)
def test_a_partial_date_is_all_days_that_it_may_mean(text: str, earliest: date, latest: date) -> None:
    assert DateInterval.parse(text) == DateInterval(earliest, latest)


@pytest.mark.parametrize("text", ["20190304", "2025-02-30", "2025-13", "", "yesterday", "0000-01-01"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"date|year|month|day"):
        DateInterval.parse(text)

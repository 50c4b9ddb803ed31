"""Dates as a clinical record holds them: partial dates are intervals, limits are calendar months.

A limit of n months is the date (start + n calendar months, the end of the month clamped: 31 August + 6 months is
28 or 29 February). Dates are compared with that date; days and rounded months are never counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from dateutil.relativedelta import relativedelta

OPEN_START = date(1, 1, 1)
"""The earliest day of an interval of which only the end is known ("some day up to the day of recording")."""

_FHIR_DATE = re.compile(r"^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T.*)?)?)?$", re.DOTALL)


def add_months(day: date, months: int) -> date:
    """The day `months` calendar months after `day` (before it, if negative), clamped to the end of the month.

    Records write "for ever" as 9999-12-31: beyond the calendar is its last day.
    """
    if day == OPEN_START:
        return OPEN_START
    return _moved(day, months)


@lru_cache(maxsize=65_536)
def _moved(day: date, months: int) -> date:
    """A chart asks for the same few edges again and again."""
    try:
        return day + relativedelta(months=months)
    except (ValueError, OverflowError):
        return date.max if months > 0 else date.min


def whole_months(start: date, end: date) -> int:
    """Whole calendar months elapsed from `start` to `end`; 0 when `end` is not after `start`."""
    months = (end.year - start.year) * 12 + end.month - start.month
    while months > 0 and add_months(start, months) > end:
        months -= 1
    return max(months, 0)


def day_in_utc(text: str) -> date | None:
    """The day of a FHIR dateTime in UTC; None when it tells no time, or no time zone."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC).date() if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class DateInterval:
    """All days on which something may have happened, both ends included."""

    earliest: date
    latest: date

    def __post_init__(self) -> None:
        if self.earliest > self.latest:
            raise ValueError(f"an interval cannot end ({self.latest}) before it starts ({self.earliest})")

    @classmethod
    def on(cls, day: date) -> DateInterval:
        """The interval of one known day."""
        return cls(day, day)

    @classmethod
    def up_to(cls, day: date) -> DateInterval:
        """Some day up to `day`."""
        return cls(OPEN_START, day)

    @classmethod
    def parse(cls, text: str) -> DateInterval:
        """Read a FHIR date or dateTime: "2025", "2025-03", "2025-03-01", "2025-03-01T10:00:00+01:00".

        The day is the one written down at the place of care; a time zone never moves it.

        Raises:
            ValueError: `text` is not a FHIR date, or names a day that does not exist.
        """
        found = _FHIR_DATE.match(text)
        if found is None:
            raise ValueError(f"not a FHIR date: {text[:40]!r}")
        year, month, day = found.groups()
        if int(year) < 2:
            raise ValueError(f"not a usable year: {text[:40]!r}")
        return _written(year, month, day)

    @property
    def exact(self) -> bool:
        """Whether the day is known."""
        return self.earliest == self.latest

    @property
    def open_start(self) -> bool:
        """Whether only the end is known."""
        return self.earliest == OPEN_START

    def days_from(self, other: DateInterval) -> int:
        """The least number of days that may lie between the two; 0 when both may be of one day."""
        return max((self.earliest - other.latest).days, (other.earliest - self.latest).days, 0)

    def until(self, latest: date) -> DateInterval:
        """The part of the interval up to `latest`; the interval must begin by then."""
        return DateInterval(self.earliest, min(self.latest, latest))

    def plus_months(self, months: int) -> DateInterval:
        """Both ends moved by calendar months."""
        return DateInterval(add_months(self.earliest, months), add_months(self.latest, months))

    def __str__(self) -> str:
        if self.exact:
            return self.latest.isoformat()
        if self.open_start:
            return f"up to {self.latest.isoformat()}"
        return f"{self.earliest.isoformat()} to {self.latest.isoformat()}"


@lru_cache(maxsize=65_536)
def _written(year: str, month: str | None, day: str | None) -> DateInterval:
    """The days of a year, of a month or of one date; the dates of all charts are days of a few years."""
    if month is None:
        return DateInterval(date(int(year), 1, 1), date(int(year), 12, 31))
    if day is None:
        first = date(int(year), int(month), 1)
        return DateInterval(first, first + relativedelta(months=1) - timedelta(days=1))
    return DateInterval.on(date(int(year), int(month), int(day)))

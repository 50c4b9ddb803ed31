"""The day of evaluation as people and requests write it: one whole calendar day."""

from __future__ import annotations

import re
from datetime import date

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_YEARS = range(1900, 2200)


def day(text: str) -> date:
    """Read "2026-03-01".

    Raises:
        ValueError: `text` is no whole day, names one that does not exist, or a year that no record can be about.
    """
    if not _DAY.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not a day; write it as year-month-day, such as 2026-03-01")
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not in the calendar") from None
    if found.year not in _YEARS:
        raise ValueError(f"{text!r} is outside of the years {_YEARS.start} to {_YEARS.stop - 1}")
    return found

"""Days laid out along a line of text: which column a day falls on, where years and months are, where words fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from rich.cells import cell_len

from rules.reasoning.dates import add_months, whole_months

_STEPS = (1, 3, 6, 12, 24, 60, 120, 240, 600)
"""Months between two labels: the smallest step that leaves room is taken."""

_ROOM = 6
"""Columns that a label needs, with the space behind it."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The days `start` to `end` spread evenly over `columns` columns."""

    start: date
    end: date
    columns: int

    @classmethod
    def over(cls, days: Sequence[date], columns: int) -> Axis:
        """An axis that shows all `days` with a month of room at both ends, from the first of a month."""
        first = add_months(min(days), -1).replace(day=1)
        last = add_months(max(days), 1)
        return cls(first, last, columns)

    def column(self, day: date) -> int:
        """The column of `day`; days before or after the axis fall on its ends."""
        whole = (self.end - self.start).days
        at = round((day - self.start).days * (self.columns - 1) / whole)
        return max(0, min(at, self.columns - 1))

    def day(self, column: int) -> date:
        """The day in the middle of `column`."""
        whole = (self.end - self.start).days
        return self.start + timedelta(days=round(column * whole / (self.columns - 1)))

    @property
    def months_between_labels(self) -> int:
        """The step of the labels, in months."""
        months = max(whole_months(self.start, self.end), 1)
        for step in _STEPS:
            if self.columns * step / months >= _ROOM:
                return step
        return _STEPS[-1]

    def ticks(self) -> Iterator[tuple[int, str]]:
        """Column and label of each mark: "2025" at a year, "Apr" at a month within it."""
        step = self.months_between_labels
        day = date(self.start.year, 1, 1)
        if step > 12:
            years = step // 12
            day = date(self.start.year - self.start.year % years, 1, 1)
        while day <= self.end:
            if day >= self.start:
                yield self.column(day), str(day.year) if day.month == 1 else f"{day:%b}"
            day = add_months(day, step)

    def months(self) -> Iterator[int]:
        """The columns of quarters, or of months where there is room: small marks between the labelled ones."""
        shown = max(whole_months(self.start, self.end), 1)
        for step in (1, 3, 6, 12):
            if self.columns * step / shown >= 2:
                break
        else:
            return
        day = date(self.start.year, 1, 1)
        while day <= self.end:
            if day >= self.start:
                yield self.column(day)
            day = add_months(day, step)


@dataclass(frozen=True, slots=True)
class Mark:
    """A sign at a column with words beside it."""

    column: int
    sign: str
    words: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """A mark on its row: the text to write, from which column on."""

    start: int
    text: str
    meaning: str


def placed(marks: Iterable[Mark], columns: int) -> list[list[Placed]]:
    """Rows of marks that do not touch: words to the right of the sign where they fit, else to its left.

    Marks keep their order from the first row down; one without room beside its neighbours begins a new row.
    """
    rows: list[list[Placed]] = []
    for mark in marks:
        text = f"{mark.sign} {mark.words}".rstrip()
        start = mark.column
        if start + cell_len(text) > columns:
            text = f"{mark.words} {mark.sign}".lstrip()
            start = max(mark.column - cell_len(text) + 1, 0)
        put = Placed(start, text, mark.meaning)
        for row in rows:
            if all(_apart(put, other) for other in row):
                row.append(put)
                break
        else:
            rows.append([put])
    return rows


def _apart(one: Placed, other: Placed) -> bool:
    first, second = sorted((one, other), key=lambda item: item.start)
    return first.start + cell_len(first.text) + 1 < second.start

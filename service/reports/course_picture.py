"""The course of denosumab drawn along a line of time: doses, how long each protects, windows, fractures, today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import date, timedelta

from rich.text import Text

from rules.reasoning.dates import DateInterval, add_months
from rules.reasoning.evaluation import DoseSummary, Evaluation
from service.reports.page import STYLES, Page, styled
from service.reports.timeline_axis import Axis, Mark, Placed, placed

_GUTTER = 12
_NEVER = date.max


@dataclass(frozen=True, slots=True)
class Windows:
    """How a day is judged by its distance from the last dose before it; months, and days of grace."""

    protected_months: int
    probable_from_months: int
    grace_days: int
    probable_until_months: int
    possible_until_months: int

    def after(self, dose: date, day: date) -> str:
        """ "protected", "possible", "probable", or "" when the effect is long over."""
        if day <= add_months(dose, self.protected_months):
            return "protected"
        probable = add_months(dose, self.probable_from_months) - timedelta(days=self.grace_days)
        if probable <= day <= add_months(dose, self.probable_until_months):
            return "probable"
        return "possible" if day <= add_months(dose, self.possible_until_months) else ""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The signs that a picture is drawn with."""

    dose_60: str
    dose_120: str
    dose_unknown: str
    perhaps: str
    protected: str
    possible: str
    probable: str
    line: str
    tick: str
    fine: str
    fracture: str
    today: str
    now: str
    due: str
    stopped: str
    cut: str

    def dose(self, product: str) -> str:
        """The sign of a dose of this product."""
        return {"60mg": self.dose_60, "120mg": self.dose_120}.get(product, self.dose_unknown)

    def window(self, name: str) -> str:
        """The sign of a window ("protected", "possible", "probable"; "" is empty)."""
        return {
            "protected": self.protected,
            "possible": self.possible,
            "probable": self.probable,
        }.get(name, " ")


DRAWN = Glyphs("●", "◆", "○", "╌", "▁", "░", "▓", "─", "┼", "┬", "✖", "▲", "│", "▽", "■", "…")
TYPED = Glyphs("o", "D", "?", "~", "_", ":", "#", "-", "+", "'", "X", "^", "|", "v", "S", "...")
"""For terminals and files that hold ASCII only."""


def glyphs_for(encoding: str) -> Glyphs:
    """The drawn signs, or the typed ones where `encoding` cannot hold them."""
    try:
        "".join(astuple(DRAWN)).encode(encoding)
    except (LookupError, UnicodeEncodeError):
        return TYPED
    return DRAWN


def draw_course(page: Page, evaluation: Evaluation, windows: Windows, glyphs: Glyphs) -> None:
    """Draw the picture on `page`; nothing when the record holds neither a dose nor a fracture with a date."""
    days = _days_shown(evaluation, windows)
    if not days:
        return
    axis = Axis.over(days, page.width - _GUTTER - 1)
    doses = _shown(evaluation)
    page.lines.append(_row("", _labels(axis)))
    page.lines.append(_row("", _ruler(axis, glyphs)))
    if doses:
        page.lines.append(_row("doses", _doses(axis, doses, glyphs)))
    anchors = _anchors(evaluation) if evaluation.denosumab.product != "120mg" else []
    if anchors:
        page.lines.append(_row("after a dose", _bands(axis, anchors, evaluation.as_of, windows, glyphs)))
    for number, row in enumerate(_fractures(axis, evaluation, glyphs)):
        page.lines.append(_row("fractures" if number == 0 else "", row))
    for row in _days_named(axis, evaluation, glyphs):
        page.lines.append(_row("", row))
    _legend(page, doses, bool(anchors), windows, glyphs)


def _shown(evaluation: Evaluation) -> Sequence[DoseSummary]:
    """The dated doses; when there is none, the last dose that a statement implies."""
    course = evaluation.denosumab
    if course.doses or course.last_dose is None:
        return course.doses
    return (DoseSummary(course.last_dose, course.basis or "", course.product, course.evidence),)


def _anchors(evaluation: Evaluation) -> list[date]:
    """The days from which windows are counted."""
    return sorted(dose.when.latest for dose in _shown(evaluation))


def _days_shown(evaluation: Evaluation, windows: Windows) -> list[date]:
    course = evaluation.denosumab
    intervals = [dose.when for dose in course.doses] + [fracture.event for fracture in evaluation.fractures]
    intervals += [found for found in (course.last_dose, course.stopped, course.due) if found]
    if not intervals:
        return []
    ends = [found.latest for found in intervals] + [found.earliest for found in intervals if not found.open_start]
    anchors = _anchors(evaluation)
    if anchors:
        # A fracture decades before treatment, or an open end, must not flatten the course itself.
        ends = [day for day in ends if day >= add_months(anchors[0], -36)]
        horizon = add_months(evaluation.as_of, 12)
        ends.append(
            min(
                add_months(anchors[-1], windows.possible_until_months),
                max(horizon, evaluation.as_of),
            )
        )
    return [day for day in ends if day != _NEVER] + [evaluation.as_of]


def _row(name: str, drawing: Text) -> Text:
    row = Text(name.ljust(_GUTTER), style=STYLES["quiet"]) + drawing
    row.rstrip()
    return row


def _labels(axis: Axis) -> Text:
    cells = [" "] * (axis.columns + 1)
    free_from = 0
    for column, label in axis.ticks():
        if column >= free_from and column + len(label) <= len(cells):
            cells[column : column + len(label)] = label
            free_from = column + len(label) + 1
    return Text("".join(cells))


def _ruler(axis: Axis, glyphs: Glyphs) -> Text:
    cells = [glyphs.line] * axis.columns
    for column in axis.months():
        cells[column] = glyphs.fine
    for column, _ in axis.ticks():
        cells[column] = glyphs.tick
    return Text("".join(cells), style=STYLES["quiet"])


def _doses(axis: Axis, doses: Sequence[DoseSummary], glyphs: Glyphs) -> Text:
    cells = [" "] * axis.columns
    count = [0] * axis.columns
    for dose in doses:
        first = 0 if dose.when.open_start else axis.column(dose.when.earliest)
        for column in range(first, axis.column(dose.when.latest)):
            if cells[column] == " ":
                cells[column] = glyphs.perhaps
    for dose in doses:
        column = axis.column(dose.when.latest)
        count[column] += 1
        cells[column] = glyphs.dose(dose.product) if count[column] == 1 else str(min(count[column], 9))
    return Text("".join(cells), style=STYLES["dose"])


def _bands(axis: Axis, anchors: Sequence[date], as_of: date, windows: Windows, glyphs: Glyphs) -> Text:
    """Which window each day lies in; the line of today parts what has been from what is to come."""
    drawing = Text()
    for column in range(axis.columns):
        if column == axis.column(as_of):
            drawing.append(glyphs.now, style=STYLES["today"])
            continue
        day = axis.day(column)
        before = [anchor for anchor in anchors if axis.column(anchor) <= column]
        window = windows.after(before[-1], max(day, before[-1])) if before else ""
        drawing.append(glyphs.window(window), style=STYLES[window] if window else "")
    return drawing


def _fractures(axis: Axis, evaluation: Evaluation, glyphs: Glyphs) -> list[Text]:
    marks = []
    for number, fracture in enumerate(evaluation.fractures):
        levels = " ".join(fracture.levels) or "level not stated"
        words = f"{letter(number)} {levels}{_vague(fracture.event, axis)}"
        marks.append(Mark(axis.column(fracture.event.latest), glyphs.fracture, words, "fracture"))
    return [_written(row) for row in placed(marks, axis.columns)]


def letter(number: int) -> str:
    """The name of the fracture event with this number, from 0: A, B, ... Z, then 27, 28, ..."""
    return chr(ord("A") + number) if number < 26 else str(number + 1)


def _vague(event: DateInterval, axis: Axis) -> str:
    if event.open_start:
        return f" ({event.latest.year} or earlier)" if event.latest < axis.start else " (or earlier)"
    if event.latest < axis.start:
        return f" ({event.latest.year})"
    return "" if event.exact else f" (from {event.earliest.isoformat()})"


def _days_named(axis: Axis, evaluation: Evaluation, glyphs: Glyphs) -> list[Text]:
    course = evaluation.denosumab
    marks = [
        Mark(
            axis.column(evaluation.as_of),
            glyphs.today,
            f"today {evaluation.as_of.isoformat()}",
            "today",
        )
    ]
    if course.due:
        marks.append(Mark(axis.column(course.due.latest), glyphs.due, f"due {course.due}", ""))
    if course.stopped:
        marks.append(
            Mark(
                axis.column(course.stopped.latest),
                glyphs.stopped,
                f"stopped {course.stopped}",
                "",
            )
        )
    return [_written(row) for row in placed(marks, axis.columns)]


def _written(row: Sequence[Placed]) -> Text:
    line = Text()
    for item in sorted(row, key=lambda item: item.start):
        line.append(" " * max(item.start - line.cell_len, 0))
        line.append_text(styled(item.text, item.meaning))
    return line


def _legend(
    page: Page,
    doses: Sequence[DoseSummary],
    with_windows: bool,
    windows: Windows,
    glyphs: Glyphs,
) -> None:
    names = {"60mg": "60 mg", "120mg": "120 mg", "unknown": "strength not known"}
    parts = [f"{glyphs.dose(product)} {names.get(product, product)}" for product in sorted({d.product for d in doses})]
    if with_windows:
        span = f"{windows.probable_from_months} to {windows.probable_until_months} months"
        parts.append(f"{glyphs.protected} protected, {windows.protected_months} months")
        parts.append(f"{glyphs.possible} rebound possible")
        parts.append(f"{glyphs.probable} rebound window, {span}")
    line = ""
    for part in parts:
        if line and _GUTTER + len(line) + 3 + len(part) > page.width:
            page.put(styled(line, "quiet"), indent=_GUTTER)
            line = ""
        line = f"{line}   {part}" if line else part
    if line:
        page.put(styled(line, "quiet"), indent=_GUTTER)

"""The contract's words for states, classes and products, in plain English; dates and months as they are printed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rules.reasoning.dates import DateInterval
from rules.reasoning.evaluation import DenosumabSummary, FractureSummary, MonthRange
from rules.reasoning.timeline import Unusable

STATES = {
    "NEVER": "no denosumab on record",
    "ACTIVE": "on treatment, the next dose is not due yet",
    "DUE_SOON": "on treatment, the next dose is due soon",
    "DUE": "the next dose is due",
    "OVERDUE": "the next dose is overdue",
    "PRESUMED_DISCONTINUED": "no dose for so long that treatment counts as stopped",
    "STOPPED_EXPLICIT": "stopped on record",
    "REBOUND_OVER": "the last dose is so long ago that a rebound is over",
    "UNKNOWN": "on record, but without a usable date or strength",
}

CLASSES = {
    "RVFX_PROBABLE": "probable rebound fracture",
    "RVFX_POSSIBLE": "possible rebound fracture",
    "VFX_ON_TREATMENT": "fracture while the last dose protected",
    "VFX_PRIOR": "fracture before the first dose",
    "VFX_TRAUMATIC": "fracture by a high-energy injury",
    "VFX_PATHOLOGICAL": "pathological fracture",
    "VFX_OSTEOPOROTIC": "osteoporotic fracture, not a rebound",
    "UNKNOWN": "cannot be classed",
}

PRODUCTS = {"60mg": "60 mg", "120mg": "120 mg", "unknown": "strength not known"}


STRENGTHS = {
    "EL1": "randomised trials and their reviews",
    "EL2": "cohorts, or trial data analysed afterwards",
    "EL3": "case series and case reports",
    "EL4": "position of experts, or opinion in a guideline",
    "REG": "a drug label or a regulator",
}
"""The kind of evidence behind a rule; "EL3+EL4" is two of them."""


def strengths(letters: str) -> list[str]:
    """What the letters behind a rule mean, as they are named; "EL1-EL2 (indirect) + EL4" are three."""
    return [STRENGTHS[one] for one in re.findall("|".join(STRENGTHS), letters)]


def state(course: DenosumabSummary) -> str:
    """The state of denosumab in words."""
    if course.state == "UNKNOWN" and course.product == "120mg":
        return "the 120 mg product, not given lately, and no stop on record"
    return STATES[course.state]


def when(interval: DateInterval) -> str:
    """ "on 2025-06-10", "up to 2025-06-10" or "between 2025-06-01 and 2025-06-30"."""
    if interval.exact:
        return f"on {interval.latest.isoformat()}"
    if interval.open_start:
        return f"up to {interval.latest.isoformat()}"
    return f"between {interval.earliest.isoformat()} and {interval.latest.isoformat()}"


def months(span: MonthRange) -> str:
    """ "14 months", "13 to 14 months", "at least 13 months"."""
    if span.max is None:
        return f"at least {counted(span.min, 'month')}"
    most = counted(span.max, "month")
    return most if span.min == span.max else f"{span.min} to {most}"


def counted(number: int, thing: str) -> str:
    """ "1 patient", "2,300 patients": of what takes an s."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def doses(course: DenosumabSummary) -> str:
    """How many dated doses, and when the last one was, with its basis; "" when denosumab is not on record."""
    if course.state == "NEVER":
        return ""
    counted = {0: "no dated dose", 1: "1 dated dose"}.get(course.dose_count, f"{course.dose_count} dated doses")
    said = [counted]
    if course.last_dose:
        basis = f" ({course.basis})" if course.basis else ""
        said.append(f"last {when(course.last_dose)}{basis}")
    if course.months_since:
        said.append(f"{months(course.months_since)} ago")
    return ", ".join(said)


def further(course: DenosumabSummary) -> str:
    """Due date, stop and length of exposure, as far as known."""
    said = []
    if course.due:
        said.append(f"next dose due {when(course.due)}")
    if course.stopped:
        said.append(f"stopped {when(course.stopped)}")
    if course.exposure_long:
        said.append("long exposure")
    return ", ".join(said)


def fracture(event: FractureSummary) -> str:
    """Where, when, and how long after the last dose before it."""
    levels = ", ".join(event.levels) or "level not stated"
    said = f"{levels} {when(event.event)}"
    if event.months_after_last_dose and not event.event.open_start:
        said += f", {months(event.months_after_last_dose)} after the preceding dose"
    return said


def unusable(item: Unusable, *, with_source: bool = True) -> str:
    """One line on what could not be used: file, resource, element, reason, as far as known."""
    source = item.source if with_source else ""
    where = " ".join(part for part in (item.reference, item.element) if part)
    return ": ".join(part for part in (source, where, item.reason) if part)


_ALIKE = 3
"""So many lines with one reason are read; more are counted."""


def unusables(items: Iterable[Unusable]) -> list[str]:
    """A line on each thing that could not be used; of many in one place for one reason the first, and how many more."""
    alike: dict[tuple[str, str], list[Unusable]] = {}
    for item in items:
        alike.setdefault((item.source, item.reason), []).append(item)
    lines: list[str] = []
    for several in alike.values():
        if len(several) > _ALIKE:
            lines.append(f"{unusable(several[0])} (and {len(several) - 1} more for this reason)")
        else:
            lines += map(unusable, several)
    return lines

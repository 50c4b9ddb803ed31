"""The worklist: whom the quality team has to look at, most urgent first, and why."""

from __future__ import annotations

from dataclasses import dataclass, fields

from rules.reasoning.conclusions import Indicator
from rules.reasoning.dates import DateInterval
from rules.reasoning.evaluation import Evaluation

NEVER = "NEVER"


@dataclass(frozen=True, slots=True)
class Row:
    """One patient with denosumab on record for whom a rule speaks; days are ISO, what is not known is "".

    `further` has a line for each further advice, its rules before it.
    """

    patient: str
    urgency: str
    says: str
    further: str
    rules: str
    state: str
    product: str
    doses: int
    last_dose_earliest: str
    last_dose_latest: str
    basis: str
    months_since_min: str
    months_since_max: str
    due: str
    stopped: str
    fracture_class: str
    levels: str
    notes: str
    not_read: int


COLUMNS = tuple(field.name for field in fields(Row))


def row(evaluation: Evaluation, not_read: int) -> Row | None:
    """The row of a patient; None when denosumab is not on record, or no rule speaks when the chart is opened.

    `not_read` counts the records of the patient that could not be used.
    """
    course = evaluation.denosumab
    if course.state == NEVER or not evaluation.conclusions:
        return None
    said: dict[str, dict[str, None]] = {}
    for one in evaluation.conclusions:
        said.setdefault(one.advice.summary, {})[one.rule] = None
    first, *others = said.items()
    last, since = course.last_dose, course.months_since
    return Row(
        patient=evaluation.patient,
        urgency=evaluation.conclusions[0].advice.indicator.value,
        says=first[0],
        further="\n".join(f"{', '.join(rules)}: {summary}" for summary, rules in others),
        rules=" ".join(dict.fromkeys(one.rule for one in evaluation.conclusions)),
        state=course.state,
        product=course.product,
        doses=course.dose_count,
        last_dose_earliest="" if last is None or last.open_start else last.earliest.isoformat(),
        last_dose_latest="" if last is None else last.latest.isoformat(),
        basis=course.basis or "",
        months_since_min="" if since is None else str(since.min),
        months_since_max="" if since is None or since.max is None else str(since.max),
        due=_day(course.due),
        stopped=_day(course.stopped),
        fracture_class=evaluation.fracture_class or "",
        levels=" ".join(dict.fromkeys(level for event in evaluation.fractures for level in event.levels)),
        notes=" ".join(evaluation.notes),
        not_read=not_read,
    )


def by_urgency(one: Row) -> tuple[int, str, int, str]:
    """Sorts critical before warning before info; of the same, by the rule that leads, then the longest since a dose."""
    return Indicator(one.urgency).rank, one.rules.split(" ")[0], -int(one.months_since_min or 0), one.patient


def _day(interval: DateInterval | None) -> str:
    """The day, or the latest of several that it may be."""
    return "" if interval is None else interval.latest.isoformat()

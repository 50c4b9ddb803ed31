"""Facts about denosumab: the course with the calendar edges of its last dose, bone turnover, and the state."""

from __future__ import annotations

from datetime import date

from rules.reasoning.dates import DateInterval, add_months
from rules.reasoning.fact import Fact, Field
from rules.reasoning.facts.course import Exposure, Stop
from rules.reasoning.facts.doses import Dose
from rules.reasoning.knowledge import Limits
from rules.reasoning.timeline import PatientTimeline


class Today(Fact):
    """The day of evaluation, as a day number."""

    day: Field[int]
    when: date


class Course(Fact):
    """The course of denosumab up to today; edges are day numbers, counted from the latest possible last dose.

    `usable` is true when the last dose has a date that is sharp enough and a product that is known; `only_120mg` when
    every dose was the oncology strength; `last_120mg` when the most recent was. `still_active_until` is the last day
    on which the oncology schedule counts as going on, `last_counts_until` that on which a bone-forming drug
    would follow denosumab.
    """

    on_record: Field[bool]
    usable: Field[bool]
    only_120mg: Field[bool]
    last_120mg: Field[bool]
    stopped: Field[bool]
    doses: Field[int]
    long: Field[bool]
    exposed: Field[bool]
    remind_from: Field[int]
    due_soon_from: Field[int]
    due_from: Field[int]
    due_until: Field[int]
    lapsed_from: Field[int]
    rebound_until: Field[int]
    last_counts_until: Field[int]
    still_active_until: Field[int]
    product: str
    last: Dose | None = None
    stop: Stop | None = None
    due: DateInterval | None = None


class Turnover(Fact):
    """Bone turnover markers (CTX, P1NP) of the last 12 months: measured at all, and raised. Always present."""

    measured: Field[bool]
    raised: Field[bool]

    def in_words(self) -> str:
        """The fact as people say it."""
        if not self.measured:
            return "turnover not measured"
        return "turnover raised" if self.raised else "turnover not raised"


class DenosumabState(Fact):
    """The state of denosumab on the day of evaluation, in the words of the public contract."""

    word: Field[str]


def course_fact(timeline: PatientTimeline, found: Exposure, limits: Limits) -> Course:
    """The course as one fact."""
    last = found.last
    products = {dose.product for dose in found.doses} or ({last.product} if last else set())
    latest = last.when.latest if last else timeline.as_of

    def edge(name: str) -> int:
        return add_months(latest, limits.months(name)).toordinal()

    return Course(
        on_record=found.on_record,
        usable=last is not None and last.product != "unknown" and not _too_vague(timeline, last, found, limits),
        only_120mg=products == {"120mg"},
        last_120mg=last is not None and last.product == "120mg",
        stopped=found.stop is not None,
        doses=len(found.doses),
        long=_long(timeline, found, limits),
        exposed=found.first() is not None,
        remind_from=edge("effect_ends") - limits.days("reminder_before_due"),
        due_soon_from=edge("booking_opens"),
        due_from=edge("effect_ends"),
        due_until=edge("overdue_after"),
        lapsed_from=edge("presumed_discontinued_from"),
        rebound_until=edge("rebound_over_after"),
        last_counts_until=edge("rebound_window_closes"),
        still_active_until=latest.toordinal() + limits.days("oncology_schedule_active"),
        product=last.product if last else "unknown" if found.on_record else "none",
        last=last,
        stop=found.stop,
        due=last.when.plus_months(limits.months("effect_ends")) if last and products != {"120mg"} else None,
        evidence=found.evidence,
    )


def _too_vague(timeline: PatientTimeline, last: Dose, found: Exposure, limits: Limits) -> bool:
    """Whether the last dose may be on time or long overdue, so that no state can be told (unless it was stopped)."""
    if found.stop is not None:
        return False
    on_time = timeline.as_of < add_months(last.when.latest, limits.months("effect_ends"))
    overdue = timeline.as_of > add_months(last.when.earliest, limits.months("overdue_after"))
    return on_time and overdue


def _long(timeline: PatientTimeline, found: Exposure, limits: Limits) -> bool:
    """Long exposure: many doses, or the time covered from the first to the last, or a statement's period."""
    if len(found.doses) >= limits.number("exposure_long_doses"):
        return True
    months = limits.months("exposure_long_duration")
    if found.doses:
        first, last = found.doses[0].when, found.doses[-1].when
        if add_months(first.latest, months - limits.months("effect_ends")) <= last.earliest:
            return True
    return found.stated_period(timeline.as_of, months)

"""The state of denosumab on the day of evaluation: exactly one state for every record."""

from __future__ import annotations

from rules.reasoning.conditions import each, fails, holds
from rules.reasoning.facts.denosumab import Course, DenosumabState, Today, Turnover
from rules.reasoning.rule import Phase, rule

course = Course.named("course")
today = Today.named("today")
turnover = Turnover.named("turnover")

ON_THE_CLOCK = (holds(course.usable), fails(course.only_120mg), fails(course.stopped))


@rule("STATE-NEVER", phase=Phase.RECOGNISE, when=[each(course, fails(course.on_record))], emits=DenosumabState)
def never(course: Course) -> DenosumabState:
    """No denosumab of any kind is on record."""
    return _state("NEVER", course)


@rule(
    "STATE-UNKNOWN",
    phase=Phase.RECOGNISE,
    when=[each(course, holds(course.on_record), fails(course.usable))],
    emits=DenosumabState,
)
def unknown(course: Course) -> DenosumabState:
    """Denosumab is on record without a usable date or strength."""
    return _state("UNKNOWN", course)


@rule(
    "STATE-ACTIVE",
    phase=Phase.RECOGNISE,
    when=[
        each(course, *ON_THE_CLOCK, fails(course.last_120mg)),
        each(today, today.day < course.due_soon_from),
    ],
    emits=DenosumabState,
)
def active(course: Course) -> DenosumabState:
    """The last injection is less than 5 months old."""
    return _state("ACTIVE", course)


@rule(
    "STATE-ACTIVE-AFTER-120MG",
    phase=Phase.RECOGNISE,
    when=[
        each(course, *ON_THE_CLOCK, holds(course.last_120mg)),
        each(today, today.day < course.due_from),
    ],
    emits=DenosumabState,
)
def active_after_oncology_dose(course: Course) -> DenosumabState:
    """The last injection was the 120 mg product, less than 6 months ago, in a course of both products."""
    return _state("ACTIVE", course)


@rule(
    "STATE-DUE-SOON",
    phase=Phase.RECOGNISE,
    when=[
        each(course, *ON_THE_CLOCK, fails(course.last_120mg)),
        each(today, today.day >= course.due_soon_from, today.day < course.due_from),
    ],
    emits=DenosumabState,
)
def due_soon(course: Course) -> DenosumabState:
    """The last injection is 5 to less than 6 months old."""
    return _state("DUE_SOON", course)


@rule(
    "STATE-DUE",
    phase=Phase.RECOGNISE,
    when=[each(course, *ON_THE_CLOCK), each(today, today.day >= course.due_from, today.day <= course.due_until)],
    emits=DenosumabState,
)
def due(course: Course) -> DenosumabState:
    """The last injection is 6 to 7 months old, both ends included."""
    return _state("DUE", course)


@rule(
    "STATE-OVERDUE",
    phase=Phase.RECOGNISE,
    when=[each(course, *ON_THE_CLOCK), each(today, today.day > course.due_until, today.day < course.lapsed_from)],
    emits=DenosumabState,
)
def overdue(course: Course) -> DenosumabState:
    """The last injection is more than 7 and less than 9 months old."""
    return _state("OVERDUE", course)


@rule(
    "STATE-PRESUMED-DISCONTINUED",
    phase=Phase.RECOGNISE,
    when=[each(course, *ON_THE_CLOCK), each(today, today.day >= course.lapsed_from, today.day <= course.rebound_until)],
    emits=DenosumabState,
)
def presumed_discontinued(course: Course) -> DenosumabState:
    """The last injection is 9 to 36 months old and nobody said that denosumab was stopped."""
    return _state("PRESUMED_DISCONTINUED", course)


@rule(
    "STATE-STOPPED",
    phase=Phase.RECOGNISE,
    when=[
        each(course, holds(course.usable), fails(course.only_120mg), holds(course.stopped)),
        each(today, today.day <= course.rebound_until),
    ],
    emits=DenosumabState,
)
def stopped(course: Course) -> DenosumabState:
    """Denosumab was stopped or put on hold in so many words, and the last injection is at most 36 months old."""
    return _state("STOPPED_EXPLICIT", course)


@rule(
    "STATE-REBOUND-OVER",
    phase=Phase.RECOGNISE,
    when=[
        each(course, holds(course.usable), fails(course.only_120mg)),
        each(today, today.day > course.rebound_until),
        each(turnover, fails(turnover.raised)),
    ],
    emits=DenosumabState,
)
def rebound_over(course: Course) -> DenosumabState:
    """The last injection is more than 36 months old and no turnover marker of the last year is raised."""
    return _state("REBOUND_OVER", course)


@rule(
    "STATE-REBOUND-GOES-ON",
    phase=Phase.RECOGNISE,
    when=[
        each(course, holds(course.usable), fails(course.only_120mg)),
        each(today, today.day > course.rebound_until),
        each(turnover, holds(turnover.raised)),
    ],
    emits=DenosumabState,
)
def rebound_goes_on(course: Course) -> DenosumabState:
    """The last injection is more than 36 months old, but a turnover marker of the last year is raised."""
    return _state("PRESUMED_DISCONTINUED", course)


@rule(
    "STATE-ONCOLOGY-ACTIVE",
    phase=Phase.RECOGNISE,
    when=[
        each(course, holds(course.usable), holds(course.only_120mg)),
        each(today, today.day <= course.still_active_until),
    ],
    emits=DenosumabState,
)
def oncology_active(course: Course) -> DenosumabState:
    """Only the 120 mg product was given, the last at most 16 weeks ago."""
    return _state("ACTIVE", course)


@rule(
    "STATE-ONCOLOGY-STOPPED",
    phase=Phase.RECOGNISE,
    when=[
        each(course, holds(course.usable), holds(course.only_120mg), holds(course.stopped)),
        each(today, today.day > course.still_active_until),
    ],
    emits=DenosumabState,
)
def oncology_stopped(course: Course) -> DenosumabState:
    """Only the 120 mg product was given, more than 16 weeks ago, and it was stopped in so many words."""
    return _state("STOPPED_EXPLICIT", course)


@rule(
    "STATE-ONCOLOGY-UNKNOWN",
    phase=Phase.RECOGNISE,
    when=[
        each(course, holds(course.usable), holds(course.only_120mg), fails(course.stopped)),
        each(today, today.day > course.still_active_until),
    ],
    emits=DenosumabState,
)
def oncology_unknown(course: Course) -> DenosumabState:
    """Only the 120 mg product was given, more than 16 weeks ago, and nobody said that it was stopped."""
    return _state("UNKNOWN", course)


def _state(word: str, course: Course) -> DenosumabState:
    return DenosumabState(word=word, evidence=course.evidence)

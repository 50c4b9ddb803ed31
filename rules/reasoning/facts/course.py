"""The course of denosumab: doses, strength, exposure, an explicit stop, and the calendar edges of the last dose."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from rules.reasoning.dates import DateInterval, add_months
from rules.reasoning.facts.doses import Dose, recorded_doses, stated_product, with_inferred_strength
from rules.reasoning.facts.drugs import is_denosumab
from rules.reasoning.knowledge import Limits
from rules.reasoning.timeline import (
    ClinicalEvent,
    MedicationEvent,
    MedicationRecord,
    PatientTimeline,
    ProcedureEvent,
    Standing,
)

_TAKEN = frozenset({Standing.ACTIVE, Standing.HAPPENED, Standing.STOPPED, Standing.ON_HOLD})
"""Where a statement stands that says, by itself, that denosumab is or was taken."""
_ENDED = frozenset({Standing.STOPPED, Standing.ON_HOLD, Standing.NOT_TAKEN})


@dataclass(frozen=True, slots=True)
class Exposure:
    """What the record says of denosumab: injections, statements and orders, before any rule looks at it.

    `doses` have the strength that all of them together tell, `recorded` the one that each record says by itself;
    `stated` is the last dose that a finished statement implies.
    """

    on_record: bool
    doses: tuple[Dose, ...]
    recorded: tuple[Dose, ...]
    stated: Dose | None
    statements: tuple[MedicationEvent, ...]
    last: Dose | None
    stop: Stop | None
    active_order: bool
    notes: tuple[str, ...]
    evidence: tuple[str, ...]

    def up_to(self, day: date, limits: Limits) -> tuple[Dose, ...]:
        """The doses that may have been given by `day`, as they were known then: a later dose tells nothing of them."""
        given = [dose for dose in self.recorded if dose.when.earliest <= day]
        if given:
            return with_inferred_strength(given, limits)
        return (self.stated,) if self.stated is not None and self.stated.when.earliest <= day else ()

    @property
    def undated(self) -> bool:
        """Whether a statement says that denosumab was taken, and not when."""
        return any(one.when is None and one.ended is None for one in self.statements)

    def first(self) -> DateInterval | None:
        """The first day of exposure: the first injection or the start of a statement; None when not known."""
        starts = [self.doses[0].when] if self.doses else []
        starts += [statement.when for statement in self.statements if statement.when is not None]
        if not starts and self.last is not None:
            starts = [self.last.when]
        return min(starts, key=lambda when: when.earliest) if starts else None

    def stated_period(self, until: date, months: int) -> bool:
        """Whether a statement's period, up to `until` and the last known dose, is at least `months` long."""
        for statement in self.statements:
            if statement.when is None:
                continue
            end = statement.ended.earliest if statement.ended else (self.last.when.latest if self.last else until)
            if add_months(statement.when.latest, months) <= min(end, until):
                return True
        return False


@dataclass(frozen=True, slots=True)
class Stop:
    """An explicit decision to stop, its day, and whether the drug is only on hold."""

    when: DateInterval
    on_hold: bool
    evidence: str


def exposure(timeline: PatientTimeline, limits: Limits) -> Exposure:
    """Read every record of denosumab in a timeline."""
    events = tuple(event for event in timeline.events if _is_of_record(event))
    recorded = recorded_doses(timeline, limits)
    doses = with_inferred_strength(recorded, limits)
    statements = tuple(
        event
        for event in events
        if isinstance(event, MedicationEvent)
        and event.record is MedicationRecord.STATEMENT
        and event.standing in _TAKEN
    )
    stated = _last_stated_dose(statements, timeline.as_of, limits)
    last = doses[-1] if doses else stated
    active = any(
        event.standing is Standing.ACTIVE
        and isinstance(event, MedicationEvent)
        and event.record in (MedicationRecord.STATEMENT, MedicationRecord.REQUEST)
        for event in events
    )
    stop, notes = _valid_stop(timeline, events, doses, statements)
    return Exposure(
        on_record=bool(events),
        doses=doses,
        recorded=recorded,
        stated=stated,
        statements=statements,
        last=last,
        stop=stop,
        active_order=active,
        notes=notes,
        evidence=tuple(sorted({event.reference for event in events})),
    )


def _is_of_record(event: ClinicalEvent) -> bool:
    """Whether a record of denosumab says that it was given, taken or ordered (a plan, draft or ban does not)."""
    if not is_denosumab(event.concepts) or event.standing in (Standing.PLANNED, Standing.DRAFT):
        return False
    if isinstance(event, MedicationEvent):
        return not event.prohibited
    return event.standing in (Standing.HAPPENED, Standing.UNCERTAIN) and isinstance(event, ProcedureEvent)


def _last_stated_dose(statements: tuple[MedicationEvent, ...], as_of: date, limits: Limits) -> Dose | None:
    """The last dose that a finished statement implies when no injection is dated: within 6 months before its end."""
    known = [
        statement
        for statement in statements
        if statement.standing in (Standing.HAPPENED, Standing.STOPPED, Standing.ON_HOLD)
        and statement.ended is not None
        and statement.ended.earliest <= as_of
    ]
    if not known:
        return None
    statement = max(known, key=lambda one: (one.ended.latest if one.ended else date.min, one.reference))
    assert statement.ended is not None
    end = statement.ended.until(as_of)
    earliest = add_months(end.earliest, -limits.months("effect_ends"))
    if statement.when is not None:
        earliest = min(max(earliest, statement.when.earliest), end.latest)
    return Dose(
        when=DateInterval(earliest, end.latest),
        basis="stated",
        product=_product_of_statement(statement, limits),
        evidence=(statement.reference,),
    )


def _product_of_statement(statement: MedicationEvent, limits: Limits) -> str:
    product = stated_product(statement, limits)
    spacing = limits.months("spacing_of_osteoporosis_doses")
    if product == "unknown" and statement.interval_months is not None and statement.interval_months >= spacing:
        contradicted = {"denosumab-60mg", "denosumab-120mg"} <= statement.concepts or statement.dose_mg is not None
        return "unknown" if contradicted else "60mg"
    return product


def _valid_stop(
    timeline: PatientTimeline,
    events: tuple[ClinicalEvent, ...],
    doses: tuple[Dose, ...],
    statements: tuple[MedicationEvent, ...],
) -> tuple[Stop | None, tuple[str, ...]]:
    """The latest stop after which no dose and no newer order is dated, if there was exposure at all."""
    exposed = bool(doses) or any(statement.when or statement.ended for statement in statements)
    stops: list[Stop] = []
    notes: list[str] = []
    for event in timeline.events:
        if not _says_stopped(event):
            continue
        when = _day_of_stop(event)
        if when is None:
            notes.append("A stop of denosumab is on record without a date and was not used.")
        elif not exposed or when.earliest > timeline.as_of or _ordered_after(event, when, events):
            continue
        elif any(dose.when.earliest > when.latest and event.reference not in dose.orders for dose in doses):
            if _written_only(event):
                notes.append(
                    f"The order of denosumab written on {when} was stopped, and the day of the stop is not on record; "
                    "as doses follow the order, it was not used as a stop."
                )
        else:
            day = _after_its_own_doses(event, when, doses, timeline.as_of)
            stops.append(Stop(day, event.standing is Standing.ON_HOLD, event.reference))
    # Of one day a stop outweighs a pause, whatever the order of the records.
    latest = max(stops, key=lambda stop: (stop.when.latest, not stop.on_hold, stop.evidence), default=None)
    return latest, () if latest is not None else tuple(dict.fromkeys(notes))


def _says_stopped(event: ClinicalEvent) -> bool:
    if "osteoporosis-treatment-stopped" in event.concepts:
        return event.standing in (Standing.HAPPENED, Standing.ACTIVE)
    return (
        isinstance(event, MedicationEvent)
        and is_denosumab(event.concepts)
        and event.record in (MedicationRecord.STATEMENT, MedicationRecord.REQUEST)
        and event.standing in _ENDED
        and not event.from_context
    )


def _written_only(event: ClinicalEvent) -> bool:
    """Whether an order was stopped on a day that nobody wrote down: only the day on which it was written is known."""
    if not isinstance(event, MedicationEvent) or event.record is not MedicationRecord.REQUEST:
        return False
    return event.changed is None and not event.prohibited


def _day_of_stop(event: ClinicalEvent) -> DateInterval | None:
    """The day of a stop; of an order it is that on which it was written when no other is on record."""
    if isinstance(event, MedicationEvent) and event.record is MedicationRecord.REQUEST:
        return event.changed or event.recorded or event.when
    ended = event.ended if isinstance(event, MedicationEvent) else None
    return ended or event.recorded or event.when


def _after_its_own_doses(
    event: ClinicalEvent, when: DateInterval, doses: tuple[Dose, ...], as_of: date
) -> DateInterval:
    """An order after which its own doses were given was stopped on some day after the last of them."""
    own = [dose.when.latest for dose in doses if event.reference in dose.orders and dose.when.latest > when.latest]
    return DateInterval(max(own), as_of) if own and _written_only(event) else when


def _ordered_after(stop: ClinicalEvent, when: DateInterval, events: tuple[ClinicalEvent, ...]) -> bool:
    """Whether a newer active or completed order, or a statement that denosumab is taken, is dated after the stop."""
    for event in events:
        if not isinstance(event, MedicationEvent) or event.reference == stop.reference:
            continue
        if event.standing not in (Standing.ACTIVE, Standing.HAPPENED):
            continue
        if event.record is MedicationRecord.REQUEST:
            started = event.recorded or event.when
        elif event.record is MedicationRecord.STATEMENT and event.standing is Standing.ACTIVE:
            started = event.when
        else:
            continue
        if started is not None and started.earliest > when.latest:
            return True
    return False

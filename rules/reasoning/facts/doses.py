"""Injections of denosumab: the many records of one injection become one dose, with the basis on which it is known.

Never reconstructed: a dose that no record shows is not a dose. Definitions: clinical knowledge, precise definitions,
points 4 to 9 (reconciliation windows of 14 and 60 days; basis; strength by units, product, brand or interval).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

from rules.reasoning.dates import DateInterval, add_months
from rules.reasoning.facts.drugs import is_denosumab
from rules.reasoning.knowledge import Limits
from rules.reasoning.timeline import (
    SUPPLIED,
    ClinicalEvent,
    MedicationEvent,
    MedicationRecord,
    PatientTimeline,
    ProcedureEvent,
    Standing,
)

"""How sure a dose is, surest first."""

_BASIS = {
    "administration": "administered",
    "procedure": "administered",
    "dispense": "dispensed",
    "claim": "dispensed",
    "request": "inferred",
}
"""The basis of a dose by the kind of the strongest record that shows it, strongest first."""
_RANK = {kind: rank for rank, kind in enumerate(_BASIS)}


@dataclass(frozen=True, slots=True)
class Dose:
    """One injection: all days on which it may have been given, its basis, its product and the records that show it."""

    when: DateInterval
    basis: str
    product: str
    evidence: tuple[str, ...]
    orders: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Record:
    kind: str
    when: DateInterval
    product: str
    reference: str
    order: str | None


def stated_product(event: ClinicalEvent, limits: Limits) -> str:
    """The product that a record names by strength, units, product code or brand: "60mg", "120mg", else "unknown".

    A record that contradicts itself (a 60 mg brand with a dose of 120 mg) is "unknown": never guessed.
    """
    said = set()
    if "denosumab-60mg" in event.concepts:
        said.add("60mg")
    if "denosumab-120mg" in event.concepts:
        said.add("120mg")
    milligrams = event.dose_mg if isinstance(event, MedicationEvent) else None
    if milligrams == limits.number("denosumab_osteoporosis_dose"):
        said.add("60mg")
    if milligrams == limits.number("denosumab_oncology_dose"):
        said.add("120mg")
    return said.pop() if len(said) == 1 else "unknown"


def reconcile(timeline: PatientTimeline, limits: Limits) -> tuple[Dose, ...]:
    """All dated injections up to today, oldest first, each once, with the strength that all of them together tell."""
    return with_inferred_strength(recorded_doses(timeline, limits), limits)


def recorded_doses(timeline: PatientTimeline, limits: Limits) -> tuple[Dose, ...]:
    """All dated injections up to today, oldest first, each once, with the strength that its own records say."""
    found = sorted(
        _records(timeline, limits),
        key=lambda record: (_RANK[record.kind], record.when.latest, record.when.earliest, record.reference),
    )
    doses: list[tuple[_Record, list[_Record]]] = []
    for record in found:
        same = _dose_shown_by(record, doses, limits)
        if same is None:
            doses.append((record, [record]))
        else:
            same.append(record)
    merged = [_dose(best, records, timeline.as_of, limits) for best, records in doses]
    merged.sort(key=lambda dose: (dose.when.latest, dose.when.earliest))
    return tuple(merged)


def _records(timeline: PatientTimeline, limits: Limits) -> Iterable[_Record]:
    for event in timeline.events:
        if event.standing is not Standing.HAPPENED or not is_denosumab(event.concepts):
            continue
        if isinstance(event, ProcedureEvent):
            kind, when, order = "procedure", event.when, None
        elif isinstance(event, MedicationEvent) and event.record is not MedicationRecord.STATEMENT:
            kind, when, order = event.record.value, event.when, event.order
            if event.record is MedicationRecord.REQUEST:
                when, order = event.when or event.recorded, event.reference
                if _recurring(event, limits):
                    continue
        else:
            continue
        if when is not None and when.earliest <= timeline.as_of:
            yield _Record(kind, when.until(timeline.as_of), stated_product(event, limits), event.reference, order)


def _recurring(request: MedicationEvent, limits: Limits) -> bool:
    """Whether a completed request covers more than one injection: it repeats, or is valid longer than one interval."""
    if request.repeated:
        return True
    start = request.when or request.recorded
    if start is None or request.ended is None:
        return False
    return request.ended.latest > add_months(start.earliest, limits.months("effect_ends"))


def _dose_shown_by(
    record: _Record, doses: Sequence[tuple[_Record, list[_Record]]], limits: Limits
) -> list[_Record] | None:
    """The records of the dose that this record also shows, the nearest in time, or None when it shows a new one."""
    candidates = [
        (record.when.days_from(best.when), records) for best, records in doses if _same_injection(record, best, limits)
    ]
    return min(candidates, key=lambda candidate: candidate[0])[1] if candidates else None


def _same_injection(record: _Record, best: _Record, limits: Limits) -> bool:
    apart = record.when.days_from(best.when)
    if record.kind == best.kind:
        return apart == 0 and record.when == best.when
    if apart <= limits.days("dose_reconciliation"):
        return True
    ordered_before = record.kind in ("request", "dispense") and record.when.latest <= best.when.earliest
    return ordered_before and best.kind in ("administration", "procedure") and apart <= limits.days("order_before_dose")


def _dose(best: _Record, records: Sequence[_Record], as_of: date, limits: Limits) -> Dose:
    when = best.when
    if best.kind in SUPPLIED:
        # Handed over is not yet injected: the injection follows within days.
        later = when.latest + timedelta(days=limits.days("injection_after_dispense"))
        when = DateInterval(when.earliest, min(later, max(as_of, when.latest)))
    products = {record.product for record in records} - {"unknown"}
    return Dose(
        when=when,
        basis=_BASIS[best.kind],
        product=products.pop() if len(products) == 1 else "unknown",
        evidence=tuple(record.reference for record in records),
        orders=frozenset(record.order for record in records if record.order),
    )


def with_inferred_strength(doses: Sequence[Dose], limits: Limits) -> tuple[Dose, ...]:
    """Doses without a stated strength are 60 mg when their spacing can only be the six-monthly schedule."""
    if all(dose.product != "unknown" for dose in doses) or any(dose.product == "120mg" for dose in doses):
        return tuple(doses)
    pairs = list(pairwise(doses))
    never_close = all(
        add_months(earlier.when.latest, limits.months("spacing_never_closer")) <= later.when.earliest
        for earlier, later in pairs
    )
    apart = limits.months("spacing_of_osteoporosis_doses")
    once_apart = bool(doses) and add_months(doses[0].when.latest, apart) <= doses[-1].when.earliest
    if not (never_close and once_apart):
        return tuple(doses)
    return tuple(
        replace(dose, product="60mg", basis="inferred") if dose.product == "unknown" else dose for dose in doses
    )

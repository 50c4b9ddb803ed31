"""Orders of denosumab that would be a second dose too soon, or the other strength."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from rules.reasoning.fact import Fact, Field
from rules.reasoning.facts.course import Exposure
from rules.reasoning.facts.doses import Dose
from rules.reasoning.facts.drugs import DENOSUMAB
from rules.reasoning.facts.safety import Draft
from rules.reasoning.knowledge import Limits


class DuplicateDraft(Fact):
    """A new order of denosumab too close to a dose, or of another strength than the one in use.

    `certain` is false when the order names no day and may be a renewal for the next dose.
    """

    certain: Field[bool]
    reference: str
    words: str
    sentence: str


def duplicate_drafts(orders: Sequence[Draft], found: Exposure, as_of: date, limits: Limits) -> list[DuplicateDraft]:
    """One fact an order that would double a dose; nothing is known to double when no dose is dated."""
    if not found.doses:
        return []
    last = found.doses[-1]
    new = [one for one in orders if one.subject == DENOSUMAB and one.selected and not one.stop]
    judged = [_judged(one, last, as_of, limits) for one in new]
    return [one for one in judged if one is not None]


def _judged(order: Draft, last: Dose, as_of: date, limits: Limits) -> DuplicateDraft | None:
    planned = order.planned.earliest if order.planned else as_of
    days = (planned - last.when.latest).days
    evidence = (*order.evidence, *last.evidence)
    products = {order.product, last.product}
    if products == {"60mg", "120mg"} and _in_use(last, planned, limits):
        words = f"{last.product.replace('mg', ' mg')}/{order.product.replace('mg', ' mg')}, {days} days apart"
        sentence = f"The order is of another strength than the dose of {last.when}, which is still in effect."
        return DuplicateDraft(
            certain=True, reference=order.reference, words=words, sentence=sentence, evidence=evidence
        )
    if "120mg" in products or days >= limits.days("dose_too_close"):
        return None
    since = (as_of - last.when.latest).days
    renewal = not order.dated and since > limits.days("renewal_after")
    sentence = f"The last dose was on {last.when}; the order is for {planned}."
    sentence += " It names no day: it may be meant for the next dose." if renewal else ""
    return DuplicateDraft(
        certain=not renewal,
        reference=order.reference,
        words=f"{days} days after the last dose",
        sentence=sentence,
        evidence=evidence,
    )


def _in_use(last: Dose, planned: date, limits: Limits) -> bool:
    """Whether the last dose still works on the day that is planned."""
    if last.product == "120mg":
        return planned <= last.when.latest + timedelta(days=limits.days("oncology_schedule_active"))
    return planned < last.when.plus_months(limits.months("effect_ends")).latest

"""Facts about the patient beside denosumab and fractures: person, history, follow-on drug, orders and bookings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from rules.reasoning.dates import DateInterval, add_months, whole_months
from rules.reasoning.fact import Fact, Field
from rules.reasoning.facts.course import Exposure
from rules.reasoning.facts.denosumab import Turnover
from rules.reasoning.facts.drugs import ORAL_BISPHOSPHONATES, POTENT_ANTIRESORPTIVES, ZOLEDRONATE, drug_of
from rules.reasoning.facts.safety import pregnancies
from rules.reasoning.knowledge import Limits
from rules.reasoning.timeline import (
    SUPPLIED,
    AppointmentEvent,
    MedicationEvent,
    MedicationRecord,
    ObservationEvent,
    PatientTimeline,
    ProcedureEvent,
    Standing,
)

REBOUND_RISK_DRUGS = frozenset({"aromatase-inhibitor", "androgen-deprivation", "systemic-glucocorticoid"})


class Person(Fact):
    """Age in years today (-1 when not known), and whether advice for adults who are not pregnant applies."""

    age: Field[int]
    advised: Field[bool]

    def in_words(self) -> str:
        """The fact as people say it."""
        age = f"age {self.age}" if self.age >= 0 else "age not known"
        return age if self.advised else f"{age}, no advice on drugs (minor or pregnant)"


class DrugRecord(Fact):
    """Whether every source of drugs was read in whole; where one was not, no drug is known never to have been given."""

    whole: Field[bool]

    def in_words(self) -> str:
        """The fact as people say it; nothing when there is nothing to say."""
        return "" if self.whole else "the record of drugs is not whole"


class History(Fact):
    """What raises the risk of a rebound: an old vertebral fracture, an aromatase inhibitor, ADT, a steroid."""

    vertebral_fracture: Field[bool]
    risk_drug: Field[bool]

    def in_words(self) -> str:
        """The fact as people say it."""
        marks = ["an old vertebral fracture"] * self.vertebral_fracture + [
            "a drug that raises the risk"
        ] * self.risk_drug
        return f"history: {' and '.join(marks) or 'no further risk on record'}"


class FollowOn(Fact):
    """Whether an antiresorptive that follows denosumab covers today: zoledronate given, or an oral one being taken."""

    covering: Field[bool]

    def in_words(self) -> str:
        """The fact as people say it."""
        return "a follow-on drug is given" if self.covering else "no follow-on drug on record"


class NextDose(Fact):
    """Whether a visit for denosumab is booked, and in time; whether a potent antiresorptive is on active order.

    A visit is in time up to a month after the dose is due, or within a month where that has passed; `too_late` is the
    day of the first when none is.
    """

    booked: Field[bool]
    in_time: Field[bool]
    ordered: Field[bool]
    too_late: DateInterval | None = None

    def in_words(self) -> str:
        """The fact as people say it."""
        if self.too_late is not None:
            return f"next dose booked too late ({self.too_late})"
        return "next dose booked" if self.booked else "no next dose booked"


class PotentOrder(Fact):
    """A draft or fresh order of denosumab or zoledronate: treatment is on its way."""

    drug: Field[str]
    draft: Field[bool]


def person_fact(timeline: PatientTimeline, limits: Limits) -> Person:
    """The person; somebody of unknown age counts as an adult, since denosumab is a drug for adults."""
    birth = timeline.patient.birth
    age = whole_months(birth.latest, timeline.as_of) // 12 if birth else -1
    minor = birth is not None and age < limits.years("adult_from")
    return Person(age=age, advised=not minor and not pregnancies(timeline, limits))


def drug_record_fact(timeline: PatientTimeline) -> DrugRecord:
    """What can be concluded from drugs that are not on record."""
    nameless = any(one.element == "medicationReference" for one in timeline.unusable)
    return DrugRecord(whole=not nameless and not any(gap.drugs for gap in timeline.gaps))


def history_fact(timeline: PatientTimeline, earlier: Sequence[str]) -> History:
    """Old fractures, by a code for history or by `earlier` records of a fracture, and drugs that raise the risk."""
    coded = [one.reference for one in timeline.events if "vertebral-fracture-history" in one.concepts]
    old = [*coded, *earlier]
    drugs = [
        one
        for one in timeline.of(MedicationEvent)
        if not one.concepts.isdisjoint(REBOUND_RISK_DRUGS) and one.standing in (Standing.ACTIVE, Standing.HAPPENED)
    ]
    return History(
        vertebral_fracture=bool(old),
        risk_drug=bool(drugs),
        evidence=tuple(sorted({*old, *(one.reference for one in drugs)})),
    )


def follow_on_fact(timeline: PatientTimeline, found: Exposure, limits: Limits) -> FollowOn:
    """The follow-on drug after the last dose of denosumab."""
    last = found.last.when if found.last else None
    covering = [
        event.reference
        for event in timeline.of(MedicationEvent, ProcedureEvent)
        if _covers(event, last, timeline, limits)
    ]
    return FollowOn(covering=bool(covering), evidence=tuple(sorted(covering)))


def _covers(
    event: MedicationEvent | ProcedureEvent, last: DateInterval | None, timeline: PatientTimeline, limits: Limits
) -> bool:
    drug = drug_of(event.concepts)
    if drug == ZOLEDRONATE:
        given = isinstance(event, ProcedureEvent) or event.record is MedicationRecord.ADMINISTRATION
        if not given or event.standing is not Standing.HAPPENED or event.when is None:
            return False
        since = add_months(timeline.as_of, -limits.months("zoledronate_covers"))
        return event.when.earliest >= since and (last is None or event.when.earliest > last.latest)
    if drug not in ORAL_BISPHOSPHONATES or not isinstance(event, MedicationEvent):
        return False
    begun = event.when or event.recorded
    if last is not None and (begun is None or begun.latest <= add_months(last.earliest, -1)):
        return False
    if event.record in SUPPLIED and event.standing is Standing.HAPPENED and begun is not None:
        return begun.latest >= add_months(timeline.as_of, -limits.months("dispense_covers"))
    return event.standing is Standing.ACTIVE


def next_dose_fact(timeline: PatientTimeline, found: Exposure, limits: Limits) -> NextDose:
    """A future appointment, or a dated order in the future, that names denosumab."""
    booked = [
        event
        for event in timeline.of(AppointmentEvent, MedicationEvent)
        if event.standing in (Standing.ACTIVE, Standing.HAPPENED, Standing.PLANNED)
        and drug_of(event.concepts) == "denosumab"
        and event.when is not None
        and event.when.latest >= timeline.as_of
        and (isinstance(event, AppointmentEvent) or event.record is MedicationRecord.REQUEST)
    ]
    ordered = [
        event.reference
        for event in timeline.of(MedicationEvent)
        if event.record is MedicationRecord.REQUEST
        and event.standing is Standing.ACTIVE
        and drug_of(event.concepts) in POTENT_ANTIRESORPTIVES
    ]
    late, due = limits.months("overdue_after"), limits.months("effect_ends")
    until = add_months(timeline.as_of, late - due)
    if found.last is not None:
        until = max(until, add_months(found.last.when.latest, late))
    days = sorted((one.when for one in booked if one.when is not None), key=lambda day: (day.earliest, day.latest))
    in_time = bool(days) and days[0].earliest <= until
    return NextDose(
        booked=bool(booked),
        in_time=in_time,
        ordered=bool(ordered),
        too_late=days[0] if days and not in_time else None,
        evidence=tuple(sorted({*(one.reference for one in booked), *ordered})),
    )


def potent_orders(timeline: PatientTimeline, limits: Limits) -> list[PotentOrder]:
    """Drafts, and orders that are not older than the limit after which an order that was not carried out is void."""
    since = timeline.as_of - timedelta(days=limits.days("order_counts"))
    found = []
    for event in timeline.of(MedicationEvent):
        if event.record is not MedicationRecord.REQUEST:
            continue
        drug = drug_of(event.concepts)
        if drug not in POTENT_ANTIRESORPTIVES:
            continue
        ordered = event.recorded or event.when
        fresh = event.standing is Standing.ACTIVE and ordered is not None and ordered.latest >= since
        if event.standing is Standing.DRAFT or fresh:
            draft = event.standing is Standing.DRAFT
            found.append(PotentOrder(drug=drug, draft=draft, evidence=(event.reference,)))
    return found


def treatments_since(timeline: PatientTimeline, event: DateInterval) -> tuple[str, ...]:
    """Denosumab and zoledronate given after the whole of an event, first to last, as "zoledronate 2025-06-10"."""
    given = [
        (one.when.latest, f"{drug} {one.when}")
        for one in timeline.of(MedicationEvent, ProcedureEvent)
        if (drug := drug_of(one.concepts)) in POTENT_ANTIRESORPTIVES
        and one.standing is Standing.HAPPENED
        and one.when is not None
        and one.when.earliest > event.latest
        and (isinstance(one, ProcedureEvent) or one.record is not MedicationRecord.STATEMENT)
    ]
    return tuple(dict.fromkeys(words for _, words in sorted(given)))


def turnover_fact(timeline: PatientTimeline, limits: Limits) -> Turnover:
    """CTX and P1NP of the last 12 months: CTX against its limit, P1NP against the laboratory's own range."""
    since = add_months(timeline.as_of, -limits.months("turnover_counts"))
    markers = [
        one
        for one in timeline.of(ObservationEvent)
        if one.value is not None
        and not one.concepts.isdisjoint({"lab-ctx", "lab-p1np"})
        and one.when is not None
        and one.when.latest >= since
    ]
    raised = [one for one in markers if one.value is not None and one.value > _upper(one, limits)]
    return Turnover(
        measured=bool(markers), raised=bool(raised), evidence=tuple(sorted(one.reference for one in markers))
    )


def _upper(marker: ObservationEvent, limits: Limits) -> float:
    if "lab-ctx" in marker.concepts:
        return limits.number("ctx_raised")
    return marker.high if marker.high is not None else float("inf")

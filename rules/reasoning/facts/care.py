"""Care around denosumab: dental surgery, admissions, rehabilitation and referrals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from rules.reasoning.dates import DateInterval
from rules.reasoning.fact import Fact, Field
from rules.reasoning.facts.appraisal import JudgedDraft
from rules.reasoning.facts.comorbidity import diagnosed, holds_now, taken
from rules.reasoning.facts.course import Exposure
from rules.reasoning.facts.deciding import DecidingClass
from rules.reasoning.knowledge import Limits
from rules.reasoning.timeline import (
    AppointmentEvent,
    ClinicalEvent,
    EncounterEvent,
    MedicationEvent,
    OrderEvent,
    PatientTimeline,
    ProcedureEvent,
    Standing,
)

REHABILITATION = frozenset({"physiotherapy", "fracture-liaison-referral"})


class DentalSurgery(Fact):
    """An extraction, implant or operation of the jaw that is ordered or booked; `reference` when it is a draft."""

    drafted: Field[bool]
    reference: str = ""
    when: DateInterval | None = None


class Admission(Fact):
    """A stay in hospital around the day on which denosumab falls due, without a dose given or planned."""

    ongoing: Field[bool]
    when: DateInterval


class Rehabilitation(Fact):
    """Physiotherapy or fracture liaison ordered, booked or done within 90 days. Always present."""

    arranged: Field[bool]
    pain: Field[bool]

    def in_words(self) -> str:
        """The fact as people say it."""
        return "rehabilitation arranged" if self.arranged else "no rehabilitation on record"


class CareNeed(Fact):
    """A need of care: "pain" or "rehabilitation"; `reference` when it is about an order that is being written."""

    topic: Field[str]
    words: tuple[str, ...]
    reference: str = ""

    def in_words(self) -> str:
        """The fact as people say it."""
        return ""  # said by the rule that reads it


def care_needs(facts: Sequence[Fact]) -> list[CareNeed]:
    """Pain and rehabilitation of a recent rebound fracture, an opioid with risks, a brace."""
    [rehabilitation] = [one for one in facts if isinstance(one, Rehabilitation)]
    verdict = next((one for one in facts if isinstance(one, DecidingClass)), None)
    needs = []
    if verdict is not None and verdict.rebound and verdict.recent:
        words = (f"class {verdict.word}",)
        evidence = tuple(sorted({*verdict.evidence, *rehabilitation.evidence}))
        if rehabilitation.pain:
            needs.append(CareNeed(topic="pain", words=(*words, "pain on record"), evidence=evidence))
        if not rehabilitation.arranged:
            needs.append(
                CareNeed(topic="rehabilitation", words=(*words, "no physiotherapy on record"), evidence=evidence)
            )
    for one in facts:
        if isinstance(one, JudgedDraft) and one.subject == "opioid" and one.cautions:
            reasons = tuple(caution.reason for caution in one.cautions)
            needs.append(CareNeed(topic="pain", words=reasons, reference=one.reference, evidence=one.evidence))
        if isinstance(one, JudgedDraft) and one.subject == "spinal-orthosis":
            brace = ("a spinal orthosis is ordered",)
            needs.append(CareNeed(topic="rehabilitation", words=brace, reference=one.reference, evidence=one.evidence))
    return needs


def dental_surgery(timeline: PatientTimeline) -> list[DentalSurgery]:
    """Dental surgery of the future: orders, bookings, and the draft that is being written."""
    found = []
    for one in timeline.of(OrderEvent, AppointmentEvent, MedicationEvent):
        if not one.concepts & {"dental-surgery", "hold-denosumab-for-dental"}:
            continue
        drafted = one.standing is Standing.DRAFT
        to_come = one.when is None or one.when.latest >= timeline.as_of
        if drafted or (one.standing in (Standing.ACTIVE, Standing.PLANNED) and to_come):
            reference = one.reference if drafted else ""
            found.append(DentalSurgery(drafted=drafted, reference=reference, when=one.when, evidence=(one.reference,)))
    found.sort(key=lambda fact: (not fact.drafted, fact.evidence))
    return found[:1]


def admissions(timeline: PatientTimeline, found: Exposure, limits: Limits) -> list[Admission]:
    """The stay of now, or one that ended within days, when the next dose falls due around it."""
    if found.last is None or found.last.product == "120mg":
        return []
    due = found.last.when.plus_months(limits.months("effect_ends"))
    around = timedelta(days=limits.days("admission_around_due"))
    just = timeline.as_of - timedelta(days=limits.days("admission_just_ended"))
    stays = []
    for one in timeline.of(EncounterEvent):
        if not one.inpatient or one.when is None:
            continue
        ended = one.ended
        if (ended is not None and ended.latest < just) or one.when.earliest > timeline.as_of:
            continue
        end = ended.latest if ended is not None else timeline.as_of
        overlaps = one.when.earliest <= due.latest + around and end >= due.earliest - around
        if overlaps:
            stays.append(Admission(ongoing=ended is None, when=one.when, evidence=(one.reference,)))
    return sorted(stays, key=lambda one: one.evidence)[-1:]


def rehabilitation_fact(timeline: PatientTimeline, limits: Limits) -> Rehabilitation:
    """Rehabilitation arranged lately, and whether pain is on record now."""
    since = timeline.as_of - timedelta(days=limits.days("rehabilitation_counts"))

    def arranged(one: ClinicalEvent) -> bool:
        day = one.when or one.recorded
        kind = isinstance(one, OrderEvent | ProcedureEvent | AppointmentEvent)
        counts = one.standing in (Standing.ACTIVE, Standing.HAPPENED, Standing.PLANNED, Standing.DRAFT)
        return kind and counts and (one.standing is Standing.DRAFT or (day is not None and day.latest >= since))

    found = [one for one in timeline.events if one.concepts & REHABILITATION and arranged(one)]
    pain: list[ClinicalEvent] = [one for one in diagnosed(timeline, {"back-pain"}) if holds_now(one)]
    pain += taken(timeline, {"opioid"}, limits)
    evidence = tuple(sorted({one.reference for one in (*found, *pain)}))
    return Rehabilitation(arranged=bool(found), pain=bool(pain), evidence=evidence)

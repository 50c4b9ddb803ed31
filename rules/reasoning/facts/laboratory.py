"""Facts about the blood tests that decide whether an antiresorptive may be given: calcium, kidney function, vitamin D.

Each fact is always there. A value that is not known is `known` false, never a normal number; an old one is known but
not fresh, and one that is older than a year is as good as none.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from rules.reasoning.dates import DateInterval, add_months, whole_months
from rules.reasoning.fact import Fact, Field
from rules.reasoning.knowledge import Limits
from rules.reasoning.timeline import ConditionEvent, ObservationEvent, PatientTimeline, ProcedureEvent

IONISED, CORRECTED, TOTAL = "lab-calcium-ionised", "lab-calcium-corrected", "lab-calcium-total"
MEASURED_CLEARANCE, EGFR, CREATININE = "lab-creatinine-clearance", "lab-egfr", "lab-creatinine"
_SEVERE = frozenset({"ckd-4", "ckd-5"})
_DIALYSIS = frozenset({"dialysis", "dialysis-procedure"})

TESTS = {"calcium": "calcium", "kidney": "creatinine and eGFR", "vitamin D": "25-hydroxyvitamin D"}
"""The tests that must be known before a parenteral bone drug, by the words for them."""


class Calcium(Fact):
    """The last calcium: below, inside or above the laboratory's range. `said` tells value, correction and day."""

    known: Field[bool]
    fresh: Field[bool]
    low: Field[bool]
    high: Field[bool]
    value: float = 0.0
    when: DateInterval | None = None
    said: str = ""

    def in_words(self) -> str:
        """The fact as people say it."""
        place = "low" if self.low else "high" if self.high else "in range"
        return f"{self.said}: {place}{'' if self.fresh else ', out of date'}" if self.known else self.said


class Kidney(Fact):
    """Kidney function: `clearance` by Cockcroft-Gault (mL/min), else eGFR; `egfr` (mL/min/1.73 m2), else clearance.

    `severe_by_diagnosis` is kidney disease of stage 4 or 5 among the diagnoses.
    """

    known: Field[bool]
    fresh: Field[bool]
    clearance: Field[float]
    egfr: Field[float]
    dialysis: Field[bool]
    acute: Field[bool]
    severe_by_diagnosis: Field[bool]
    said_clearance: str = ""
    said_egfr: str = ""

    def in_words(self) -> str:
        """The fact as people say it."""
        marks = ["dialysis"] * self.dialysis + ["acute injury"] * self.acute
        marks += ["stage 4 or 5 diagnosed"] * self.severe_by_diagnosis + ["out of date"] * (
            self.known and not self.fresh
        )
        value = self.said_clearance if self.known else "kidney function not known"
        return ", ".join(dict.fromkeys([value, *marks]))


class VitaminD(Fact):
    """The last 25-hydroxyvitamin D in nmol/L."""

    known: Field[bool]
    fresh: Field[bool]
    value: Field[float]
    said: str = ""

    def in_words(self) -> str:
        """The fact as people say it."""
        return self.said if self.fresh or not self.known else f"{self.said}: out of date"


class SafetyTests(Fact):
    """Whether calcium, kidney function and vitamin D are all known and fresh; `missing` names those that are not."""

    complete: Field[bool]
    missing: tuple[str, ...] = ()

    def in_words(self) -> str:
        """The fact as people say it."""
        return ""  # the tests say it themselves


def laboratory_facts(timeline: PatientTimeline, limits: Limits) -> list[Fact]:
    """Calcium, kidney function, vitamin D, and whether all three are fresh."""
    calcium, kidney, vitamin = _calcium(timeline, limits), _kidney(timeline, limits), _vitamin_d(timeline, limits)
    fresh = {"calcium": calcium.fresh, "kidney": kidney.fresh, "vitamin D": vitamin.fresh}
    missing = tuple(test for test, is_fresh in fresh.items() if not is_fresh)
    evidence = tuple(sorted({*calcium.evidence, *kidney.evidence, *vitamin.evidence}))
    return [calcium, kidney, vitamin, SafetyTests(complete=not missing, missing=missing, evidence=evidence)]


def _calcium(timeline: PatientTimeline, limits: Limits) -> Calcium:
    # What was measured as ionised is what the body goes by: it wins, as long as it is fresh.
    last = _last(timeline, (IONISED,), limits)
    if last is None or not _within(last, timeline.as_of, limits.days("calcium_fresh")):
        last = _last(timeline, (IONISED, CORRECTED, TOTAL), limits)
    if last is None or last.value is None:
        return Calcium(known=False, fresh=False, low=False, high=False, said="calcium not known")
    value, how = last.value, "ionised"
    evidence: tuple[str, ...] = (last.reference,)
    if TOTAL in last.concepts:
        value, how, evidence = _adjusted(last, timeline, limits)
    elif CORRECTED in last.concepts:
        how = "corrected by the laboratory"
    ionised = IONISED in last.concepts
    lower = last.low if last.low is not None else limits["ionised_calcium_low" if ionised else "calcium_low"]
    upper = last.high if last.high is not None else limits["ionised_calcium_high" if ionised else "calcium_high"]
    return Calcium(
        known=True,
        fresh=_within(last, timeline.as_of, limits.days("calcium_fresh")),
        low=value < lower,
        high=value > upper,
        value=value,
        when=last.when,
        said=f"calcium {value:.2f} mmol/L ({how}) on {last.when}",
        evidence=evidence,
    )


def _adjusted(total: ObservationEvent, timeline: PatientTimeline, limits: Limits) -> tuple[float, str, tuple[str, ...]]:
    """Total calcium adjusted for an albumin of about the same time; as it is when there is none, and said so."""
    assert total.value is not None
    assert total.when is not None
    near = limits.days("albumin_near_calcium")
    albumins = [
        (one.when.days_from(total.when), one)
        for one in _measured(timeline, ("lab-albumin",))
        if one.when is not None and one.when.days_from(total.when) <= near
    ]
    if not albumins:
        return total.value, "not corrected for albumin", (total.reference,)
    albumin = min(albumins, key=lambda pair: (pair[0], pair[1].reference))[1]
    assert albumin.value is not None
    value = total.value + limits["calcium_per_albumin"] * (limits["albumin_reference"] - albumin.value)
    return round(value, 4), "adjusted for albumin", (total.reference, albumin.reference)


def _kidney(timeline: PatientTimeline, limits: Limits) -> Kidney:
    dialysis = _holds_now(timeline, _DIALYSIS, limits.days("dialysis_counts"), lasting=True)
    acute = _holds_now(timeline, frozenset({"acute-kidney-injury"}), limits.days("acute_kidney_injury_counts"))
    severe = _holds_now(timeline, _SEVERE, limits.days("dialysis_counts"), lasting=True)
    conditions = tuple(sorted({one.reference for one in (*dialysis, *acute, *severe)}))
    clearance, egfr = _clearance(timeline, limits), _last(timeline, (EGFR,), limits)
    newest = max((one for one in (clearance and clearance[1], egfr) if one is not None), key=_day, default=None)
    first = clearance[0] if clearance else egfr.value if egfr else None
    second = egfr.value if egfr else first
    if newest is None or first is None or second is None:
        return Kidney(
            known=False,
            fresh=False,
            clearance=0.0,
            egfr=0.0,
            dialysis=bool(dialysis),
            acute=bool(acute),
            severe_by_diagnosis=bool(severe),
            evidence=conditions,
        )
    # The unwell kidney changes fast: its tests are old sooner.
    days = limits.days("kidney_fresh_when_diseased" if conditions else "kidney_fresh")
    by_clearance = f"creatinine clearance {first:.0f} mL/min on {newest.when}"
    by_egfr = f"eGFR {second:.0f} mL/min/1.73 m2 on {newest.when}"
    used = (*(clearance[2] if clearance else ()), *((egfr.reference,) if egfr else ()))
    # A creatinine from which nothing could be worked out, for want of a weight, makes what was known before it old.
    creatinine = _last(timeline, (CREATININE,), limits)
    overtaken = creatinine is not None and _day(creatinine) > _day(newest)
    return Kidney(
        known=True,
        fresh=_within(newest, timeline.as_of, days) and not overtaken,
        clearance=float(first),
        egfr=float(second),
        dialysis=bool(dialysis),
        acute=bool(acute),
        severe_by_diagnosis=bool(severe),
        said_clearance=by_clearance if clearance else by_egfr,
        said_egfr=by_egfr if egfr else by_clearance,
        evidence=tuple(sorted({*used, *conditions})),
    )


def _clearance(timeline: PatientTimeline, limits: Limits) -> tuple[float, ObservationEvent, tuple[str, ...]] | None:
    """The creatinine clearance: measured, or by Cockcroft-Gault from creatinine, age, sex and actual weight.

    None when a part is missing, or when an eGFR is newer than the creatinine: then the eGFR stands.
    """
    last = _last(timeline, (MEASURED_CLEARANCE, CREATININE), limits)
    egfr = _last(timeline, (EGFR,), limits)
    if last is None or last.value is None or last.when is None or (egfr is not None and _day(egfr) > _day(last)):
        return None
    if MEASURED_CLEARANCE in last.concepts:
        return last.value, last, (last.reference,)
    weight = _last(timeline, ("body-weight",), limits)
    birth, sex = timeline.patient.birth, timeline.patient.sex
    if weight is None or weight.value is None or birth is None or sex not in ("female", "male"):
        return None
    age = whole_months(birth.latest, last.when.latest) // 12
    factor = limits["cockcroft_gault_female" if sex == "female" else "cockcroft_gault_male"]
    value = (limits["cockcroft_gault_age"] - age) * weight.value * factor / last.value
    return round(max(value, 0.5), 4), last, (last.reference, weight.reference)


def _vitamin_d(timeline: PatientTimeline, limits: Limits) -> VitaminD:
    last = _last(timeline, ("lab-vitamin-d-25oh",), limits)
    if last is None or last.value is None:
        return VitaminD(known=False, fresh=False, value=0.0, said="vitamin D not known")
    return VitaminD(
        known=True,
        fresh=_within(last, timeline.as_of, limits.days("vitamin_d_fresh")),
        value=float(last.value),
        said=f"25-hydroxyvitamin D {last.value:.0f} nmol/L on {last.when}",
        evidence=(last.reference,),
    )


def _last(timeline: PatientTimeline, concepts: tuple[str, ...], limits: Limits) -> ObservationEvent | None:
    """The newest usable value; of one day, the concept named first wins."""
    oldest = add_months(timeline.as_of, -limits.months("laboratory_counts"))
    usable = [one for one in _measured(timeline, concepts) if one.when is not None and one.when.latest >= oldest]
    if not usable:
        return None
    return max(usable, key=lambda one: (_day(one), -_place(one, concepts), one.reference))


def _place(one: ObservationEvent, concepts: tuple[str, ...]) -> int:
    return next(place for place, concept in enumerate(concepts) if concept in one.concepts)


def _measured(timeline: PatientTimeline, concepts: Iterable[str]) -> list[ObservationEvent]:
    wanted = frozenset(concepts)
    return [one for one in timeline.of(ObservationEvent) if one.value is not None and one.concepts & wanted]


def _day(one: ObservationEvent) -> date:
    assert one.when is not None
    return one.when.latest


def _within(one: ObservationEvent, as_of: date, days: int) -> bool:
    """Whether the whole of a value's day lies within so many days before today: a vague date is not fresh."""
    assert one.when is not None
    return one.when.earliest >= as_of - timedelta(days=days)


def _holds_now(
    timeline: PatientTimeline, concepts: frozenset[str], days: int, *, lasting: bool = False
) -> list[ConditionEvent | ProcedureEvent]:
    """Diagnoses that are active, and procedures, of the last days; a lasting diagnosis holds until it is ended."""
    since = timeline.as_of - timedelta(days=days)
    found: list[ConditionEvent | ProcedureEvent] = []
    for one in timeline.of(ConditionEvent, ProcedureEvent):
        if not one.concepts & concepts:
            continue
        day = one.when or one.recorded
        recent = day is None or day.latest >= since
        if isinstance(one, ProcedureEvent):
            holds = day is not None and recent
        else:
            holds = one.active and one.ended is None and (lasting or recent)
        if holds:
            found.append(one)
    return found

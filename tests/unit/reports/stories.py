"""Evaluations of two patients, written down by hand: what the reports are given, without the rules."""

from __future__ import annotations

from datetime import date

from rules.reasoning.conclusions import Advice, Conclusion, Indicator, Suppressed
from rules.reasoning.dates import DateInterval, add_months
from rules.reasoning.evaluation import DenosumabSummary, DoseSummary, Evaluation, FractureSummary, MonthRange
from rules.reasoning.reasoner import Trace
from rules.reasoning.timeline import Gap, Unusable
from service.reports.course_picture import Windows

WINDOWS = Windows(6, 7, 14, 24, 36)


def dose(when: DateInterval | date, number: int = 1, product: str = "60mg") -> DoseSummary:
    interval = when if isinstance(when, DateInterval) else DateInterval.on(when)
    return DoseSummary(interval, "administered", product, (f"MedicationAdministration/{number}",))


def five_fractures_after_seven_doses() -> Evaluation:
    doses = tuple(dose(add_months(date(2021, 12, 10), 6 * n), n + 1) for n in range(7))
    rebound = FractureSummary(
        fracture_class="RVFX_PROBABLE",
        levels=("T12", "L1", "L2", "L3", "L4"),
        event=DateInterval.on(date(2025, 10, 5)),
        months_after_last_dose=MonthRange(9, 9),
        evidence=("Condition/1", "Condition/2"),
        reason="7 to 24 months after the last of 7 doses",
        recent=True,
    )
    prior = FractureSummary(
        fracture_class="VFX_PRIOR",
        levels=("T7",),
        event=DateInterval.parse("2020"),
        months_after_last_dose=None,
        evidence=("Condition/9",),
        reason="before the first dose of denosumab",
        recent=False,
    )
    return Evaluation(
        patient="Patient/five",
        as_of=date(2026, 3, 1),
        hook="patient-view",
        knowledge_version="2026.12.0",
        denosumab=DenosumabSummary(
            product="60mg",
            state="PRESUMED_DISCONTINUED",
            doses=doses,
            dose_count=7,
            last_dose=doses[-1].when,
            basis="administered",
            months_since=MonthRange(14, 14),
            exposure_long=True,
            due=DateInterval.on(date(2025, 6, 10)),
            stopped=None,
        ),
        fractures=(prior, rebound),
        fracture_class="RVFX_PROBABLE",
        conclusions=(
            Conclusion(
                rule="RVFX-01",
                advice=Advice(
                    indicator=Indicator.CRITICAL,
                    summary="Probable rebound vertebral fractures: 5 new, 9 months after the last denosumab.",
                    detail=("Treat as very high risk.",),
                ),
                decision="rebound-fracture",
                evidence=("Condition/1", "MedicationAdministration/7"),
                citations=("S01", "S02"),
                limits=("rebound_window_opens",),
            ),
        ),
        suppressed=(Suppressed("RVFX-12", "RVFX-01"),),
        unusable=(Unusable("Observation/4", "unknown unit 'furlong'", "Observation.valueQuantity.unit", "five.json"),),
        gaps=(Gap("dispenses", "the query failed"),),
        notes=("Strength inferred from the interval of the doses.",),
        trace=Trace((), ()),
    )


def nothing_on_record() -> Evaluation:
    return Evaluation(
        patient="Patient/none",
        as_of=date(2026, 3, 1),
        hook="patient-view",
        knowledge_version="2026.12.0",
        denosumab=DenosumabSummary("unknown", "NEVER", (), 0, None, None, None, False, None, None),
        fractures=(),
        fracture_class=None,
        conclusions=(),
        suppressed=(),
        unusable=(),
        gaps=(),
        notes=(),
        trace=Trace((), ()),
    )


def undated_fracture_and_vague_doses() -> Evaluation:
    doses = (dose(DateInterval.parse("2023"), 1, "unknown"), dose(DateInterval.parse("2024-02"), 2, "unknown"))
    vague = FractureSummary(
        fracture_class="UNKNOWN",
        levels=(),
        event=DateInterval.up_to(date(1996, 4, 4)),
        months_after_last_dose=MonthRange(0, None),
        evidence=("Condition/1",),
        reason="no usable date",
        recent=False,
        despite_bridge=True,
    )
    return Evaluation(
        patient="Patient/vague",
        as_of=date(2024, 9, 1),
        hook=None,
        knowledge_version="2026.12.0",
        denosumab=DenosumabSummary(
            product="unknown",
            state="STOPPED_EXPLICIT",
            doses=doses,
            dose_count=2,
            last_dose=doses[-1].when,
            basis="stated",
            months_since=MonthRange(6, 7),
            exposure_long=False,
            due=None,
            stopped=DateInterval.on(date(2024, 6, 1)),
        ),
        fractures=(vague,),
        fracture_class="UNKNOWN",
        conclusions=(),
        suppressed=(),
        unusable=(),
        gaps=(),
        notes=(),
        trace=Trace((), ()),
    )

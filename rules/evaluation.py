"""One evaluation: a timeline in; state, classes, conclusions and what they rest on out. Every route calls this."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from rules.knowledge_base import Knowledge
from rules.reasoning.conclusions import Advice, Conclusion, Suppressed
from rules.reasoning.dates import DateInterval, whole_months
from rules.reasoning.evaluation import (
    DenosumabSummary,
    DoseSummary,
    Evaluation,
    FractureSummary,
    MonthRange,
)
from rules.reasoning.facts.course import Exposure
from rules.reasoning.facts.deciding import DecidingClass
from rules.reasoning.facts.denosumab import Course, DenosumabState, Turnover
from rules.reasoning.facts.derive import derive
from rules.reasoning.facts.fractures import Fracture, FractureClass, IndexDose
from rules.reasoning.oracle import Silence
from rules.reasoning.reasoner import Firing, Reasoner, Trace
from rules.reasoning.timeline import PatientTimeline

DECEASED = "The patient has died, by the record: nothing is advised."


class Evaluator:
    """Evaluates timelines with one knowledge base; safe to share between threads."""

    def __init__(self, knowledge: Knowledge, *, verify: bool = True) -> None:
        self.knowledge = knowledge
        self._reasoner = Reasoner(knowledge.program, verify=verify)
        self._site_limits_since = max((one.since for one in knowledge.limits.all() if one.site), default=date.min)

    def evaluate(self, timeline: PatientTimeline, hook: str | None = "patient-view") -> Evaluation:
        """What follows from a timeline, and what of it speaks at `hook` (None: at any hook).

        Raises:
            ClinicalCoreError: the evaluation is void; nothing may be concluded from it, least of all silence.
        """
        facts, found = derive(timeline, self.knowledge.limits, self.knowledge.jurisdiction)
        trace = self._reasoner.run(facts)
        concluded = [
            self._conclusion(firing)
            for firing in trace.firings
            if isinstance(firing.outcome, Advice) and self._speaks(firing.rule, hook) and not timeline.patient.deceased
        ]
        # A rule gives way to what is said here, not to what would be said at another hook.
        present = {one.rule for one in concluded}
        suppressed = [
            Suppressed(one.rule, by)
            for one in concluded
            for by in self.knowledge.rule(one.rule).yields_to
            if by in present
        ]
        silenced = {one.rule for one in suppressed}
        speaking = [one for one in concluded if one.rule not in silenced]
        [course] = trace.all(Course)
        deciding = trace.all(DecidingClass)
        return Evaluation(
            patient=timeline.patient.reference,
            as_of=timeline.as_of,
            hook=hook,
            knowledge_version=self.knowledge.version,
            denosumab=_denosumab(course, found, trace, timeline.as_of),
            fractures=tuple(_fractures(trace)),
            fracture_class=deciding[0].word if deciding else None,
            conclusions=tuple(sorted(speaking, key=lambda one: one.rank)),
            suppressed=tuple(suppressed),
            unusable=timeline.unusable,
            gaps=timeline.gaps,
            notes=(*self._notes(timeline), *_notes(course, found, trace)),
            trace=trace,
            deceased=timeline.patient.deceased,
        )

    def why_silent(self, evaluation: Evaluation, rule_id: str) -> Silence:
        """The nearest miss of a rule that did not conclude."""
        return self._reasoner.why_silent(evaluation.trace, rule_id)

    def _notes(self, timeline: PatientTimeline) -> Iterable[str]:
        if timeline.patient.deceased:
            yield DECEASED
        if timeline.as_of < self._site_limits_since:
            yield f"The site's own limits hold from {self._site_limits_since}; they are used here for an earlier day."

    def _speaks(self, rule_id: str, hook: str | None) -> bool:
        return hook is None or hook in self.knowledge.rule(rule_id).hooks

    def _conclusion(self, firing: Firing) -> Conclusion:
        assert isinstance(firing.outcome, Advice)
        entry = self.knowledge.rule(firing.rule)
        return Conclusion(
            rule=entry.id,
            advice=firing.outcome,
            decision=entry.decision,
            evidence=firing.evidence,
            citations=tuple(citation.source for citation in entry.citations),
            limits=entry.limits,
            precedence=entry.precedence,
            facts=tuple(sorted(firing.facts)),
        )


def _denosumab(course: Course, found: Exposure, trace: Trace, as_of: date) -> DenosumabSummary:
    [state] = trace.all(DenosumabState)
    last = found.last
    return DenosumabSummary(
        product=course.product,
        state=state.word,
        doses=tuple(DoseSummary(dose.when, dose.basis, dose.product, dose.evidence) for dose in found.doses),
        dose_count=course.doses,
        last_dose=last.when if last else None,
        basis=last.basis if last else None,
        months_since=_months(last.when, DateInterval.on(as_of)) if last else None,
        exposure_long=course.long,
        due=course.due,
        stopped=course.stop.when if course.stop else None,
        evidence=course.evidence,
    )


def _fractures(trace: Trace) -> Iterable[FractureSummary]:
    classes = {one.fracture: one for one in trace.all(FractureClass)}
    doses = {one.fracture: one for one in trace.all(IndexDose)}
    for fracture in trace.all(Fracture):
        index = doses.get(fracture.number)
        found = classes[fracture.number]
        yield FractureSummary(
            fracture_class=found.word,
            levels=tuple(sorted(fracture.event.levels, key=_order_of_level)),
            event=fracture.event.when,
            months_after_last_dose=_months(index.when, fracture.event.when) if index else None,
            evidence=fracture.event.evidence,
            reason=found.reason,
            recent=fracture.recent,
            despite_bridge=found.word == "RVFX_POSSIBLE" and index is not None and index.bridged,
        )


def _order_of_level(level: str) -> tuple[int, int]:
    return "CTLS".index(level[0]), int(level[1:])


def _months(start: DateInterval, end: DateInterval) -> MonthRange:
    least = 0 if end.open_start else whole_months(start.latest, end.earliest)
    return MonthRange(least, whole_months(start.earliest, end.latest))


def _notes(course: Course, found: Exposure, trace: Trace) -> Sequence[str]:
    notes = list(found.notes)
    [state] = trace.all(DenosumabState)
    [turnover] = trace.all(Turnover)
    products = {dose.product for dose in found.doses}
    if {"60mg", "120mg"} <= products:
        notes.append("Both products are on record, 60 mg and 120 mg: the clock follows the most recent dose.")
    if any(dose.basis == "inferred" and dose.product == "60mg" for dose in found.doses):
        notes.append("Some doses are known only from completed orders, or their strength only from their spacing.")
    if found.active_order and state.word == "PRESUMED_DISCONTINUED":
        notes.append("Denosumab is listed as active, but no injection is on record for nine months or more.")
    if state.word == "REBOUND_OVER" and not turnover.measured:
        notes.append("Turnover not measured: that the rebound is over follows from the time alone.")
    if course.stop is not None and course.stop.on_hold:
        notes.append("Denosumab is on hold: the clock runs.")
    return notes

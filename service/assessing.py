"""From a record on file to evaluations: read, assess each patient, and name whatever stood in the way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from rules.evaluation import Evaluator
from rules.knowledge_base import Knowledge
from rules.reasoning.errors import ClinicalCoreError
from rules.reasoning.evaluation import Evaluation
from rules.reasoning.oracle import Silence
from rules.reasoning.timeline import PatientTimeline, Unusable
from service.fhir.reader import Reading, RecordReader, UnreadableDocument
from service.submission import Submission


@dataclass(frozen=True, slots=True)
class Assessed:
    """What came of one submission: an evaluation a patient, and what could not be read or assessed."""

    name: str
    evaluations: tuple[Evaluation, ...]
    unusable: tuple[Unusable, ...]


class Assessor:
    """Reads and evaluates submissions with one knowledge base."""

    def __init__(self, knowledge: Knowledge, *, verify: bool = True) -> None:
        self.knowledge = knowledge
        self.evaluator = Evaluator(knowledge, verify=verify)
        self._reader = RecordReader(knowledge.terminology)

    def assess(self, submission: Submission, as_of: date, *, all_hooks: bool = False) -> Assessed:
        """One evaluation a patient of the submission, on the day `as_of`; with `all_hooks`, what speaks at any hook.

        A patient whose evaluation fails is named as unusable; the others are assessed all the same.
        """
        reading, unusable = self._read(submission, as_of)
        other = [timeline for timeline in reading.timelines if not _belongs(timeline, submission)]
        if other:
            found = other[0].patient.reference
            reason = f"is not the record of {submission.patient}, whom the request is about"
            return Assessed(submission.name, (), (Unusable(found, reason, "", submission.name),))
        evaluations: list[Evaluation] = []
        unusable += reading.unusable
        for timeline in reading.timelines:
            complete = replace(timeline, gaps=(*timeline.gaps, *submission.gaps))
            unusable += timeline.unusable
            try:
                evaluations.append(self.evaluator.evaluate(complete, None if all_hooks else submission.hook))
            except ClinicalCoreError as error:
                unusable.append(Unusable(timeline.patient.reference, f"not assessed: {error}", "", submission.name))
        if not reading.timelines and not unusable:
            unusable.append(Unusable("", "holds no resource of a patient", "", submission.name))
        return Assessed(submission.name, tuple(evaluations), tuple(unusable))

    def _read(self, submission: Submission, as_of: date) -> tuple[Reading, list[Unusable]]:
        """What can be read; a document that cannot is named, and the others are read without it."""
        unusable: list[Unusable] = []
        documents = list(submission.documents)
        while documents:
            try:
                return self._reader.read(documents, as_of=as_of), unusable
            except UnreadableDocument as error:
                bad = next((one for one in documents if str(error).startswith(f"{one.name}: ")), documents[0])
                documents.remove(bad)
                unusable.append(Unusable("", str(error).removeprefix(f"{bad.name}: "), "", bad.name))
        return Reading((), ()), unusable

    def silences(self, evaluation: Evaluation) -> tuple[Silence, ...]:
        """Why each rule that neither concluded nor gave way stayed silent."""
        spoke = {conclusion.rule for conclusion in evaluation.conclusions}
        spoke |= {gone.rule for gone in evaluation.suppressed}
        silent = (entry.id for entry in self.knowledge.rules if entry.id not in spoke)
        return tuple(self.evaluator.why_silent(evaluation, rule) for rule in silent)


def _belongs(timeline: PatientTimeline, submission: Submission) -> bool:
    return submission.patient is None or timeline.patient.reference == submission.patient

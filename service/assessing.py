"""From a record on file to evaluations: read, assess each patient, and name whatever stood in the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from rules.evaluation import Evaluator
from rules.knowledge_base import Knowledge
from rules.reasoning.errors import ClinicalCoreError
from rules.reasoning.evaluation import Evaluation
from rules.reasoning.oracle import Silence
from rules.reasoning.timeline import PatientTimeline, Unusable
from service.fhir.content import gaps_of
from service.fhir.reader import Reading, RecordReader, UnreadableDocument
from service.observation.call import stage
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
        reading, lost = self._read(submission, as_of)
        submission = replace(submission, gaps=(*submission.gaps, *gaps_of(lost)))
        unusable = [*lost, *reading.unusable]
        hook = None if all_hooks else submission.hook
        evaluations: list[Evaluation] = []
        for read, timeline in zip(reading.timelines, _complete(reading, submission), strict=True):
            unusable += read.unusable
            try:
                evaluations.append(self.evaluator.evaluate(timeline, hook))
            except ClinicalCoreError as error:
                unusable.append(Unusable(timeline.patient.reference, f"not assessed: {error}", "", submission.name))
        if not reading.timelines and not unusable:
            unusable.append(Unusable("", "holds no resource of a patient", "", submission.name))
        return Assessed(submission.name, tuple(evaluations), tuple(unusable))

    def evaluate(self, submission: Submission, as_of: date) -> Evaluation:
        """The evaluation of a submission that is about one patient, as a hook call needs it: whole, or an error.

        Raises:
            UnreadableDocument: a document holds no FHIR, or the patient cannot be read.
            ClinicalCoreError: the evaluation is void.
        """
        with stage("timeline"):
            reading = self._reader.read(submission.documents, as_of=as_of, fhir_version=submission.fhir_version)
            if len(reading.timelines) != 1:
                raise UnreadableDocument("the patient cannot be read")
            [timeline] = _complete(reading, submission)
        with stage("evaluate"):
            return self.evaluator.evaluate(timeline, submission.hook)

    def _read(self, submission: Submission, as_of: date) -> tuple[Reading, list[Unusable]]:
        """What can be read, and the documents that cannot be: the others are read without them."""
        lost: list[Unusable] = []
        documents = list(submission.documents)
        while True:
            try:
                return self._reader.read(documents, as_of=as_of, fhir_version=submission.fhir_version), lost
            except UnreadableDocument as error:
                documents = [one for one in documents if one.name != error.document]
                lost.append(Unusable("", error.reason, "", error.document))

    def silences(self, evaluation: Evaluation) -> tuple[Silence, ...]:
        """Why each rule that neither concluded nor gave way stayed silent; for somebody who has died, none is asked."""
        if evaluation.deceased:
            return ()
        spoke = {conclusion.rule for conclusion in evaluation.conclusions}
        spoke |= {gone.rule for gone in evaluation.suppressed}
        silent = (entry.id for entry in self.knowledge.rules if entry.id not in spoke)
        return tuple(self.evaluator.why_silent(evaluation, rule) for rule in silent)


def _complete(reading: Reading, submission: Submission) -> Iterator[PatientTimeline]:
    """The timelines with what is missing from the submission; what belongs to no patient is the only patient's."""
    strays = reading.unusable if len(reading.timelines) == 1 else ()
    for timeline in reading.timelines:
        gaps, unusable = (*timeline.gaps, *submission.gaps), (*timeline.unusable, *strays)
        yield replace(timeline, gaps=gaps, unusable=unusable)

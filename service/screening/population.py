"""The patients of one part, evaluated one after the other: what a process does, whichever engine started it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from rules.reasoning.evaluation import Evaluation
from rules.reasoning.timeline import Gap, Unusable
from service.assessing import Assessor
from service.cds_hooks.cards import CardMaker
from service.fhir.documents import FAILURES, resource_type
from service.fhir.reader import Document
from service.reports.json_report import assessment, json_line
from service.screening.export import Line
from service.screening.worklist import Row, row
from service.submission import DEFAULT_HOOK, Submission

_DRUG = re.compile(rb'"(?:[^"\s]{0,500}/)?(Medication/[A-Za-z0-9\-.]{1,64})(?:/_history/[^"\s]{1,64})?"')
"""A reference to what a drug is called: relative, absolute or of one version."""


@dataclass(slots=True)
class Tally:
    """How many patients there are of each kind."""

    patients: int = 0
    states: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)

    def count(self, evaluation: Evaluation) -> None:
        """One patient more."""
        self.patients += 1
        self.states[evaluation.denosumab.state] += 1
        if evaluation.fracture_class is not None:
            self.classes[evaluation.fracture_class] += 1
        self.rules.update({one.rule for one in evaluation.conclusions})

    def add(self, other: Tally) -> None:
        """The patients of another part."""
        self.patients += other.patients
        self.states += other.states
        self.classes += other.classes
        self.rules += other.rules


@dataclass(slots=True)
class Found:
    """What came of some patients: a line of JSON each, rows of the worklist, what could not be read, and how many."""

    assessments: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    unread: list[Unusable] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)


class Population:
    """Evaluates the patients of one export as of one day.

    `drugs` are those that their records may refer to, `gaps` what is missing from the record of each.
    """

    def __init__(
        self, assessor: Assessor, cards: CardMaker, drugs: Mapping[str, Line], as_of: date, gaps: Sequence[Gap] = ()
    ) -> None:
        self._assessor, self._cards, self._drugs, self._as_of = assessor, cards, drugs, as_of
        self._gaps = tuple(gaps)

    def found(self, lines: Iterable[tuple[str, Line]]) -> Found:
        """What came of the patients whose lines these are, in the order of their ids."""
        found = Found()
        patients: dict[str, list[Line]] = {}
        for patient, line in lines:
            patients.setdefault(patient, []).append(line)
        for patient in sorted(patients):
            self._assess(patient, patients[patient], found)
        return found

    def _assess(self, patient: str, lines: Sequence[Line], found: Found) -> None:
        documents = tuple(Document(line.place, line.data) for line in (*lines, *self._referred(lines)))
        assessed = self._assessor.assess(Submission(patient, documents, DEFAULT_HOOK, gaps=self._gaps), self._as_of)
        if not assessed.evaluations and not any(_is_patient(line) for line in lines):
            said = f"is not in the export, which holds {len(lines)} record(s) of this patient"
            found.unread.append(Unusable(patient, said, "", lines[0].place))
            return
        found.unread += assessed.unusable
        for evaluation in assessed.evaluations:
            found.tally.count(evaluation)
            found.assessments.append(json_line(assessment(evaluation, self._cards.cards(evaluation))))
            if (one := row(evaluation, len(assessed.unusable))) is not None:
                found.rows.append(one)

    def _referred(self, lines: Sequence[Line]) -> Iterator[Line]:
        """The drugs that the records of a patient refer to."""
        keys = dict.fromkeys(key.decode() for line in lines for key in _DRUG.findall(line.data))
        return (self._drugs[key] for key in keys if key in self._drugs)


def _is_patient(line: Line) -> bool:
    try:
        return resource_type(line.data) == "Patient"
    except FAILURES:
        return False

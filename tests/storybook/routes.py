"""The routes by which a case can be put to the product; each gives the object of the public contract, or a part of it.

Identifiers of cards and suggestions are new in every answer and are taken out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from click.testing import CliRunner

from rules.evaluation import Evaluator
from rules.knowledge_base import Knowledge, load_knowledge
from rules.reasoning.evaluation import Evaluation
from rules.reasoning.timeline import PatientTimeline
from service.cds_hooks.cards import CardMaker
from service.commands import main
from service.fhir.reader import Document, RecordReader
from service.reports import json_report
from tests.storybook.case import Case
from tests.storybook.record import bundle
from tests.storybook.vocabulary import Json


class Route(Protocol):
    """One way to ask."""

    name: str

    def answers(self, cases: Sequence[Case]) -> Mapping[str, Json]:
        """The answer to each case, by the name of its patient."""
        ...


@dataclass(frozen=True, slots=True)
class InProcess:
    """The reader and the evaluator, called directly."""

    knowledge: Knowledge
    evaluator: Evaluator
    reader: RecordReader
    name: str = "in process"

    @classmethod
    def of(cls, knowledge: Knowledge | None = None) -> InProcess:
        """With a knowledge base, by default the product's own."""
        known = knowledge or load_knowledge()
        return cls(known, Evaluator(known), RecordReader(known.terminology))

    def timeline(self, case: Case) -> PatientTimeline:
        """The timeline of a case."""
        documents = [Document("record", json.dumps(case.bundle()).encode())]
        if case.drafts:
            selected = frozenset(case.told.when.selected)
            orders = json.dumps(bundle(case.drafts)).encode()
            documents.append(Document("context.draftOrders", orders, draft=True, selected=selected))
        [found] = self.reader.read(documents, as_of=case.as_of).timelines
        return found

    def evaluate(self, case: Case, hook: str | None = None) -> Evaluation:
        """The evaluation of a case at its hook."""
        return self.evaluator.evaluate(self.timeline(case), hook or case.told.when.hook)

    def answer(self, evaluation: Evaluation) -> Json:
        """An evaluation as the object of the contract."""
        return settled(json_report.assessment(evaluation, CardMaker(self.knowledge).cards(evaluation)))

    def answers(self, cases: Sequence[Case]) -> Mapping[str, Json]:
        """The answer to each case."""
        return {case.name: self.answer(self.evaluate(case)) for case in cases}

    def with_limit(self, name: str, value: float) -> InProcess:
        """The same with another value of one limit."""
        known = self.knowledge
        limits = known.limits.with_values({name: value}, known.limits.limit(name).since, "a test")
        changed = replace(known, limits=limits, program=replace(known.program, limits=limits))
        return InProcess(changed, Evaluator(changed), self.reader)


@dataclass(frozen=True, slots=True)
class CommandLine:
    """`reboundwatch assess --format json` over a folder of hook requests, all cases in one run."""

    folder: Path
    name: str = "command line"

    def answers(self, cases: Sequence[Case]) -> Mapping[str, Json]:
        """The answer to each case."""
        for case in cases:
            (self.folder / f"{case.name}.json").write_text(json.dumps(case.request()), encoding="utf-8")
        run = CliRunner().invoke(main, ["assess", str(self.folder), "--format", "json"], catch_exceptions=False)
        found = [settled(json.loads(line)) for line in run.stdout.splitlines()]
        return {one["patient"].removeprefix("Patient/"): one for one in found}


def settled(answer: Json) -> Json:
    """An answer as JSON would carry it, without the identifiers that are new each time."""
    whole: Json = json.loads(json.dumps(answer))
    for card in whole["cards"]:
        card.pop("uuid")
        for suggestion in card.get("suggestions", ()):
            suggestion.pop("uuid")
            for resource in _resources(suggestion["actions"]):
                resource.pop("id")
    return whole


def _resources(actions: Iterable[Mapping[str, Any]]) -> list[Json]:
    return [action["resource"] for action in actions if "resource" in action]

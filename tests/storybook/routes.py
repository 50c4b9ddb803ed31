"""The routes by which a case can be put to the product; each gives the object of the public contract, or a part of it.

What is new in every answer (identifiers of cards) or differs from site to site (the address of the pages) is taken out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol

from click.testing import CliRunner
from flask.testing import FlaskClient

from rules.evaluation import Evaluator
from rules.knowledge_base import Knowledge, load_knowledge
from rules.reasoning.evaluation import Evaluation
from rules.reasoning.timeline import PatientTimeline, Unusable
from service.app import create_app
from service.assessing import Assessor
from service.cds_hooks.card_messages import EXTENSION
from service.cds_hooks.cards import CardMaker
from service.commands import main
from service.fhir.reader import Document, RecordReader
from service.reports import json_report
from service.screening.buckets import Buckets
from service.screening.export import export_files
from service.screening.population import Population
from service.settings import Settings
from tests.storybook.case import Case
from tests.storybook.given import When
from tests.storybook.r5 import in_r5
from tests.storybook.record import bundle, export
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

    def timeline(self, case: Case, version: str = "R4") -> PatientTimeline:
        """The timeline of a case, from its record in FHIR R4 or R5.

        Raises:
            Untellable: R5 has no words for something that the case tells.
        """
        record, drafts = case.resources, case.drafts
        if version == "R5":
            record, drafts = in_r5(record), in_r5(drafts)
        documents = [Document("record", json.dumps(bundle(record)).encode())]
        if drafts:
            selected = frozenset(case.told.when.selected)
            orders = json.dumps(bundle(drafts)).encode()
            documents.append(Document("context.draftOrders", orders, draft=True, selected=selected))
        [found] = self.reader.read(documents, as_of=case.as_of, fhir_version=version).timelines
        return found

    def evaluate(self, case: Case, version: str = "R4") -> Evaluation:
        """The evaluation of a case at its hook."""
        return self.evaluate_timeline(self.timeline(case, version), case.told.when)

    def evaluate_timeline(self, timeline: PatientTimeline, when: When) -> Evaluation:
        """The evaluation of a timeline at the hook and in the jurisdiction that a case names."""
        here = when.jurisdiction == self.knowledge.jurisdiction
        evaluator = self.evaluator if here else Evaluator(replace(self.knowledge, jurisdiction=when.jurisdiction))
        return evaluator.evaluate(timeline, when.hook)

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
            folder = self.folder / case.told.when.jurisdiction
            folder.mkdir(exist_ok=True)
            (folder / f"{case.name}.json").write_text(json.dumps(case.request()), encoding="utf-8")
        found = [one for folder in sorted(self.folder.iterdir()) for one in self._assessed(folder)]
        return {one["patient"].removeprefix("Patient/"): one for one in found}

    def _assessed(self, folder: Path) -> list[Json]:
        runner = CliRunner(env={"REBOUNDWATCH_JURISDICTION": folder.name})
        run = runner.invoke(main, ["assess", str(folder), "--format", "json"], catch_exceptions=False)
        return [settled(json.loads(line)) for line in run.stdout.splitlines()]


@dataclass(frozen=True, slots=True)
class Http:
    """`POST /cds-services/{id}` of the application, one call a case."""

    client: FlaskClient
    name: str = "HTTP"

    @classmethod
    def of(cls) -> Http:
        """A deployment on this machine, where requests may name the day of evaluation."""
        return cls(_client("US"))

    @property
    def hooks(self) -> frozenset[str]:
        """The hooks that are served."""
        services = self.client.get("/cds-services").get_json()["services"]
        return frozenset(one["hook"] for one in services)

    def answers(self, cases: Sequence[Case]) -> Mapping[str, Json]:
        """The answer to each case."""
        return {case.name: self._answer(case) for case in cases}

    def _answer(self, case: Case) -> Json:
        path = f"/cds-services/denosumab-rebound-{case.told.when.hook}"
        response = _client(case.told.when.jurisdiction).post(path, json=case.request())
        if response.status_code != 200:
            raise AssertionError(f"{case}: {response.status_code} {response.text}")
        answer: Json = json.loads(response.data)
        return settled({"cards": answer["cards"], **answer["extension"][EXTENSION]})


def exportable(case: Case) -> bool:
    """Whether an export can tell the case: the chart is opened, and nobody is writing an order."""
    return case.told.when.hook == "patient-view" and not case.drafts


@dataclass(frozen=True, slots=True)
class Screened:
    """A Bulk Data export of all patients who are seen on one day in one jurisdiction, screened together."""

    folder: Path
    name: str = "screening"

    def answers(self, cases: Sequence[Case]) -> Mapping[str, Json]:
        """The answer to each case."""
        together: dict[tuple[str, date], list[Case]] = {}
        for case in cases:
            together.setdefault((case.told.when.jurisdiction, case.as_of), []).append(case)
        found = [one for (where, day), some in sorted(together.items()) for one in self._screened(where, day, some)]
        return {one["patient"].removeprefix("Patient/"): one for one in found}

    def _screened(self, jurisdiction: str, as_of: date, cases: Sequence[Case]) -> list[Json]:
        folder = self.folder / f"{jurisdiction}-{as_of}"
        folder.mkdir()
        write_export(folder, [case.resources for case in cases])
        buckets = Buckets(folder, 3)
        unread: list[Unusable] = []
        for _ in buckets.fill(export_files(folder)[0], unread.append):
            pass
        assert not unread, unread
        assessor = _assessor(jurisdiction)
        population = Population(assessor, CardMaker(assessor.knowledge), dict(buckets.drugs()), as_of)
        found = [population.found(buckets.lines(number)) for number in range(buckets.number)]
        return [settled(json.loads(line)) for one in found for line in one.assessments]


def write_export(folder: Path, records: Iterable[Sequence[Json]]) -> None:
    """A Bulk Data export of these records, in a folder that is there."""
    for name, content in export(records).items():
        (folder / name).write_text(content, encoding="utf-8")


@cache
def _assessor(jurisdiction: str) -> Assessor:
    return Assessor(load_knowledge(jurisdiction=jurisdiction))


@cache
def _client(jurisdiction: Literal["US", "EU", "UK", "CA", "AU"]) -> FlaskClient:
    return create_app(Settings(auth="off", allow_as_of=True, jurisdiction=jurisdiction)).test_client()


def over_http(answer: Json) -> Json:
    """The part of an object of the contract that the answer to a hook call carries."""
    spoke = answer["conclusions"]
    members = {
        "cards": answer["cards"],
        "rules": list(dict.fromkeys(one["rule"] for one in spoke)),
        "fractureClass": answer["fractureClass"],
        "denosumabState": answer["denosumab"]["state"],
        "evidence": sorted({reference for one in spoke for reference in one["evidence"]}),
        "asOf": answer["asOf"],
        "knowledgeVersion": answer["knowledgeVersion"],
        "unusable": answer["unusable"],
    }
    return {name: value for name, value in members.items() if value or name == "cards"}


def settled(answer: Json) -> Json:
    """An answer as JSON would carry it, without what is new in every answer or set by a site."""
    whole: Json = json.loads(json.dumps(answer))
    for one in whole.get("unusable", ()):
        one.pop("source", None)
        one.pop("element", None)
    for card in whole["cards"]:
        card.pop("uuid")
        card["source"].pop("url", None)
        for suggestion in card.get("suggestions", ()):
            suggestion.pop("uuid")
            for resource in _resources(suggestion["actions"]):
                resource.pop("id")
    return whole


def _resources(actions: Iterable[Mapping[str, Any]]) -> list[Json]:
    return [action["resource"] for action in actions if "resource" in action]

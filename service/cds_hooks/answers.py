"""The answer to a hook call: the cards, what decided for machines to read, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from rules.reasoning.conclusions import Indicator
from rules.reasoning.evaluation import Evaluation
from rules.reasoning.timeline import Unusable
from rules.set_aside import SetAside
from service.cds_hooks.card_messages import EXTENSION, Answer, Card
from service.cds_hooks.cards import Group, blocks, new_uuid
from service.cds_hooks.parts import CONDITIONS, MEDICATIONS
from service.cds_hooks.problems import RequiredDataMissing
from service.cds_hooks.requests import HookRequest
from service.cds_hooks.snooze import Drafts, fingerprint, is_set_aside
from service.cds_hooks.trust import Caller
from service.deployment import Deployment
from service.fhir.bundles import Bundle
from service.fhir.content import Document
from service.observation.call import noted
from service.storage.memory import Memory
from service.storage.port import CardRecord, EvaluationRecord, Override
from service.submission import Submission
from service.version import SOFTWARE_VERSION

_NAMED = 100
"""How many records that could not be used are named one by one."""


@dataclass(frozen=True)
class Occasion:
    """Who asked what of which service, and when (UTC)."""

    asked: HookRequest
    service: str
    caller: Caller
    at: datetime

    @cached_property
    def drafts(self) -> Drafts:
        """What is being written, in the context of the call."""
        return Drafts(tuple(self.asked.bundles.values()))


@dataclass(frozen=True, slots=True)
class _Said:
    """The cards of an answer with the groups they were made of, and the groups that were set aside before."""

    groups: Sequence[Group]
    cards: Sequence[Card]
    aside: Sequence[Group]


def answer(
    deployment: Deployment, submission: Submission, evaluation: Evaluation, occasion: Occasion, memory: Memory
) -> Answer:
    """The cards of an evaluation with its extension; in silent mode the extension alone. It is remembered.

    Raises:
        RequiredDataMissing: there is nothing to say, but only a part of what is required was seen, or what the call is
            about could not be read.
    """
    patient = memory.pseudonym(occasion.caller.issuer, occasion.caller.tenant, occasion.asked.patient_id)
    said = _said(deployment, evaluation, occasion, memory, patient)
    if not said.cards:
        _refuse_silence(submission, evaluation, said)
    extension = deployment.cards.extension(evaluation)
    own = extension[EXTENSION]
    if submission.incomplete:
        own["incomplete"] = list(submission.incomplete)
    if evaluation.unusable:
        own["unusable"] = [_named(one) for one in evaluation.unusable[:_NAMED]]
    if said.aside:
        own["snoozed"] = _rules(said.aside)
    silent = deployment.settings.mode == "silent"
    if silent:
        own["mode"] = "silent"
    _note(evaluation, said, silent)
    memory.keep(_record(deployment, evaluation, occasion, patient, said))
    return Answer([] if silent else list(said.cards), extension)


def _refuse_silence(submission: Submission, evaluation: Evaluation, said: _Said) -> None:
    """An empty list says that all is well, or what was set aside before: not when too little was seen for that."""
    if submission.in_part and not said.aside:
        missing = "was seen in part only, from which it cannot be concluded that nothing is to be said"
        raise RequiredDataMissing(missing, *submission.in_part)
    if lost := _required_and_lost(submission, {gap.part: gap.reason for gap in evaluation.gaps if gap.nothing}):
        reason = next(iter(lost.values()))
        raise RequiredDataMissing(f"was sent, and nothing in it could be used ({reason})", *lost)
    written = {document.name for document in submission.documents if document.prevails}
    unread = {one.source: one.reason for one in evaluation.unusable if one.source in written}
    if unread:
        reason = next(iter(unread.values()))
        raise RequiredDataMissing(f"holds what could not be read ({reason}), and so it was not judged", *unread)


def _required_and_lost(submission: Submission, lost: Mapping[str, str]) -> dict[str, str]:
    """The required parts of which nothing could be used, each with the reason.

    Sources of medication are among them when all are lost that hold anything.
    """
    parts = {document.name.rpartition(".")[2]: document for document in submission.documents if not document.prevails}
    diagnoses = [one.name for key, one in parts.items() if key == CONDITIONS.key and one.name in lost]
    keys = {part.key for part in MEDICATIONS}
    drugs = [one.name for key, one in parts.items() if key in keys and not _holds_nothing(one)]
    found = diagnoses + (drugs if all(name in lost for name in drugs) else [])
    return {name: lost[name] for name in found}


def _holds_nothing(document: Document) -> bool:
    return isinstance(document.decoded, Bundle) and not document.decoded.entry


def _said(deployment: Deployment, evaluation: Evaluation, occasion: Occasion, memory: Memory, patient: str) -> _Said:
    """What is said now: all but what this patient's users of this role have set aside for a reason that holds."""
    groups = deployment.cards.groups(evaluation)
    aside: list[Group] = []
    if groups and deployment.settings.snooze:
        overrides = memory.overrides(patient, occasion.asked.role, occasion.at - deployment.knowledge.set_aside.longest)
        if overrides:
            times = deployment.knowledge.set_aside
            aside = [group for group in groups if _is_aside(group, evaluation, occasion, overrides, times)]
    shown = deployment.cards.most_urgent([group for group in groups if group not in aside])
    return _Said(shown, deployment.cards.of_groups(shown, evaluation), aside)


def _is_aside(
    group: Group, evaluation: Evaluation, occasion: Occasion, overrides: Sequence[Override], times: SetAside
) -> bool:
    mark = fingerprint(group, evaluation, occasion.drafts)
    critical = group[0].advice.indicator is Indicator.CRITICAL
    return not blocks(group) and is_set_aside(mark, critical, overrides, occasion.at, times)


def _note(evaluation: Evaluation, said: _Said, silent: bool) -> None:
    if (call := noted()) is None:
        return
    indicators = tuple(card.indicator for card in said.cards)
    call.cards, call.withheld = ((), indicators) if silent else (indicators, ())
    call.set_aside = len(said.aside)
    call.rules = tuple(sorted({firing.rule for firing in evaluation.trace.firings}))
    call.unusable = len(evaluation.unusable)


def _record(
    deployment: Deployment, evaluation: Evaluation, occasion: Occasion, patient: str, said: _Said
) -> EvaluationRecord:
    caller = occasion.caller
    return EvaluationRecord(
        id=new_uuid(),
        at=occasion.at,
        hook=occasion.asked.hook.name,
        service=occasion.service,
        patient=patient,
        role=occasion.asked.role,
        client=caller.client.name,
        tenant=caller.tenant,
        issuer=caller.issuer,
        mode=deployment.settings.mode,
        rules=list(dict.fromkeys(one.rule for one in evaluation.conclusions)),
        snoozed=_rules(said.aside),
        fracture_class=evaluation.fracture_class,
        state=evaluation.denosumab.state,
        knowledge_version=evaluation.knowledge_version,
        software_version=SOFTWARE_VERSION,
        cards=[
            _card(card, group, fingerprint(group, evaluation, occasion.drafts))
            for card, group in zip(said.cards, said.groups, strict=True)
        ],
    )


def _card(card: Card, group: Group, mark: str) -> CardRecord:
    kinds = {one.label: one.kind for conclusion in group for one in conclusion.advice.suggestions}
    return CardRecord(
        id=card.uuid,
        rules=list(dict.fromkeys(one.rule for one in group)),
        indicator=card.indicator,
        decision=group[0].decision,
        fingerprint=mark,
        # Not its label, in which there may be a day: what kind of order it places.
        suggestions={one.uuid: kinds[one.label] for one in card.suggestions or ()},
    )


def _rules(groups: Sequence[Group]) -> list[str]:
    return list(dict.fromkeys(one.rule for group in groups for one in group))


def _named(one: Unusable) -> dict[str, str]:
    members = {"reference": one.reference, "element": one.element, "reason": one.reason, "source": one.source}
    return {name: value for name, value in members.items() if value}

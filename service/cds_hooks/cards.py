"""Conclusions become cards: one decision a card, the strongest speaks, the others are its detail and its actions."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from rules.knowledge_base import Knowledge, RuleEntry
from rules.reasoning.conclusions import Conclusion, Propose, Suggestion, Withdraw
from rules.reasoning.evaluation import Evaluation
from rules.reasoning.timeline import Unusable
from service.cds_hooks import card_messages as wire
from service.cds_hooks.card_messages import SUMMARY_LENGTH
from service.orders.drafts import Draft, draft, drug_orders, label
from service.words import months, state

LABEL = "ReboundWatch"
TOPICS = "urn:reboundwatch:topic"
OVERRIDE_REASONS = "urn:reboundwatch:override-reason"
DEFAULT_MAX_CARDS = 3

_REFERENCE = re.compile(r"[A-Z][A-Za-z]{1,63}/[A-Za-z0-9\-.]{1,64}", re.ASCII)


def new_uuid() -> str:
    """A fresh identifier for a card or a suggestion: a random UUID (RFC 9562, version 4).

    An answer holds dozens; `uuid.uuid4` takes four times as long to write the same bits.
    """
    word = os.urandom(16).hex()
    variant = "89ab"[int(word[16], 16) & 3]
    return f"{word[:8]}-{word[8:12]}-4{word[13:16]}-{variant}{word[17:20]}-{word[20:]}"


Group: TypeAlias = tuple[Conclusion, ...]
"""The conclusions of one card, the strongest first."""


@dataclass(frozen=True, slots=True)
class CardMaker:
    """Makes the cards of one deployment; `new_id` can be replaced so that answers can be compared."""

    knowledge: Knowledge
    max_cards: int = DEFAULT_MAX_CARDS
    base_url: str = ""
    new_id: Callable[[], str] = new_uuid

    def cards(self, evaluation: Evaluation) -> tuple[wire.Card, ...]:
        """The cards of an evaluation, most urgent first; blocks of an order are never cut."""
        return self.of_groups(self.most_urgent(self.groups(evaluation)), evaluation)

    def of_groups(self, groups: Sequence[Group], evaluation: Evaluation) -> tuple[wire.Card, ...]:
        """A card for each group; what an earlier card proposes is not proposed again by a later one."""
        proposed: set[str] = set()
        return tuple(self.card(group, evaluation, proposed) for group in groups)

    def groups(self, evaluation: Evaluation) -> list[Group]:
        """What would be said, a group a card, most urgent first."""
        groups: dict[tuple[str, str], list[Conclusion]] = {}
        for conclusion in evaluation.conclusions:
            groups.setdefault((conclusion.decision, conclusion.advice.about), []).append(conclusion)
        return [tuple(group) for group in groups.values()]

    def most_urgent(self, groups: Sequence[Group]) -> list[Group]:
        """As many as one answer may hold, and every block of an order."""
        return [group for place, group in enumerate(groups) if place < self.max_cards or blocks(group)]

    def extension(self, evaluation: Evaluation, conclusions: Sequence[Conclusion] | None = None) -> dict[str, Any]:
        """What decided, for machines: on the response all rules that spoke, on a card those it speaks for."""
        spoke = evaluation.conclusions if conclusions is None else conclusions
        members = {
            "rules": list(dict.fromkeys(one.rule for one in spoke)),
            "fractureClass": evaluation.fracture_class,
            "denosumabState": evaluation.denosumab.state,
            "evidence": sorted({reference for one in spoke for reference in one.evidence}),
            "asOf": evaluation.as_of.isoformat(),
            "knowledgeVersion": evaluation.knowledge_version,
        }
        return {wire.EXTENSION: {name: value for name, value in members.items() if value}}

    def card(self, group: Group, evaluation: Evaluation, proposed: set[str] | None = None) -> wire.Card:
        """The card of one group; `proposed` are the orders of earlier cards, to which its own are added."""
        speaks = group[0]
        entries = [self.knowledge.rule(one.rule) for one in group]
        suggestions = self._suggestions(group, evaluation, proposed if proposed is not None else set())
        return wire.Card(
            uuid=self.new_id(),
            summary=shortened(speaks.advice.summary),
            indicator=speaks.advice.indicator.value,
            source=self._source(entries[0]),
            detail=_detail(group, evaluation, self._standing(group)),
            suggestions=suggestions or None,
            selectionBehavior=("at-most-one" if speaks.advice.choice else "any") if suggestions else None,
            overrideReasons=_override_reasons(entries) or None,
            links=self._links(entries) or None,
            extension=self.extension(evaluation, group),
        )

    def _standing(self, group: Sequence[Conclusion]) -> str:
        """Who signed off the rules of a card; the first that nobody did speaks for all."""
        unsigned = [one.rule for one in group if not self.knowledge.signed_off(one.rule)]
        return self.knowledge.standing((unsigned or [group[0].rule])[0])

    def _source(self, entry: RuleEntry) -> wire.Source:
        return wire.Source(
            label=f"{LABEL}: {entry.title}",
            url=f"{self.base_url}/rules/{entry.id}" if self.base_url else None,
            topic=wire.Coding(code=entry.decision, system=TOPICS, display=entry.title),
        )

    def _links(self, entries: Sequence[RuleEntry]) -> list[wire.Link]:
        cited = dict.fromkeys(citation.source for entry in entries for citation in entry.citations)
        sources = [self.knowledge.sources[name] for name in cited]
        return [
            wire.Link(label=f"{source.id}: {source.title}"[:200], url=source.link, type="absolute")
            for source in sources
            if source.link
        ]

    def _suggestions(
        self, group: Sequence[Conclusion], evaluation: Evaluation, proposed: set[str]
    ) -> list[wire.Suggestion]:
        offered: dict[str, wire.Suggestion] = {}
        recommended, drugs = 0, set[str]()
        # A choice ("at most one") holds complete plans: nothing else may be mixed into it.
        choosing = group[0].advice.choice
        for conclusion in group[:1] if choosing else group:
            reasons = [reference for reference in conclusion.evidence if reference.startswith("Condition/")]
            about = Draft(evaluation.patient, evaluation.as_of, reasons)
            for one in conclusion.advice.suggestions:
                if conclusion.advice.choice and not choosing:
                    continue
                orders = [action.order for action in one.actions if isinstance(action, Propose)]
                if one.label in offered or not _can_be_carried_out(one) or _is_proposed(one, orders, proposed):
                    continue
                # Of two plans that begin with one drug, as from two rules of a card, only one may be accepted.
                if not choosing and drugs & set(orders) & drug_orders():
                    continue
                drugs.update(orders)
                if not choosing:
                    proposed.update(orders)
                # More than one recommendation is only allowed where any number may be accepted.
                recommend = one.recommended and (recommended == 0 or not group[0].advice.choice)
                recommended += recommend
                offered[one.label] = wire.Suggestion(
                    label=one.label,
                    uuid=self.new_id(),
                    isRecommended=True if recommend else None,
                    actions=[self._action(action, about) for action in one.actions],
                )
        return list(offered.values())

    def _action(self, action: Propose | Withdraw, about: Draft) -> wire.Action:
        if isinstance(action, Withdraw):
            return wire.Action(type="delete", description=action.why, resourceId=action.reference)
        return wire.Action(
            type="create",
            description=f"Draft order: {label(action.order)}",
            resource=draft(action.order, about, self.new_id(), due=action.due, urgent=action.urgent),
        )


def shortened(summary: str) -> str:
    """A summary of fewer than 140 characters, cut at a word."""
    if len(summary) <= SUMMARY_LENGTH:
        return summary
    return summary[: SUMMARY_LENGTH - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def blocks(group: Group) -> bool:
    """Whether a card stands in the way of an order or of harm at once: such a card is never kept back."""
    return any(conclusion.advice.blocks for conclusion in group)


def _is_proposed(suggestion: Suggestion, orders: Sequence[str], proposed: Container[str]) -> bool:
    """Whether it does nothing but propose orders that are all proposed already."""
    return len(orders) == len(suggestion.actions) > 0 and all(order in proposed for order in orders)


def _can_be_carried_out(suggestion: Suggestion) -> bool:
    """Whether every order that it deletes has an id by which a client finds it; half a suggestion is none."""
    return all(_REFERENCE.fullmatch(one.reference) for one in suggestion.actions if isinstance(one, Withdraw))


def _shown(one: Unusable) -> str:
    """Where something stands, without what an id may hold that Markdown reads as a sign."""
    kind, _, name = one.reference.partition("/")
    return one.reference if not name or _REFERENCE.fullmatch(one.reference) else f"{kind} (of an id that is none)"


def _detail(group: Sequence[Conclusion], evaluation: Evaluation, standing: str) -> str:
    paragraphs: list[str] = []
    for place, conclusion in enumerate(group):
        if place:
            paragraphs.append(f"**{conclusion.advice.summary}**")
        paragraphs += conclusion.advice.detail
    denosumab = evaluation.denosumab
    if denosumab.last_dose is not None and denosumab.months_since is not None:
        since = f"{months(denosumab.months_since)} since the last dose, in whole months"
        paragraphs.append(f"Denosumab: {state(denosumab)} ({denosumab.state}); {since}.")
    paragraphs += evaluation.notes
    if evaluation.gaps:
        parts = "; ".join(f"{gap.part} ({gap.reason})" for gap in evaluation.gaps)
        paragraphs.append(f"**Not complete**: {parts}. What is missing may change this.")
    if evaluation.unusable:
        # What the clinician is writing comes first.
        by_place = sorted(evaluation.unusable, key=lambda one: (not one.source.startswith("context."), one.reference))
        named = ", ".join(list(dict.fromkeys(_shown(one) or one.element for one in by_place))[:5])
        paragraphs.append(f"**Could not be used**: {len(evaluation.unusable)} item(s), such as {named}.")
    rules = ", ".join(dict.fromkeys(one.rule for one in group))
    paragraphs.append(f"Rules {rules}, knowledge {evaluation.knowledge_version}; {standing}.")
    return "\n\n".join(dict.fromkeys(paragraphs))


def _override_reasons(entries: Sequence[RuleEntry]) -> list[wire.Coding]:
    reasons = {code: words for entry in entries for code, words in entry.override_reasons}
    return [wire.Coding(code=code, system=OVERRIDE_REASONS, display=words) for code, words in reasons.items()]

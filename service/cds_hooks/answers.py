"""The answer to a hook call: the cards, and what decided for machines to read."""

from __future__ import annotations

from rules.reasoning.evaluation import Evaluation
from rules.reasoning.timeline import Unusable
from service.cds_hooks.card_messages import EXTENSION, Answer, Card
from service.cds_hooks.problems import RequiredDataMissing
from service.deployment import Deployment
from service.observation.call import noted
from service.submission import Submission

_NAMED = 100
"""How many records that could not be used are named one by one."""


def answer(deployment: Deployment, submission: Submission, evaluation: Evaluation) -> Answer:
    """The cards of an evaluation with its extension; in silent mode the extension alone.

    Raises:
        RequiredDataMissing: there is nothing to say, but only a part of what is required was seen.
    """
    cards: list[Card] = list(deployment.cards.cards(evaluation))
    withheld: list[Card] = []
    if not cards and submission.in_part:
        said = "was seen in part only, from which it cannot be concluded that nothing is to be said"
        raise RequiredDataMissing(said, *submission.in_part)
    extension = deployment.cards.extension(evaluation)
    own = extension[EXTENSION]
    if submission.incomplete:
        own["incomplete"] = list(submission.incomplete)
    if evaluation.unusable:
        own["unusable"] = [_named(one) for one in evaluation.unusable[:_NAMED]]
    if deployment.settings.mode == "silent":
        own["mode"] = "silent"
        cards, withheld = [], cards
    if (call := noted()) is not None:
        call.cards = tuple(card.indicator for card in cards)
        call.withheld = tuple(card.indicator for card in withheld)
        call.rules = tuple(sorted({firing.rule for firing in evaluation.trace.firings}))
        call.unusable = len(evaluation.unusable)
    return Answer(cards, extension)


def _named(one: Unusable) -> dict[str, str]:
    members = {"reference": one.reference, "element": one.element, "reason": one.reason, "source": one.source}
    return {name: value for name, value in members.items() if value}

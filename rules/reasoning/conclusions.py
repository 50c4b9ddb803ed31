"""What rules say: a conclusion, how urgent it is, what it rests on, and what could be done about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Indicator(StrEnum):
    """How urgent: the three words of CDS Hooks."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for the most urgent."""
        return (Indicator.CRITICAL, Indicator.WARNING, Indicator.INFO).index(self)


@dataclass(frozen=True, slots=True)
class Propose:
    """Propose a new order. `order` is a name of the service's order catalogue ("zoledronate-5mg", "mri-spine")."""

    order: str
    due: date | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Propose to delete a draft; `reference` is "Type/id" of the draft in the call's context."""

    reference: str
    why: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One thing a clinician can accept with a click: all its actions together."""

    label: str
    actions: tuple[Propose | Withdraw, ...]
    recommended: bool = False

    @property
    def kind(self) -> str:
        """What it does, without what is the patient's own: "zoledronate-5mg", "delete the draft + mri-spine"."""
        return " + ".join(one.order if isinstance(one, Propose) else "delete the draft" for one in self.actions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What a rule's function returns: words and offers; the engine adds who said it and on what evidence.

    `summary` is one sentence under 140 characters. `detail` are paragraphs of plain text, in which only **bold** and
    lines that begin with "- " are markup; text of a patient's record never goes in unescaped (`quoted`). `choice`
    says that at most one of the suggestions may be taken. `about` names the order that is judged ("Type/id"), or is
    "" when the advice is about the patient; advice about one decision and one order becomes one card. An `emergency`
    goes before everything else.
    """

    indicator: Indicator
    summary: str
    detail: tuple[str, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    choice: bool = False
    about: str = ""
    emergency: bool = False

    @property
    def blocks(self) -> bool:
        """Whether it stands in the way of harm at once, or of an order: such advice is never kept back."""
        return self.emergency or bool(self.indicator is Indicator.CRITICAL and self.about)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """Advice with its rule, its citations, the limits that decided and the records it rests on.

    `precedence` is that of its rule.
    """

    rule: str
    advice: Advice
    decision: str
    evidence: tuple[str, ...]
    citations: tuple[str, ...]
    limits: tuple[str, ...] = ()
    precedence: int = 0
    facts: tuple[str, ...] = field(default=(), compare=False)

    @property
    def rank(self) -> tuple[int, int, int, str]:
        """The place among other conclusions, lowest first: by urgency, then blocks, then by precedence."""
        first = 0 if self.advice.emergency else 1 if self.advice.blocks else 2
        return self.advice.indicator.rank, first, self.precedence, self.rule


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A conclusion that gave way to another."""

    rule: str
    by: str

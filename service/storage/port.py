"""What the service needs of a database, and the records that it keeps there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

import msgspec


class StoreUnavailable(Exception):
    """The database does not answer now; what was asked may be tried again later. Never quotes an address."""


class StoreRefused(Exception):
    """The database answers, and does not take what it was given; trying again is of no use."""


class CardRecord(msgspec.Struct, frozen=True):
    """A card: the rules it speaks for, a hash of what it rests on, and the labels of its suggestions by uuid."""

    id: str
    rules: list[str]
    indicator: str
    decision: str
    fingerprint: str
    suggestions: dict[str, str]


class EvaluationRecord(msgspec.Struct, frozen=True, tag="evaluation"):
    """One answered hook call, of a patient under a pseudonym (hex); `at` in UTC.

    `mode` is active or silent; the cards of a silent one were shown to nobody.
    """

    id: str
    at: datetime
    hook: str
    service: str
    patient: str
    role: str
    client: str
    tenant: str | None
    issuer: str
    mode: str
    rules: list[str]
    snoozed: list[str]
    fracture_class: str | None
    state: str
    knowledge_version: str
    software_version: str
    cards: list[CardRecord]


class FeedbackRecord(msgspec.Struct, frozen=True, tag="feedback"):
    """What became of one card by one report; `id` is a hash of the content, `comment` may hold data of a patient."""

    id: str
    received: datetime
    outcome_at: datetime
    service: str
    card: str
    outcome: Literal["accepted", "overridden"]
    accepted: list[str]
    reason: str | None
    reason_system: str | None
    comment: str | None
    client: str
    tenant: str | None
    issuer: str


Record = EvaluationRecord | FeedbackRecord


@dataclass(frozen=True, slots=True)
class Override:
    """A card that was overridden for a reason: what it rested on, and when (UTC)."""

    fingerprint: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RuleTally:
    """What became of the cards of one rule: numbers of cards, and how often each reason (a code) was given."""

    rule: str
    shown: int
    accepted: int
    overridden: int
    reasons: Mapping[str, int]
    suggestions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Tallies:
    """The report on feedback; `unknown_cards` were reported on and are not in this database."""

    rules: tuple[RuleTally, ...]
    unknown_cards: int


class Store(Protocol):
    """The database. Every method raises StoreUnavailable when it does not answer."""

    @property
    def local(self) -> bool:
        """Whether it is a file of this node, which answers at once or not at all."""
        ...

    def write(self, records: Sequence[Record]) -> None:
        """Keep the records, all or none; one that is there already stays as it is.

        Raises:
            StoreRefused: a record cannot be kept.
        """
        ...

    def overrides(self, patient: str, role: str, since: datetime) -> tuple[Override, ...]:
        """The cards on a patient that users of a role have overridden with a reason since then."""
        ...

    def first_use(self, issuer: str, jti: str, expires: datetime) -> bool:
        """Whether a token was not used before, on any worker or node; from now on it was."""
        ...

    def tallies(self, since: datetime | None) -> Tallies:
        """What became of the cards shown since then, or ever, rule by rule."""
        ...

    def purge(self, before: datetime, now: datetime) -> int:
        """Delete what is older than `before`, and tokens expired by `now`; the number of rows."""
        ...

    def ping(self) -> None:
        """Return when the database answers."""
        ...

    def close(self) -> None:
        """Let go of all connections."""
        ...

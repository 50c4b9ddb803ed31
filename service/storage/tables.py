"""The tables of the database: no name, no day of birth, no text of a record; patients under pseudonyms only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Dialect, Index, MetaData, String, Table, Text
from sqlalchemy.types import TypeDecorator


class Moment(TypeDecorator[datetime]):
    """A point in time, in UTC on every database; SQLite itself keeps no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """The time as the database keeps it."""
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """The time with its zone."""
        if value is None:
            return None
        found: datetime = value
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


metadata = MetaData()

seen_tokens = Table(
    "seen_tokens",
    metadata,
    Column("issuer", String(500), primary_key=True),
    Column("jti", String(500), primary_key=True),
    Column("expires", Moment, nullable=False, index=True),
)
"""Tokens that were used, until they expire; the key itself refuses a second use, on whatever worker or node."""

evaluations = Table(
    "evaluations",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("at", Moment, nullable=False, index=True),
    Column("hook", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("patient", String(64), nullable=False, index=True),
    Column("role", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("tenant", Text),
    Column("issuer", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("rules", JSON, nullable=False),
    Column("snoozed", JSON, nullable=False),
    Column("indicators", JSON, nullable=False),
    Column("fracture_class", Text),
    Column("state", Text, nullable=False),
    Column("knowledge_version", Text, nullable=False),
    Column("software_version", Text, nullable=False),
)
"""One row a hook call that was answered; `rules` are all that spoke, `snoozed` those of cards held back."""

cards = Table(
    "cards",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("evaluation", String(36), nullable=False, index=True),
    Column("at", Moment, nullable=False, index=True),
    Column("rules", JSON, nullable=False),
    Column("indicator", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("suggestions", JSON, nullable=False),
)
"""One row a card; `suggestions` gives the label of each suggestion by its uuid."""

feedback_events = Table(
    "feedback_events",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("received", Moment, nullable=False, index=True),
    Column("outcome_at", Moment, nullable=False),
    Column("service", Text, nullable=False),
    Column("card", Text, nullable=False, index=True),
    Column("outcome", Text, nullable=False),
    Column("accepted", JSON, nullable=False),
    Column("reason", Text),
    Column("reason_system", Text),
    Column("comment", Text),
    Column("client", Text, nullable=False),
    Column("tenant", Text),
    Column("issuer", Text, nullable=False),
)
"""What became of cards, as it was reported; the key is a hash of the content, so that a repeat is no second event."""

overrides = Table(
    "overrides",
    metadata,
    Column("event", String(64), primary_key=True),
    Column("patient", String(64), nullable=False),
    Column("role", Text, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Moment, nullable=False, index=True),
    Index("ix_overrides_patient_role", "patient", "role"),
)
"""Feedback by which a card was overridden with a reason, beside what the card was about: what a hook call asks for.

All of it follows from the other tables; it is kept so that a call does not go through all earlier calls of a patient.
"""

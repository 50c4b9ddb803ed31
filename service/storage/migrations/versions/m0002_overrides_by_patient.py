"""Overrides by patient and role, so that a hook call looks for them without going through all calls of a patient."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_OF_FEEDBACK = ("client", "tenant", "issuer")


def upgrade() -> None:
    """Make the table, and fill it from the feedback that is there."""
    overrides = op.create_table(
        "overrides",
        sa.Column("event", sa.String(64), primary_key=True),
        sa.Column("patient", sa.String(64), nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Index("ix_overrides_patient_role", "patient", "role"),
    )
    evaluations = sa.table("evaluations", *map(sa.column, ("id", "patient", "role", *_OF_FEEDBACK)))
    cards = sa.table("cards", *map(sa.column, ("id", "evaluation", "fingerprint")))
    events = sa.table(
        "feedback_events", *map(sa.column, ("id", "card", "outcome", "reason", "outcome_at", *_OF_FEEDBACK))
    )
    there = (
        sa.select(
            events.c.id, evaluations.c.patient, evaluations.c.role, cards.c.fingerprint, events.c.reason,
            events.c.outcome_at,
        )
        .join(cards, cards.c.id == events.c.card)
        .join(evaluations, evaluations.c.id == cards.c.evaluation)
        .where(events.c.outcome == "overridden", events.c.reason.is_not(None))
        .where(*(events.c[name].is_not_distinct_from(evaluations.c[name]) for name in _OF_FEEDBACK))
    )  # fmt: skip
    op.execute(overrides.insert().from_select([column.name for column in overrides.columns], there))

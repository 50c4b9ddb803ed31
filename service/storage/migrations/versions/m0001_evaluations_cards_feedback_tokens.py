"""Evaluations, cards, feedback events and tokens seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_MOMENT = sa.DateTime(timezone=True)


def _text(*names: str, nullable: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=nullable) for name in names]


def _json(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.JSON, nullable=False) for name in names]


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "seen_tokens",
        sa.Column("issuer", sa.String(500), primary_key=True),
        sa.Column("jti", sa.String(500), primary_key=True),
        sa.Column("expires", _MOMENT, nullable=False, index=True),
    )
    op.create_table(
        "evaluations",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("at", _MOMENT, nullable=False, index=True),
        *_text("hook", "service"),
        sa.Column("patient", sa.String(64), nullable=False, index=True),
        *_text("role", "client"),
        *_text("tenant", nullable=True),
        *_text("issuer", "mode"),
        *_json("rules", "snoozed", "indicators"),
        *_text("fracture_class", nullable=True),
        *_text("state", "knowledge_version", "software_version"),
    )
    op.create_table(
        "cards",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("evaluation", sa.String(36), nullable=False, index=True),
        sa.Column("at", _MOMENT, nullable=False, index=True),
        *_json("rules"),
        *_text("indicator", "decision"),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        *_json("suggestions"),
    )
    op.create_table(
        "feedback_events",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("received", _MOMENT, nullable=False, index=True),
        sa.Column("outcome_at", _MOMENT, nullable=False),
        *_text("service"),
        sa.Column("card", sa.Text, nullable=False, index=True),
        *_text("outcome"),
        *_json("accepted"),
        *_text("reason", "reason_system", "comment", nullable=True),
        *_text("client"),
        *_text("tenant", nullable=True),
        *_text("issuer"),
    )

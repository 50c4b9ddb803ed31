"""The tables of the database."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, MetaData, String, Table

metadata = MetaData()

seen_tokens = Table(
    "seen_tokens",
    metadata,
    Column("issuer", String(500), primary_key=True),
    Column("jti", String(500), primary_key=True),
    Column("expires", DateTime(timezone=True), nullable=False, index=True),
)
"""Tokens that were used, until they expire; the key itself refuses a second use, on whatever worker or node."""

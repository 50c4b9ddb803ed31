"""Records of a clinic's day."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from service.storage.port import CardRecord, EvaluationRecord, FeedbackRecord

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PATIENT = "a" * 64
REASON = "treated-elsewhere"


def card(**changed: Any) -> CardRecord:
    """A critical card on an order."""
    whole: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "rules": ["RVFX-01", "RVFX-02"],
        "indicator": "critical",
        "decision": "follow-on-treatment",
        "fingerprint": "f" * 64,
        "suggestions": {"s1": "Zoledronic acid 5 mg"},
    }
    return CardRecord(**whole | changed)


def evaluation(*cards: CardRecord, **changed: Any) -> EvaluationRecord:
    """One answered call about one patient."""
    whole: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "at": NOON,
        "hook": "patient-view",
        "service": "denosumab-rebound-patient-view",
        "patient": PATIENT,
        "role": "Practitioner",
        "client": "clinic",
        "tenant": None,
        "issuer": "https://ehr.example.org",
        "mode": "active",
        "rules": ["RVFX-01", "RVFX-02"],
        "snoozed": [],
        "fracture_class": "RVFX_PROBABLE",
        "state": "PRESUMED_DISCONTINUED",
        "knowledge_version": "2026.11.0",
        "software_version": "0.1.0",
        "cards": list(cards),
    }
    return EvaluationRecord(**whole | changed)


def feedback(about: str, **changed: Any) -> FeedbackRecord:
    """A card that was overridden with a reason an hour later."""
    whole: dict[str, Any] = {
        "id": uuid.uuid4().hex * 2,
        "received": NOON + timedelta(hours=1),
        "outcome_at": NOON + timedelta(hours=1),
        "service": "denosumab-rebound-patient-view",
        "card": about,
        "outcome": "overridden",
        "accepted": [],
        "reason": REASON,
        "reason_system": "urn:reboundwatch:override-reason",
        "comment": None,
        "client": "clinic",
        "tenant": None,
        "issuer": "https://ehr.example.org",
    }
    return FeedbackRecord(**whole | changed)

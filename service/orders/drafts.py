"""Complete FHIR R4 drafts of what a rule proposes: codes, dosage, reason, subject. Nothing is ever signed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml

from rules.reasoning.errors import KnowledgeError

SYSTEMS = {
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "atc": "http://www.whocc.no/atc",
    "snomed": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
}
_CATEGORY = {
    "imaging": ("363679005", "Imaging"),
    "laboratory": ("108252007", "Laboratory procedure"),
    "referral": ("3457005", "Patient referral"),
}
_UCUM = "http://unitsofmeasure.org"

Json = dict[str, Any]
_URGENT: Json = {"priority": "urgent"}


@dataclass(frozen=True)
class Draft:
    """Whom an order is for, on which day it is written, and for which conditions ("Condition/1")."""

    patient: str
    written: date
    reasons: Sequence[str] = ()

    @cached_property
    def members(self) -> tuple[Json, Json]:
        """What every order about this has, before its priority and after; not to be changed."""
        about = {"status": "draft", "subject": {"reference": self.patient}, "authoredOn": self.written.isoformat()}
        reasons = [{"reference": reason} for reason in self.reasons]
        return about, {"reasonReference": reasons} if reasons else {}


@cache
def drug_orders() -> frozenset[str]:
    """The names of those that order a drug."""
    return frozenset(_catalogue()["medications"])


@cache
def _catalogue() -> Mapping[str, Mapping[str, Json]]:
    content = yaml.safe_load((Path(__file__).parent / "catalogue.yaml").read_text(encoding="utf-8"))
    return {kind: dict(content[kind]) for kind in ("medications", "services")}


def known_orders() -> frozenset[str]:
    """The names that a rule may propose."""
    return frozenset(name for orders in _catalogue().values() for name in orders)


@cache
def label(order: str) -> str:
    """What an order is, in a few words."""
    return str(_entry(order)["label"])


def draft(order: str, about: Draft, identifier: str, *, due: date | None = None, urgent: bool = False) -> Json:
    """The FHIR R4 resource of an order under a temporary id.

    Raises:
        KnowledgeError: the catalogue has no such order.
    """
    ordered = _ordered(order, due)
    written, reasons = about.members
    priority = _URGENT if urgent else {}
    return {"resourceType": ordered["resourceType"], "id": identifier, **written, **priority, **reasons, **ordered}


@lru_cache(maxsize=1024)
def _ordered(order: str, due: date | None) -> Mapping[str, Any]:
    """What is the same in every draft of an order; not to be changed."""
    entry = _entry(order)
    if order in _catalogue()["medications"]:
        return {"resourceType": "MedicationRequest", **_medication(entry, due)}
    return {"resourceType": "ServiceRequest", **_service(entry, due)}


def _entry(order: str) -> Json:
    for orders in _catalogue().values():
        if order in orders:
            return orders[order]
    raise KnowledgeError(f"no order is called {order!r}; there are {', '.join(sorted(known_orders()))}")


def _medication(entry: Json, due: date | None) -> Json:
    dosage: Json = {
        "text": entry["dosage"],
        "route": {"coding": [_coding({**entry["route"], "system": "snomed"})]},
        "doseAndRate": [{"doseQuantity": {"value": entry["dose"], "unit": "mg", "system": _UCUM, "code": "mg"}}],
    }
    if due is not None:
        dosage["timing"] = {"event": [due.isoformat()]}
    if "repeat" in entry:
        dosage.setdefault("timing", {})["repeat"] = dict(entry["repeat"])
    return {
        "intent": "order",
        "medicationCodeableConcept": {"coding": [_coding(one) for one in entry["codings"]], "text": entry["text"]},
        "dosageInstruction": [dosage],
        "dispenseRequest": {"numberOfRepeatsAllowed": 0},
    }


def _service(entry: Json, due: date | None) -> Json:
    code, words = _CATEGORY[entry["category"]]
    concept: Json = {"text": entry["label"]}
    if entry["codings"]:
        concept["coding"] = [_coding(one) for one in entry["codings"]]
    resource: Json = {
        "intent": "order",
        "category": [{"coding": [{"system": SYSTEMS["snomed"], "code": code, "display": words}]}],
        "code": concept,
    }
    if due is not None:
        resource["occurrenceDateTime"] = due.isoformat()
    if "note" in entry:
        resource["note"] = [{"text": entry["note"]}]
    return resource


def _coding(one: Json) -> Json:
    return {"system": SYSTEMS[one["system"]], "code": one["code"], "display": one["display"]}

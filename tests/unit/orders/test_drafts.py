"""Every order that a rule may propose is a complete FHIR draft, and every rule proposes only known orders."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path

import pytest
from fhir.resources.R4B import get_fhir_model_class

import rules
from rules.reasoning.errors import KnowledgeError
from service.orders.drafts import Draft, draft, known_orders, label

ABOUT = Draft("Patient/p", date(2026, 3, 1), ("Condition/f",))


@pytest.mark.parametrize("order", sorted(known_orders()))
def test_an_order_is_a_valid_draft_with_subject_reason_and_words(order: str) -> None:
    resource = draft(order, ABOUT, "temporary", due=date(2026, 7, 10), urgent=True)
    get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    assert resource["status"] == "draft"
    assert resource["subject"] == {"reference": "Patient/p"}
    assert resource["reasonReference"] == [{"reference": "Condition/f"}]
    assert label(order)


def test_zoledronate_is_five_milligrams_once() -> None:
    dosage = draft("zoledronate-5mg", ABOUT, "t")["dosageInstruction"][0]
    assert dosage["doseAndRate"][0]["doseQuantity"]["value"] == 5
    assert "15 minutes" in dosage["text"]


def test_an_order_that_is_not_in_the_catalogue_is_refused() -> None:
    with pytest.raises(KnowledgeError, match="aspirin"):
        draft("aspirin", ABOUT, "t")


def proposed(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        str(node.args[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "Propose"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }


def test_rules_propose_only_orders_that_exist() -> None:
    names = {name for path in Path(rules.__path__[0]).rglob("*.py") for name in proposed(path)}
    assert {"mri-spine", "referral-metabolic-bone"} <= names
    assert names <= known_orders()

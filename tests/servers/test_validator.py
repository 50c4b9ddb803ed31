"""HL7's own validator finds no error in what the product writes, nor in the fixtures that prove it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from service.cds_hooks.cards import CardMaker
from service.orders.drafts import Draft, draft, known_orders
from service.reports import json_report
from tests.servers.fhir import FIXTURES, hook_requests, read
from tests.servers.java import Json, Validator
from tests.storybook.case import load_cases
from tests.storybook.record import bundle
from tests.storybook.routes import InProcess

PERSONAL = ("id", "subject", "reasonReference", "authoredOn")
PATIENTS = sorted((FIXTURES / "patients").rglob("r?.json"))


def named(path: Path) -> str:
    return str(path.relative_to(FIXTURES / "patients"))


def test_it_finds_what_is_wrong(validator: Validator) -> None:
    wrong = {"resourceType": "Patient", "id": "p", "gender": "x", "birthDate": "1954-13-01"}
    for version in ("R4", "R5"):
        found = validator.errors([bundle([wrong])], version)
        assert any("gender" in one for one in found)
        assert any("birthDate" in one for one in found)


@pytest.mark.parametrize("path", PATIENTS, ids=named)
def test_a_patient_of_the_fixtures_is_valid(validator: Validator, path: Path) -> None:
    assert validator.errors([read(path)], path.stem.upper()) == []


@pytest.mark.parametrize("story", sorted(hook_requests()))
def test_what_a_hook_request_of_the_fixtures_carries_is_valid(validator: Validator, story: str) -> None:
    request = hook_requests()[story]
    carried = [*request["prefetch"].values(), request["context"].get("draftOrders")]
    assert validator.errors([one for one in carried if one], "R4") == []


def created() -> list[Json]:
    """Every resource that a suggestion on any card of any case creates, once for whom and when ever."""
    route = InProcess.of()
    maker = CardMaker(route.knowledge, max_cards=20)
    found: dict[str, Json] = {}
    for case in load_cases():
        evaluation = route.evaluate(case)
        for card in json_report.assessment(evaluation, maker.cards(evaluation))["cards"]:
            for suggestion in card.get("suggestions", ()):
                for action in suggestion["actions"]:
                    if action["type"] == "create":
                        words = {name: value for name, value in action["resource"].items() if name not in PERSONAL}
                        found[json.dumps(words, sort_keys=True)] = action["resource"]
    return list(found.values())


def test_every_resource_that_a_suggestion_creates_is_valid(validator: Validator) -> None:
    resources = created()
    assert {one["resourceType"] for one in resources} == {"MedicationRequest", "ServiceRequest"}
    assert len(resources) > 30
    assert validator.errors(resources, "R4") == []


def test_every_order_of_the_catalogue_is_valid_with_and_without_a_day(validator: Validator) -> None:
    about = Draft("Patient/p", date(2026, 3, 1), ("Condition/f",))
    drafts = [
        draft(order, about, "temporary", due=due, urgent=due is None)
        for order in sorted(known_orders())
        for due in (None, date(2026, 7, 10))
    ]
    assert len(drafts) > 20
    assert validator.errors(drafts, "R4") == []


def test_patients_of_both_versions_are_judged() -> None:
    assert len(PATIENTS) > 40
    assert {path.stem for path in PATIENTS} == {"r4", "r5"}

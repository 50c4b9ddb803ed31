"""Discovery by the book: what is served, what each service asks for, cacheable."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from rules.knowledge_base import load_knowledge
from tests.contract.calls import answered, client, post, refused, request_for

HOOKS = [
    *("patient-view", "order-select", "order-sign", "encounter-start", "encounter-discharge"),
    *("problem-list-item-create", "appointment-book", "medication-refill"),
]
MEMBERS = {"hook", "id", "title", "description", "usageRequirements", "prefetch"}


@pytest.fixture(scope="module")
def clinic() -> FlaskClient:
    return client()


@pytest.fixture(scope="module")
def services(clinic: FlaskClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answered(clinic.get("/cds-services"))["services"]
    return found


def test_there_is_one_service_a_hook_under_the_names_of_the_contract(services: list[dict[str, Any]]) -> None:
    assert [one["hook"] for one in services] == HOOKS
    assert [one["id"] for one in services] == [f"denosumab-rebound-{hook}" for hook in HOOKS]


def test_a_service_says_no_more_than_version_2_knows(services: list[dict[str, Any]]) -> None:
    assert {name for one in services for name in one} == MEMBERS


def test_every_service_asks_for_the_whole_record(services: list[dict[str, Any]]) -> None:
    for one in services:
        assert list(one["prefetch"])[:2] == ["patient", "conditions"]
        assert len(one["prefetch"]) == 14
        assert all(re.fullmatch(r"[A-Z]\w+[/?]\S+", query) for query in one["prefetch"].values())


def test_no_code_narrows_diagnoses_and_medications(services: list[dict[str, Any]]) -> None:
    narrowed = {key for one in services for key, query in one["prefetch"].items() if "code=" in query}
    assert narrowed == {"observations"}


def test_what_every_service_asks_for_is_enough_to_call_it(clinic: FlaskClient, services: list[dict[str, Any]]) -> None:
    for one in services:
        request = request_for(one["hook"])
        request["prefetch"] = dict.fromkeys(one["prefetch"]) | {"patient": request["prefetch"]["patient"]}
        body = answered(post(clinic, request, one["hook"]))
        assert "incomplete" not in body["extension"]["org.reboundwatch"]


def test_discovery_can_be_cached(clinic: FlaskClient) -> None:
    first = clinic.get("/cds-services")
    again = clinic.get("/cds-services", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert "max-age" in first.headers["Cache-Control"]


def test_a_hook_at_which_no_rule_speaks_has_no_service() -> None:
    everywhere = load_knowledge().rules
    speaking = ",".join(rule.id for rule in everywhere if "appointment-book" in rule.hooks)
    clinic = client(disabled_rules=speaking)
    found = json.loads(clinic.get("/cds-services").data)["services"]
    assert [one["hook"] for one in found] == [hook for hook in HOOKS if hook != "appointment-book"]
    refused(post(clinic, request_for("appointment-book"), "appointment-book"), 404)

"""A service call by the book: cards, what decided, and nothing that is empty."""

from __future__ import annotations

import json
import re
import uuid
from datetime import date
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from flask.testing import FlaskClient

from service.app import application
from service.cds_hooks.parts import MEDICATIONS, PARTS
from service.deployment import deploy
from service.settings import Settings
from tests.contract.calls import EXAMPLE, answered, client, post, refused, request_for
from tests.unit.commands.records import bundle, fracture, hook_request, injection, patient


@pytest.fixture(scope="module")
def clinic() -> FlaskClient:
    return client()


@pytest.fixture(scope="module")
def example(clinic: FlaskClient) -> dict[str, Any]:
    return answered(post(clinic, EXAMPLE.read_bytes()))


def test_five_fractures_ten_months_after_seven_doses_give_a_critical_card(example: dict[str, Any]) -> None:
    card = example["cards"][0]
    assert card["indicator"] == "critical"
    assert card["extension"]["org.reboundwatch"]["fractureClass"] == "RVFX_PROBABLE"
    assert "5 new, 10 months after last denosumab" in card["summary"]


def test_the_example_is_a_whole_valid_hook_request() -> None:
    for value in json.loads(EXAMPLE.read_bytes())["prefetch"].values():
        get_fhir_model_class(value["resourceType"]).model_validate(value)


def test_the_answer_says_what_decided(example: dict[str, Any]) -> None:
    said = example["extension"]["org.reboundwatch"]
    assert said["rules"][0] == "RVFX-01"
    assert said["denosumabState"] == "PRESUMED_DISCONTINUED"
    assert said["asOf"] == "2026-01-15"
    assert "Condition/fracture-t12" in said["evidence"]
    assert said["knowledgeVersion"]
    assert "incomplete" not in said


def test_every_card_keeps_the_rules_of_the_specification(example: dict[str, Any]) -> None:
    for card in example["cards"]:
        uuid.UUID(card["uuid"])
        assert 0 < len(card["summary"]) < 140
        assert card["indicator"] in ("info", "warning", "critical")
        assert card["source"]["label"]
        assert set(card["extension"]["org.reboundwatch"]["rules"]) <= set(
            example["extension"]["org.reboundwatch"]["rules"]
        )
        assert not re.search(r"<[a-z/]", card["detail"])
        for link in card.get("links", []):
            assert link["type"] == "absolute"
            assert link["url"].startswith("https://")
        if "suggestions" in card:
            assert card["selectionBehavior"] in ("at-most-one", "any")
            recommended = [one for one in card["suggestions"] if one.get("isRecommended")]
            assert len(recommended) <= 1 or card["selectionBehavior"] == "any"


def test_every_draft_is_valid_fhir(example: dict[str, Any]) -> None:
    drafts = [
        action["resource"]
        for card in example["cards"]
        for suggestion in card.get("suggestions", [])
        for action in suggestion["actions"]
        if action["type"] == "create"
    ]
    assert drafts
    for draft in drafts:
        assert draft["subject"] == {"reference": "Patient/five-fractures"}
        get_fhir_model_class(draft["resourceType"]).model_validate(draft)


def test_cards_link_to_the_page_of_their_rule(clinic: FlaskClient, example: dict[str, Any]) -> None:
    url = example["cards"][0]["source"]["url"]
    assert url == "http://127.0.0.1:8080/rules/RVFX-01"
    assert clinic.get(url.removeprefix("http://127.0.0.1:8080")).status_code == 200


@pytest.mark.parametrize("hook", ["patient-view", "order-select", "order-sign"])
def test_every_hook_that_is_served_answers(clinic: FlaskClient, hook: str) -> None:
    assert "cards" in answered(post(clinic, request_for(hook), hook))


def test_draft_orders_are_judged(clinic: FlaskClient) -> None:
    untreated = request_for("order-select") | {"context": {**hook_request()["context"], "selections": []}}
    untreated["context"]["draftOrders"] = bundle()
    with_order = answered(post(clinic, request_for("order-select"), "order-select"))
    without = answered(post(clinic, untreated, "order-select"))
    assert rules(with_order) != rules(without)
    assert "RVFX-26" in rules(without)


def rules(body: dict[str, Any]) -> list[str]:
    found: list[str] = body["extension"]["org.reboundwatch"].get("rules", [])
    return found


def test_nothing_to_say_is_an_empty_list_of_cards(clinic: FlaskClient) -> None:
    nothing = {"patient": patient(), "conditions": None, "medicationStatements": bundle()}
    body = answered(post(clinic, hook_request() | {"prefetch": nothing}))
    assert body["cards"] == []
    assert body["extension"]["org.reboundwatch"]["denosumabState"] == "NEVER"
    assert "medicationAdministrations" in body["extension"]["org.reboundwatch"]["incomplete"]


def test_the_least_that_a_customer_sends_is_enough_for_a_class(clinic: FlaskClient) -> None:
    stopped = {
        "resourceType": "MedicationStatement",
        "id": "prolia",
        "status": "stopped",
        "subject": {"reference": "Patient/anna"},
        "medicationCodeableConcept": {"text": "Prolia 60 mg every 6 months"},
        "effectivePeriod": {"start": "2021-01-10", "end": "2025-01-10"},
    }
    least = {
        "patient": patient(),
        "conditions": bundle(fracture("2025-11-12")),
        "medicationStatements": bundle(stopped),
    }
    body = answered(post(clinic, hook_request() | {"prefetch": least}))
    assert body["extension"]["org.reboundwatch"]["fractureClass"] == "RVFX_PROBABLE"
    assert "administrations (not sent: a dose given may be missing)" in body["cards"][0]["detail"]


def test_what_failed_is_said_on_the_card(clinic: FlaskClient) -> None:
    request = hook_request()
    request["prefetch"]["observations"] = {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}
    detail = answered(post(clinic, request))["cards"][0]["detail"]
    assert "observations (could not be read: laboratory values may be missing)" in detail


def test_a_first_page_is_answered_with_a_caveat_but_never_with_silence(clinic: FlaskClient) -> None:
    page = {"link": [{"relation": "next", "url": "https://ehr.example.org/page2"}]}
    request = hook_request()
    request["prefetch"]["conditions"] |= page
    detail = answered(post(clinic, request))["cards"][0]["detail"]
    assert "diagnoses (first page only: a fracture may be missing)" in detail
    silent = {"patient": patient(), "conditions": bundle() | page, "medicationStatements": None}
    issue = refused(post(clinic, hook_request() | {"prefetch": silent}), 412)
    assert issue["expression"] == ["prefetch.conditions"]


def test_a_record_that_cannot_be_used_is_named(clinic: FlaskClient) -> None:
    request = hook_request()
    broken = injection("2025-06-40", "broken")
    request["prefetch"]["medicationAdministrations"]["entry"].append({"resource": broken})
    said = answered(post(clinic, request))["extension"]["org.reboundwatch"]["unusable"]
    assert said[0]["reference"] == "MedicationAdministration/broken"


def test_no_words_of_a_record_stand_on_a_card(clinic: FlaskClient) -> None:
    words = " [neighbour](https://elsewhere.example.org) <b>neighbour</b>"

    def with_words(value: Any) -> Any:
        if isinstance(value, dict):
            wordy = ("text", "display", "family")
            return {key: f"{one}{words}" if key in wordy else with_words(one) for key, one in value.items()}
        return [with_words(one) for one in value] if isinstance(value, list) else value

    request = json.loads(EXAMPLE.read_bytes())
    request["prefetch"] = with_words(request["prefetch"])
    assert json.dumps(request).count("neighbour") > 20
    body = answered(post(clinic, request))
    assert body["cards"][0]["extension"]["org.reboundwatch"]["fractureClass"] == "RVFX_PROBABLE"
    assert "neighbour" not in json.dumps(body)


def test_the_same_request_gives_the_same_answer_but_for_fresh_uuids(clinic: FlaskClient) -> None:
    first, second = (answered(post(clinic, EXAMPLE.read_bytes())) for _ in range(2))
    assert first["cards"][0]["uuid"] != second["cards"][0]["uuid"]
    assert [card["summary"] for card in first["cards"]] == [card["summary"] for card in second["cards"]]
    assert first["extension"] == second["extension"]


def test_without_a_day_in_the_request_it_is_today() -> None:
    app = application(deploy(Settings(auth="off")), today=lambda: date(2025, 2, 1))
    request = hook_request()
    del request["extension"]
    body = answered(post(app.test_client(), request))
    assert body["extension"]["org.reboundwatch"]["asOf"] == "2025-02-01"


def test_in_silent_mode_no_card_is_returned_and_the_answer_says_so() -> None:
    body = answered(post(client(mode="silent"), EXAMPLE.read_bytes()))
    assert body["cards"] == []
    said = body["extension"]["org.reboundwatch"]
    assert said["mode"] == "silent"
    assert "RVFX-01" in said["rules"]


def test_a_site_sets_how_many_cards_there_are_at_most() -> None:
    assert len(answered(post(client(max_cards=1), EXAMPLE.read_bytes()))["cards"]) == 1


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "application/fhir+json"]
)
def test_json_is_taken_under_each_of_its_names(clinic: FlaskClient, content_type: str) -> None:
    answered(post(clinic, EXAMPLE.read_bytes(), content_type=content_type))


@pytest.mark.parametrize("accept", ["*/*", "application/fhir+json, */*; q=0.1", "text/plain"])
def test_an_unusual_accept_header_is_no_reason_to_refuse(clinic: FlaskClient, accept: str) -> None:
    answered(post(clinic, EXAMPLE.read_bytes(), headers={"Accept": accept}))


def test_an_answer_is_kept_by_nobody(clinic: FlaskClient) -> None:
    assert post(clinic, EXAMPLE.read_bytes()).headers["Cache-Control"] == "no-store"


NEXT = {"resourceType": "Bundle", "link": [{"relation": "next", "url": "https://f.org/2"}]}
ERROR = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}


@pytest.mark.parametrize("source", [part.key for part in MEDICATIONS])
@pytest.mark.parametrize("came", ["absent", ERROR, NEXT])
def test_no_bone_forming_drug_is_advised_first_while_a_source_of_drugs_is_missing(
    clinic: FlaskClient, source: str, came: Any
) -> None:
    request = hook_request()
    sent = {part.key: bundle() for part in PARTS if part.key != "patient"}
    request["prefetch"] = {**sent, "patient": patient(), "conditions": bundle(fracture("2026-01-15"))}
    [whole] = answered(post(clinic, request))["cards"]
    request["prefetch"][source] = came
    if came == "absent":
        del request["prefetch"][source]
    [unsure] = answered(post(clinic, request))["cards"]
    assert "consider a bone-forming drug first" in whole["summary"]
    assert "find out whether denosumab was ever given" in unsure["summary"]
    assert "Teriparatide" not in unsure["detail"]

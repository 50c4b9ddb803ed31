"""Every answer to every fixture, and discovery, keep every sentence of CDS Hooks 2.0.1; each sentence can be broken."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.contract.calls import ROOT, answered, client, post, refused, request_for
from tests.contract.sentences import OF_ANSWERS, OF_DISCOVERY, broken_in_answer, broken_in_discovery

REQUESTS = sorted((ROOT / "fhir_fixtures/hooks").glob("*/*.json"))
HOOKS = [
    *("patient-view", "order-select", "order-sign", "encounter-start", "encounter-discharge"),
    *("problem-list-item-create", "appointment-book", "medication-refill"),
]
UUID = "4f2a7c1e-93a5-4d0e-8f1b-6f2f7c3f9a10"
DELETE = {"type": "delete", "description": "d", "resourceId": "MedicationRequest/1"}


@pytest.fixture(scope="module")
def clinic() -> FlaskClient:
    return client()


def whole() -> dict[str, Any]:
    """An answer with everything in it that an answer may have."""
    create = {"type": "create", "description": "c", "resource": {"resourceType": "ServiceRequest", "id": "s"}}
    first = {"label": "l", "uuid": UUID.replace("4f2a", "0001"), "isRecommended": True, "actions": [create, DELETE]}
    card = {
        "uuid": UUID,
        "summary": "s" * 139,
        "detail": "less than 7 months, **bold**: 3 < 4",
        "indicator": "critical",
        "source": {"label": "l", "url": "https://e.org", "topic": {"code": "c", "system": "urn:s"}},
        "suggestions": [first, {"label": "m", "uuid": UUID.replace("4f2a", "0002")}],
        "selectionBehavior": "at-most-one",
        "overrideReasons": [{"code": "c", "system": "urn:s", "display": "d"}],
        "links": [{"label": "l", "url": "https://e.org", "type": "absolute"}],
        "extension": {"org.example": {"x": 1}},
    }
    return {"cards": [card], "extension": {"org.example": {"x": 1}}}


BREACHES: dict[str, list[tuple[str, Any]]] = {
    "nothing_is_null_or_empty": [("cards.0.detail", None), ("cards.0.links", []), ("extension", {})],
    "no_text_is_blank": [("cards.0.source.label", " \n")],
    "extensions_are_objects_under_reverse_domain_names": [
        ("extension", [{"url": "x"}]),
        ("cards.0.extension", {"x": 1}),
    ],
    "there_is_a_list_of_cards": [("cards", None), ("cards", {})],
    "no_member_is_unknown": [("version", "3.0"), ("cards.0.suggestions.0.actionSelectionBehavior", "any")],
    "no_system_action_is_sent": [("systemActions", [DELETE])],
    "every_card_has_a_summary_shorter_than_140_characters": [("cards.0.summary", "s" * 140), ("cards.0.summary", "")],
    "every_card_has_an_indicator": [("cards.0.indicator", "hard-stop")],
    "every_card_names_its_source": [
        ("cards.0.source.label", ""),
        ("cards.0.source.url", "/rules"),
        ("cards.0.source.icon", "x.png"),
        ("cards.0.source.topic", {"code": "c"}),
    ],
    "every_card_and_suggestion_can_be_reported_on": [
        ("cards.0.uuid", "1"),
        ("cards.0.uuid", UUID.replace("4f2a", "0001")),
        ("cards.0.suggestions.1.uuid", None),
    ],
    "suggestions_say_how_many_may_be_accepted": [("cards.0.selectionBehavior", "all")],
    "at_most_one_is_recommended_unless_any_may_be_accepted": [("cards.0.suggestions.1.isRecommended", True)],
    "every_suggestion_has_a_label": [
        ("cards.0.suggestions.0.label", ""),
        ("cards.0.suggestions.0.isRecommended", "yes"),
    ],
    "every_action_says_what_it_does": [
        ("cards.0.suggestions.0.actions.0.description", ""),
        ("cards.0.suggestions.0.actions.0.type", "replace"),
    ],
    "what_is_created_is_a_resource_and_what_is_deleted_is_named": [
        ("cards.0.suggestions.0.actions.0.resource", "ServiceRequest/s"),
        ("cards.0.suggestions.0.actions.0.resource", {"resourceType": "ServiceRequest"}),
        ("cards.0.suggestions.0.actions.1.resourceId", "1"),
        ("cards.0.suggestions.0.actions.1.resource", "MedicationRequest/1"),
    ],
    "every_link_leads_somewhere": [
        ("cards.0.links.0.url", "/x"),
        ("cards.0.links.0.type", "relative"),
        ("cards.0.links.0.appContext", "c"),
    ],
    "every_override_reason_can_be_shown": [("cards.0.overrideReasons.0.display", "")],
    "details_hold_no_html": [("cards.0.detail", "<img src=x>")],
}
SERVICE = {"hook": "patient-view", "id": "a", "description": "d", "prefetch": {"p": "Patient/{{context.patientId}}"}}
DISCOVERY_BREACHES: dict[str, list[tuple[str, Any]]] = {
    "discovery_lists_services": [("services", {})],
    "every_service_has_hook_id_and_description": [("services.0.hook", ""), ("services.0.id", "a/b")],
    "no_service_says_more_than_version_2_knows": [("services.0.version", "3.0.0"), ("services.0.url", "https://e.org")],
    "no_two_services_share_an_id": [("services.1.id", "a")],
    "every_prefetch_template_is_a_read_or_a_plain_search": [
        ("services.0.prefetch.p", "https://e.org/Patient/1"),
        ("services.0.prefetch.p", "Patient/{{context.draftOrders.entry}}"),
        ("services.0.prefetch.p", "Observation?patient={{context.patientId}}&_include=Observation:subject"),
        ("services.0.prefetch.p", "Observation?subject.name=x"),
        ("services.0.prefetch.p", "Patient/{{context.patientId}}/$everything"),
    ],
}


def changed(message: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    found = copy.deepcopy(message)
    *within, last = (int(part) if part.isdigit() else part for part in place.split("."))
    target: Any = found
    for part in within:
        target = target[part]
    target[last] = value
    return found


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_answer_to_a_fixture_keeps_every_sentence(clinic: FlaskClient, path: Path) -> None:
    assert broken_in_answer(answered(post(clinic, path.read_bytes(), path.parent.name))) == []


@pytest.mark.parametrize("hook", HOOKS)
def test_the_answer_at_every_hook_keeps_every_sentence(clinic: FlaskClient, hook: str) -> None:
    body = answered(post(clinic, request_for(hook), hook))
    assert body["cards"] or hook in ("appointment-book", "medication-refill")
    assert broken_in_answer(body) == []


def test_the_answer_of_a_silent_deployment_keeps_every_sentence() -> None:
    body = answered(post(client(mode="silent"), request_for("patient-view")))
    assert body["cards"] == []
    assert broken_in_answer(body) == []


def test_discovery_keeps_every_sentence(clinic: FlaskClient) -> None:
    assert broken_in_discovery(answered(clinic.get("/cds-services"))) == []


def test_discovery_is_there_when_no_rule_speaks() -> None:
    every = ",".join(
        rule["id"] for rule in json.loads(client().get("/rules", headers={"Accept": "application/json"}).data)
    )
    body = json.loads(client(disabled_rules=every).get("/cds-services").data)
    assert body == {"services": []}
    assert broken_in_discovery(body) == []


def test_discovery_is_the_same_each_time(clinic: FlaskClient) -> None:
    assert clinic.get("/cds-services").data == client().get("/cds-services").data


def test_discovery_is_at_its_address_only(clinic: FlaskClient) -> None:
    assert clinic.get("/cds-services").status_code == 200
    refused(clinic.get("/cds-services/"), 404)
    refused(clinic.post("/cds-services"), 405)
    refused(clinic.get("/cds-services/denosumab-rebound-patient-view"), 405)


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/fhir+json"])
@pytest.mark.parametrize("accept", ["application/fhir+json, */*; q=0.1", "*/*", "text/html", "image/png"])
def test_json_is_answered_whatever_is_accepted(clinic: FlaskClient, kind: str, accept: str) -> None:
    response = post(
        clinic, REQUESTS[-1].read_bytes(), REQUESTS[-1].parent.name, content_type=kind, headers={"Accept": accept}
    )
    assert answered(response)["extension"]
    refused(post(clinic, b"{", headers={"Accept": accept}, content_type=kind), 400)


def test_a_whole_answer_breaks_no_sentence() -> None:
    assert broken_in_answer(whole()) == []
    assert broken_in_answer({"cards": []}) == []
    assert broken_in_discovery({"services": [SERVICE]}) == []


def test_every_sentence_has_a_breach() -> None:
    assert set(BREACHES) == {one.__name__ for one in OF_ANSWERS}
    common = {one.__name__ for one in OF_ANSWERS} & {one.__name__ for one in OF_DISCOVERY}
    assert set(DISCOVERY_BREACHES) == {one.__name__ for one in OF_DISCOVERY} - common


@pytest.mark.parametrize("sentence", OF_ANSWERS, ids=lambda one: one.__name__)
def test_a_sentence_about_answers_finds_its_breach(sentence: Any) -> None:
    for place, value in BREACHES[sentence.__name__]:
        assert list(sentence(changed(whole(), place, value))), place


def test_suggestions_without_a_selection_behavior_are_found() -> None:
    answer = whole()
    del answer["cards"][0]["selectionBehavior"]
    assert broken_in_answer(answer) == ["suggestions_say_how_many_may_be_accepted: cards[0].selectionBehavior"]


@pytest.mark.parametrize("sentence", [one for one in OF_DISCOVERY if one.__name__ in DISCOVERY_BREACHES])
def test_a_sentence_about_discovery_finds_its_breach(sentence: Any) -> None:
    for place, value in DISCOVERY_BREACHES[sentence.__name__]:
        services = {"services": [SERVICE, SERVICE | {"id": "b"}]}
        assert list(sentence(changed(services, place, value))), place

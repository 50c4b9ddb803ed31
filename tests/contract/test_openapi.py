"""The description of the wire is valid, says what is done, and is made of what does it."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from service.cds_hooks.hooks import HOOKS
from service.cds_hooks.problems import BadRequest
from service.cds_hooks.requests import read_request
from service.deployment import deploy
from service.settings import Settings
from service.web import openapi
from service.web.openapi import ERRORS, POSTED
from tests.contract.calls import ROOT, answered, client, post, refused, request_for
from tests.contract.sentences import broken_in_answer
from tests.unit.http.test_requests import ACCESS

REQUESTS = sorted((ROOT / "fhir_fixtures/hooks").glob("*/*.json"))
CALL = "/cds-services/denosumab-rebound-{hook}"


@pytest.fixture(scope="module")
def clinic() -> FlaskClient:
    return client()


@pytest.fixture(scope="module")
def document(clinic: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(clinic.get("/openapi.json").data)
    return found


def validator(document: dict[str, Any], name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", **document})


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def request_schema(hook: str) -> str:
    return "".join(part.capitalize() for part in hook.split("-")) + "Request"


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_every_address_of_the_service_is_described(clinic: FlaskClient, document: dict[str, Any]) -> None:
    services = answered(clinic.get("/cds-services"))["services"]
    calls = {f"/cds-services/{one['id']}{posted.under}" for one in services for posted in POSTED}
    assert set(document["paths"]) == {"/cds-services", *calls, "/health/live", "/health/ready", "/openapi.json"}


def test_an_operation_is_always_called_the_same(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for operation in operations(document)]
    calls = [f"{posted.verb}-denosumab-rebound-{hook}" for posted in POSTED for hook in HOOKS]
    assert sorted(names) == sorted(["discover", *calls, "isAlive", "isReady", "describe"])


def test_a_client_asks_again_with_the_etag_it_was_given(clinic: FlaskClient) -> None:
    first = clinic.get("/openapi.json")
    again = clinic.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert client().get("/openapi.json").headers["ETag"] == first.headers["ETag"], "each worker must give the same"
    assert "max-age" in first.headers["Cache-Control"]


@pytest.mark.parametrize("hook", HOOKS)
def test_a_call_names_every_failure_as_an_operation_outcome(document: dict[str, Any], hook: str) -> None:
    responses = document["paths"][CALL.format(hook=hook)]["post"]["responses"]
    assert set(responses) == {"200", *map(str, (400, 401, 404, 405, 412, 413, 415, 500, 502, 503, 504))}
    for status, response in responses.items():
        if status != "200":
            body = document["components"]["responses"][response["$ref"].rsplit("/", 1)[-1]]["content"]
            assert body["application/json"]["schema"] == {"$ref": "#/components/schemas/OperationOutcome"}


def test_examples_are_what_they_are_examples_of(document: dict[str, Any]) -> None:
    outcome, answer = validator(document, "OperationOutcome"), validator(document, "Answer")
    for name, _, _ in ERRORS.values():
        example = document["components"]["responses"][name]["content"]["application/json"]["example"]
        assert list(outcome.iter_errors(example)) == []
    cards = document["components"]["examples"]["cards"]["value"]
    assert cards["cards"][0]["indicator"] == "critical"
    assert list(answer.iter_errors(cards)) == []
    assert broken_in_answer(cards) == []


@pytest.mark.parametrize("hook", HOOKS)
def test_the_example_of_a_request_is_answered(clinic: FlaskClient, document: dict[str, Any], hook: str) -> None:
    content = document["paths"][CALL.format(hook=hook)]["post"]["requestBody"]["content"]["application/json"]
    example = content["examples"]["example"]["value"]
    assert content["schema"] == {"$ref": f"#/components/schemas/{request_schema(hook)}"}
    assert list(validator(document, request_schema(hook)).iter_errors(example)) == []
    answered(post(clinic, example, hook))


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_fixtures_and_their_answers_follow_the_document(
    clinic: FlaskClient, document: dict[str, Any], path: Any
) -> None:
    body = path.read_bytes()
    assert list(validator(document, request_schema(path.parent.name)).iter_errors(json.loads(body))) == []
    answer = answered(post(clinic, body, path.parent.name))
    assert list(validator(document, "Answer").iter_errors(answer)) == []


def test_discovery_health_and_refusals_follow_the_document(clinic: FlaskClient, document: dict[str, Any]) -> None:
    discovery = answered(clinic.get("/cds-services"))
    assert list(validator(document, "Discovery").iter_errors(discovery)) == []
    for path in ("/health/live", "/health/ready"):
        content = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
        said = json.loads(clinic.get(path).data)
        assert said == content["example"]
        assert list(Draft202012Validator(content["schema"]).iter_errors(said)) == []
    refused(post(clinic, b"{"), 400)
    assert list(validator(document, "OperationOutcome").iter_errors(json.loads(post(clinic, b"{").data))) == []


WRONG: dict[tuple[str, str], list[Any]] = {
    ("patient-view", "hook"): [None, 7, "x", []],
    ("patient-view", "hookInstance"): [None, 7, "x", []],
    ("patient-view", "context"): [None, 7, "x", []],
    ("patient-view", "context.patientId"): [None, "Patient/anna", "", "a" * 65, 7, "a\u0661"],
    ("patient-view", "context.userId"): [None, "anna", "Group/1", 7],
    ("encounter-start", "context.encounterId"): [None, "Encounter/1"],
    ("order-select", "context.selections"): [None, "A/1", ["draft"], [7]],
    ("order-sign", "context.draftOrders"): [None, [], {"resourceType": "Patient"}, {}],
    ("problem-list-item-create", "context.conditions"): [None, {"resourceType": "Condition"}],
    ("patient-view", "fhirServer"): [
        "example.org",
        "ftp://example.org",
        "https://",
        "https://[",
        "https://a b",
        "https://user@host/fhir",
        "https://h/fhir?x=1",
        "https://\u00fb",
        7,
    ],
    ("patient-view", "fhirAuthorization"): [ACCESS, "t"],
    ("patient-view", "prefetch"): ["x", [], 7],
    ("patient-view", "prefetch.conditions"): [{"resourceType": "Patient", "id": "anna"}],
    ("patient-view", "extension"): [{"org.reboundwatch.as-of": 7}],
}
RIGHT: dict[tuple[str, str], list[Any]] = {
    ("patient-view", "context.encounterId"): [None, "visit.1-A", "Encounter/1", 7, ""],
    ("medication-refill", "context.userId"): [None, ""],
    ("patient-view", "fhirServer"): [
        None,
        "",
        "HTTPS://ehr.example.org/fhir",
        "http://localhost:8080/fhir",
        "https://[2001:db8::1]:8443/r4/",
        "https://h/a%20b",
    ],
    ("patient-view", "fhirAuthorization"): [None],
    ("patient-view", "extension"): [None, "x", [{"url": "x"}]],
    ("patient-view", "prefetch.observations"): [None, {"resourceType": "OperationOutcome"}, {}, "", {"error": "404"}],
    ("patient-view", "prefetch.more"): [[]],
    ("patient-view", "more"): [[1]],
    ("order-select", "context.selections"): [[]],
}


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize(("hook", "place"), list(dict.fromkeys((*WRONG, *RIGHT))))
def test_the_document_and_the_service_refuse_the_same(
    clinic: FlaskClient, document: dict[str, Any], hook: str, place: str, right: bool
) -> None:
    check = validator(document, request_schema(hook))
    for value in (RIGHT if right else WRONG).get((hook, place), []):
        request = copy.deepcopy(request_for(hook))
        *within, last = place.split(".")
        target = request
        for name in within:
            target = target[name]
        target[last] = value
        assert check.is_valid(request) == right, value
        assert post(clinic, request, hook).status_code == (200 if right else 400), value


CARD = "f6b95768-b1c8-40b1-8c84-bd4b2a2b4f5c"
ASIDE: dict[str, Any] = {"card": CARD, "outcome": "overridden", "outcomeTimestamp": "2026-11-01T09:00:00Z"}
TAKEN = ASIDE | {"outcome": "accepted", "acceptedSuggestions": [{"id": CARD}]}
WRONG_IN_A_REPORT: dict[str, list[Any]] = {
    "card": [None, 7, "", "x", f"{CARD}0"],
    "outcome": [None, 7, "", "ignored"],
    "acceptedSuggestions": [None, [], {}, [{}], [{"id": "x"}], ["x"]],
    "outcomeTimestamp": [
        *(None, 7, "", "today", "2026-11-01", "2026-11-01T09:00Z", "2026-11-01T09:00:00"),
        *("2026-13-01T09:00:00Z", "2026-11-01T24:00:00Z", "2026-11-01T09:00:60Z", "2026-11-01T09:00:00.Z"),
    ],
}
WRONG_IN_A_REASON: dict[str, list[Any]] = {
    "reason": ["x", {}, {"code": None}, {"code": ""}, {"code": "c" * 201}, {"code": "c", "system": 7}],
    "userComment": [7, []],
}
RIGHT_IN_A_REPORT: dict[str, list[Any]] = {
    "card": [CARD.upper()],
    "outcomeTimestamp": [f"2026-11-01T09:00:00{rest}" for rest in ("Z", ".1Z", ".123456789+05:30", "-00:00")],
    "acceptedSuggestions": [[]],
    "more": [1],
    "overrideReason": [None, {}],
}
RIGHT_IN_A_REASON: dict[str, list[Any]] = {
    "reason": [None, {"code": "c"}, {"code": "c", "system": None, "display": "d"}],
    "userComment": [None, "c" * 2000],
}
WRONG_REPORTS = [
    *({name: value for name, value in TAKEN.items() if name != missing} for missing in TAKEN),
    *(TAKEN | {name: value} for name, values in WRONG_IN_A_REPORT.items() for value in values),
    *(ASIDE | {"overrideReason": {name: one}} for name, values in WRONG_IN_A_REASON.items() for one in values),
]
RIGHT_REPORTS = [
    TAKEN,
    *(ASIDE | {name: value} for name, values in RIGHT_IN_A_REPORT.items() for value in values),
    *(ASIDE | {"overrideReason": {name: one}} for name, values in RIGHT_IN_A_REASON.items() for one in values),
]


@pytest.mark.parametrize(("reports", "right"), [(RIGHT_REPORTS, True), (WRONG_REPORTS, False)])
def test_the_document_and_the_service_refuse_the_same_feedback(
    clinic: FlaskClient, document: dict[str, Any], reports: list[dict[str, Any]], right: bool
) -> None:
    check = validator(document, "Feedback")
    for body in [{"feedback": [ASIDE, one]} for one in reports]:
        assert check.is_valid(body) == right, body
        assert clinic.post(f"{CALL.format(hook='patient-view')}/feedback", json=body).status_code == (
            200 if right else 400
        ), body


@pytest.mark.parametrize("body", [{}, [], {"feedback": None}, {"feedback": []}, {"feedback": [ASIDE] * 1001}])
def test_the_document_and_the_service_bound_feedback_alike(
    clinic: FlaskClient, document: dict[str, Any], body: Any
) -> None:
    assert not validator(document, "Feedback").is_valid(body)
    refused(clinic.post(f"{CALL.format(hook='patient-view')}/feedback", json=body), 400)


@pytest.mark.parametrize("member", ["hook", "hookInstance", "context"])
def test_the_document_requires_what_the_service_requires(document: dict[str, Any], member: str) -> None:
    request = request_for("patient-view")
    del request[member]
    assert list(validator(document, "PatientViewRequest").iter_errors(request))
    with pytest.raises(BadRequest):
        read_request(json.dumps(request).encode())


def test_an_authorization_is_described_as_it_is_read(document: dict[str, Any]) -> None:
    whole = request_for("patient-view") | {"fhirServer": "https://f.org", "fhirAuthorization": ACCESS}
    check = validator(document, "PatientViewRequest")
    assert list(check.iter_errors(whole)) == []
    assert read_request(json.dumps(whole).encode()).authorization is not None
    for change in ({"token_type": "Basic"}, {"expires_in": "soon"}, {"scope": None}, {"access_token": 7}):
        spoilt = whole | {"fhirAuthorization": ACCESS | change}
        assert list(check.iter_errors(spoilt)), change
        with pytest.raises(BadRequest):
            read_request(json.dumps(spoilt).encode())


def test_a_deployment_that_wants_tokens_says_so(document: dict[str, Any]) -> None:
    assert "security" not in json.dumps(document)
    open_to_all = deploy(Settings(auth="off"))
    wanting = replace(open_to_all, settings=open_to_all.settings.model_copy(update={"auth": "required"}))
    found = openapi.document(wanting)
    assert list(OpenAPIV31SpecValidator(found).iter_errors()) == []
    named = {path for path in found["paths"] for one in found["paths"][path].values() if "security" in one}
    assert named == {path for path in found["paths"] if path.startswith("/cds-services")}


def test_the_document_says_where_the_service_is(document: dict[str, Any]) -> None:
    assert document["servers"] == [{"url": "http://127.0.0.1:8080"}]

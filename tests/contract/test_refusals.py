"""Everything that can go wrong has its status and an OperationOutcome, and never ends as an empty list of cards."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from rules.knowledge_base import Knowledge
from rules.reasoning.engine import Engine
from rules.reasoning.rule import Program
from service.app import application, create_app
from service.assessing import Assessor
from service.cds_hooks.problems import NotReady
from service.deployment import Deployment, deploy
from service.settings import Settings
from tests.contract.calls import EXAMPLE, answered, client, post, refused, request_for
from tests.unit.commands.records import bundle, fracture, hook_request, patient


def deployed(**options: Any) -> Deployment:
    """A deployment on this machine, where requests may name the day of evaluation."""
    return deploy(Settings(auth="off", allow_as_of=True, **options))


@pytest.fixture(scope="module")
def clinic() -> FlaskClient:
    return client()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "body is not JSON"),
        (b'{"hook": ', "body is not JSON"),
        (b"\xff", "body is not JSON"),
        (b"[]", "body must be a JSON object"),
        (b"[" * 100_000 + b"]" * 100_000, "body must be a JSON object"),
        (b'{"prefetch": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}", "is nested too deep"),
    ],
    ids=["empty", "cut", "no text", "array", "deep array", "deep object"],
)
def test_a_body_that_is_no_request_is_a_400(clinic: FlaskClient, body: bytes, said: str) -> None:
    assert said in refused(post(clinic, body), 400)["details"]["text"]


def test_deep_nesting_inside_a_resource_is_answered(clinic: FlaskClient) -> None:
    deep = json.dumps(hook_request()).replace('"gender": "female"', f'"gender": {"[" * 50_000}{"]" * 50_000}')
    assert post(clinic, deep.encode()).status_code == 400


@pytest.mark.parametrize("hook", ["patient-view", "order-select", "order-sign"])
@pytest.mark.parametrize("member", ["hook", "hookInstance", "context"])
def test_a_missing_member_is_a_400_that_names_it(clinic: FlaskClient, hook: str, member: str) -> None:
    request = request_for(hook)
    del request[member]
    assert refused(post(clinic, request, hook), 400)["expression"] == [member]


@pytest.mark.parametrize(
    ("hook", "member", "value"),
    [
        ("patient-view", "patientId", "Patient/anna"),
        ("patient-view", "patientId", None),
        ("patient-view", "userId", "anna"),
        ("encounter-start", "encounterId", "Encounter/1"),
        ("order-select", "selections", None),
        ("order-select", "draftOrders", None),
        ("order-sign", "draftOrders", {"resourceType": "MedicationRequest"}),
    ],
)
def test_a_context_that_does_not_fit_is_a_400_that_names_the_member(
    clinic: FlaskClient, hook: str, member: str, value: Any
) -> None:
    request = request_for(hook)
    request["context"][member] = value
    assert refused(post(clinic, request, hook), 400)["expression"] == [f"context.{member}"]


def test_the_hook_of_another_service_is_a_400(clinic: FlaskClient) -> None:
    issue = refused(post(clinic, request_for("order-sign"), "patient-view"), 400)
    assert issue["details"]["text"] == "hook must be patient-view, the hook of this service"


def test_an_instance_that_is_no_uuid_is_a_400(clinic: FlaskClient) -> None:
    assert refused(post(clinic, hook_request() | {"hookInstance": "1"}), 400)["expression"] == ["hookInstance"]


def test_an_authorization_without_its_server_is_a_400(clinic: FlaskClient) -> None:
    access = {"access_token": "t", "token_type": "Bearer", "expires_in": 300, "scope": "s", "subject": "x"}
    issue = refused(post(clinic, hook_request() | {"fhirAuthorization": access}), 400)
    assert issue["expression"] == ["fhirServer"]


@pytest.mark.parametrize(
    "prefetch",
    [
        {"patient": patient("berta")},
        {"conditions": bundle(fracture("2025-10-01", owner="berta"))},
        {"conditions": bundle(patient("berta"))},
    ],
)
def test_a_record_of_another_patient_is_a_400(clinic: FlaskClient, prefetch: dict[str, Any]) -> None:
    request = hook_request()
    request["prefetch"] |= prefetch
    assert "is not of the patient in context.patientId" in refused(post(clinic, request), 400)["details"]["text"]


def test_a_draft_order_for_another_patient_is_a_400(clinic: FlaskClient) -> None:
    request = request_for("order-sign")
    request["context"]["draftOrders"]["entry"][0]["resource"]["subject"]["reference"] = "Patient/berta"
    issue = refused(post(clinic, request, "order-sign"), 400)
    assert issue["expression"] == ["context.draftOrders.entry[0].resource.subject"]


def test_the_day_of_evaluation_is_named_by_callers_only_where_it_is_allowed() -> None:
    issue = refused(post(client(allow_as_of=False), hook_request()), 400)
    assert issue["expression"] == ["extension.org.reboundwatch.as-of"]


@pytest.mark.parametrize("day", ["2026-02-30", "tomorrow", "2026-03-01T10:00:00Z", 20260301])
def test_a_day_that_is_none_is_a_400(clinic: FlaskClient, day: object) -> None:
    refused(post(clinic, hook_request() | {"extension": {"org.reboundwatch.as-of": day}}), 400)


@pytest.mark.parametrize("key", ["patient", "conditions", "medicationAdministrations"])
@pytest.mark.parametrize("how", ["absent", "failed"])
def test_required_data_that_did_not_come_are_a_412_that_names_the_key(clinic: FlaskClient, key: str, how: str) -> None:
    request = hook_request() | {"fhirServer": "https://fhir.example.org"}
    del request["prefetch"][key]
    if how == "failed":
        request["prefetch"][key] = {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}
    issue = refused(post(clinic, request), 412)
    assert issue["details"]["text"].count(f"prefetch.{key}") == 1
    assert f"prefetch.{key}" in issue["expression"]
    assert f"prefetch.{key}" in issue["details"]["text"]


@pytest.mark.parametrize("prefetch", [None, {}])
def test_a_request_without_prefetch_is_a_412(clinic: FlaskClient, prefetch: object) -> None:
    assert "prefetch.patient" in refused(post(clinic, hook_request() | {"prefetch": prefetch}), 412)["expression"]


@pytest.mark.parametrize("path", ["denosumab-rebound-order-dispatch", "x", "denosumab-rebound-order-dispatch/feedback"])
def test_a_service_that_is_not_there_is_a_404(clinic: FlaskClient, path: str) -> None:
    refused(clinic.post(f"/cds-services/{path}", json=hook_request()), 404)


@pytest.mark.parametrize("path", ["/cds-services//denosumab-rebound-patient-view", "//cds-services", "/rules//RVFX-01"])
def test_an_address_with_a_slash_too_many_leads_nowhere_and_certainly_not_to_another_host(
    clinic: FlaskClient, path: str
) -> None:
    response = clinic.post(path, json=hook_request(), headers={"Host": "evil.example.org"})
    assert "Location" not in response.headers
    assert response.status_code in (404, 405)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/cds-services/denosumab-rebound-patient-view", "POST"),
        ("DELETE", "/cds-services/denosumab-rebound-patient-view", "POST"),
        ("POST", "/cds-services", "GET"),
        ("PUT", "/health/live", "GET"),
    ],
)
def test_another_method_is_a_405_that_says_which_is_taken(
    clinic: FlaskClient, method: str, path: str, allowed: str
) -> None:
    response = clinic.open(path, method=method)
    refused(response, 405)
    assert allowed in response.headers["Allow"]


def test_a_body_that_is_too_large_is_a_413() -> None:
    small = client(max_body_bytes=2000)
    refused(post(small, EXAMPLE.read_bytes()), 413)
    refused(post(small, b" " * 2001), 413)
    refused(post(small, b" " * 2000), 400)


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""])
def test_a_body_that_is_not_said_to_be_json_is_a_415(clinic: FlaskClient, content_type: str) -> None:
    refused(post(clinic, EXAMPLE.read_bytes(), content_type=content_type), 415)


def test_a_compressed_body_is_a_415(clinic: FlaskClient) -> None:
    refused(post(clinic, b"x", headers={"Content-Encoding": "gzip"}), 415)


def broken(knowledge: Knowledge) -> Knowledge:
    """The knowledge with one rule that raises, quoting the record as errors may."""

    def raises(**facts: object) -> Any:
        raise ValueError("Anna Karenina")

    program = knowledge.program
    rules = [replace(rule, function=raises) if rule.id == "RVFX-01" else rule for rule in program.rules]
    return replace(knowledge, program=replace(program, rules=rules))


def with_knowledge(knowledge: Knowledge) -> Deployment:
    return replace(deployed(), knowledge=knowledge, assessor=Assessor(knowledge))


def test_a_rule_that_fails_is_a_500_and_never_an_empty_list(caplog: pytest.LogCaptureFixture) -> None:
    app = application(with_knowledge(broken(deployed().knowledge)))
    response = post(app.test_client(), EXAMPLE.read_bytes())
    issue = refused(response, 500)
    assert "nothing may be concluded" in issue["details"]["text"]
    assert '"cards"' not in response.text
    assert "RuleFailed of RVFX-01" in caplog.text
    assert "Karenina" not in caplog.text + response.text


def disagreeing() -> Deployment:
    """A deployment whose engine has one rule less than its second opinion."""
    deployment = deployed()
    program = deployment.knowledge.program
    fewer: Program = replace(program, rules=[rule for rule in program.rules if rule.id != "RVFX-01"])
    deployment.assessor.evaluator._reasoner._engine = Engine(fewer)
    return deployment


def test_two_engines_that_disagree_are_a_500(caplog: pytest.LogCaptureFixture) -> None:
    refused(post(application(disagreeing()).test_client(), EXAMPLE.read_bytes()), 500)
    assert "EnginesDisagree" in caplog.text


def test_after_a_failure_the_next_patient_is_answered(clinic: FlaskClient) -> None:
    refused(post(clinic, b"{"), 400)
    assert answered(post(clinic, EXAMPLE.read_bytes()))["cards"]


def test_a_worker_that_is_busy_longer_than_its_budget_says_503() -> None:
    deployment = deployed(time_budget_ms=20)
    busy = application(deployment).test_client()
    with deployment.turn():
        response = post(busy, EXAMPLE.read_bytes())
        refused(response, 503)
        assert response.headers["Retry-After"] == "1"
        refused(busy.get("/health/ready"), 503)
    assert post(busy, EXAMPLE.read_bytes()).status_code == 200


def test_a_worker_that_answers_wrongly_is_not_ready() -> None:
    refused(application(disagreeing()).test_client().get("/health/ready"), 503)
    refused(application(with_knowledge(broken(deployed().knowledge))).test_client().get("/health/ready"), 503)


def test_an_application_that_would_answer_wrongly_is_never_made(tmp_path: Any) -> None:
    limits = tmp_path / "limits.yaml"
    limits.write_text("since: 2026-01-01\nrebound_window_opens: 20\n", encoding="utf-8")
    with pytest.raises(NotReady, match="came out as"):
        create_app(Settings(auth="off", limits_file=limits))


def test_a_site_may_switch_off_the_rule_of_the_canary() -> None:
    assert create_app(Settings(auth="off", disabled_rules="RVFX-01,RVFX-12,RVFX-26")).test_client()  # type: ignore[arg-type]


def test_nothing_of_the_patient_is_repeated_in_errors_or_logs(
    clinic: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    request = hook_request()
    request["context"]["patientId"] = "Karenina 1"
    said = post(clinic, request).text
    named = json.loads(json.dumps(hook_request()).replace("anna", "karenina").replace("Prolia", "Karenina"))
    named["prefetch"]["conditions"]["entry"][0]["resource"]["onsetDateTime"] = "karenina"
    named["prefetch"]["patient"]["name"] = "Karenina"
    said += post(clinic, json.dumps(named).replace('"context"', '"karenina"').encode()).text
    said += post(clinic, named | {"hook": "karenina"}).text
    assert post(clinic, named).status_code == 200
    said += clinic.get("/Patient/karenina?name=karenina").text
    assert "karenina" not in (said + caplog.text).lower()

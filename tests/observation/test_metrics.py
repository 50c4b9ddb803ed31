"""Metrics count what happened, once, whichever worker it happened on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from service.app import application
from service.observation import metrics
from tests.contract.calls import EXAMPLE, answered, client, post, refused, request_for
from tests.contract.test_refusals import broken, deployed, disagreeing, with_knowledge
from tests.nodes import PATH, PATIENCE, Running, served, wait_until_ready

SERVICE = "denosumab-rebound-patient-view"


def value(exposed: bytes, name: str, **labels: str) -> float:
    """The sum of the samples that have these labels among theirs; 0 when there is none."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(exposed.decode())
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


class Counted:
    """What a counter of this process has risen by since."""

    def __init__(self) -> None:
        self._before = metrics.exposition()

    def __call__(self, name: str, **labels: str) -> float:
        return value(metrics.exposition(), name, **labels) - value(self._before, name, **labels)


@pytest.fixture
def risen() -> Counted:
    return Counted()


@pytest.fixture(scope="module")
def clinic() -> FlaskClient:
    return client()


def test_the_metrics_are_text_that_prometheus_reads(clinic: FlaskClient) -> None:
    response = clinic.get("/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = list(text_string_to_metric_families(response.text))
    assert families
    assert all(family.name.startswith("reboundwatch_") for family in families)
    assert value(response.data, "reboundwatch_info") >= 1


def test_a_hook_call_counts_its_request_stages_rules_cards_and_prefetch(clinic: FlaskClient, risen: Counted) -> None:
    cards = answered(post(clinic, EXAMPLE.read_bytes()))["cards"]
    assert risen("reboundwatch_requests_total", service=SERVICE, status="200") == 1
    assert risen("reboundwatch_request_seconds_count", service=SERVICE) == 1
    for stage in ("read", "wait", "prefetch", "timeline", "evaluate", "cards"):
        assert risen("reboundwatch_stage_seconds_count", stage=stage) == 1
    assert risen("reboundwatch_rules_fired_total", rule="RVFX-01") == 1
    assert risen("reboundwatch_cards_shown_total") == len(cards)
    assert risen("reboundwatch_cards_shown_total", indicator="critical") >= 1
    assert risen("reboundwatch_cards_withheld_total") == 0
    sent = json.loads(EXAMPLE.read_bytes())["prefetch"]
    assert risen("reboundwatch_prefetch_total", state="whole") == len(sent)


def test_what_was_not_sent_is_counted_by_its_key(clinic: FlaskClient, risen: Counted) -> None:
    request = request_for("patient-view")
    del request["prefetch"]["conditions"]
    refused(post(clinic, request), 412)
    assert risen("reboundwatch_prefetch_total", key="conditions", state="not_sent") == 1
    assert risen("reboundwatch_requests_total", service=SERVICE, status="412") == 1
    assert risen("reboundwatch_failures_total") == 0


def test_silent_mode_counts_the_cards_that_it_keeps_back(risen: Counted) -> None:
    post(client(mode="silent"), EXAMPLE.read_bytes())
    assert risen("reboundwatch_cards_shown_total") == 0
    assert risen("reboundwatch_cards_withheld_total", indicator="critical") >= 1


def test_two_engines_that_disagree_are_counted(risen: Counted) -> None:
    refused(post(application(disagreeing()).test_client(), EXAMPLE.read_bytes()), 500)
    assert risen("reboundwatch_verification_disagreements_total") == 1
    assert risen("reboundwatch_failures_total", error="EnginesDisagree") == 1


def test_a_rule_that_fails_is_counted_and_is_no_disagreement(risen: Counted) -> None:
    failing = application(with_knowledge(broken(deployed().knowledge)))
    refused(post(failing.test_client(), EXAMPLE.read_bytes()), 500)
    assert risen("reboundwatch_failures_total", error="RuleFailed") == 1
    assert risen("reboundwatch_verification_disagreements_total") == 0


def test_the_canary_is_counted_as_no_patient(clinic: FlaskClient, risen: Counted) -> None:
    assert clinic.get("/health/ready").status_code == 200
    assert risen("reboundwatch_requests_total", address="/health/ready", status="200") == 1
    assert risen("reboundwatch_rules_fired_total") == 0
    assert risen("reboundwatch_prefetch_total") == 0


def test_no_address_that_a_caller_invents_becomes_a_label(clinic: FlaskClient) -> None:
    clinic.get("/Patient/karenina?name=karenina")
    clinic.post("/cds-services/karenina", json={})
    clinic.open("/karenina", method="KARENINA")
    assert b"karenina" not in metrics.exposition().lower()


def test_feedback_is_counted_at_its_address_and_is_no_hook_call(clinic: FlaskClient, risen: Counted) -> None:
    report = {"card": str(uuid.uuid4()), "outcome": "overridden", "outcomeTimestamp": "2026-11-01T09:00:00Z"}
    sent = {"feedback": [report, report | {"card": str(uuid.uuid4())}]}
    assert clinic.post(f"/cds-services/{SERVICE}/feedback", json=sent).status_code == 200
    address = "/cds-services/<service_id>/feedback"
    assert risen("reboundwatch_requests_total", address=address, service="", status="200") == 1
    assert risen("reboundwatch_feedback_total", outcome="overridden") == 2
    assert risen("reboundwatch_request_seconds_count") == 0
    refused(clinic.post(f"/cds-services/{SERVICE}/feedback", json={"feedback": [report, {}]}), 400)
    assert risen("reboundwatch_feedback_total") == 2


def test_what_others_tell_is_counted(risen: Counted) -> None:
    metrics.feedback_given("overridden")
    assert risen("reboundwatch_feedback_total", outcome="overridden") == 1


def test_what_waits_in_the_spool_is_told() -> None:
    # In a process of its own: here the recorders of other tests tell theirs.
    told = "from service.observation import metrics; metrics.spool_is(7); print(metrics.exposition().decode())"
    exposed = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True).stdout
    assert value(exposed, "reboundwatch_spool_depth") == 7


def test_a_call_is_counted_whose_fhir_server_is_none_of_the_client(clinic: FlaskClient, risen: Counted) -> None:
    answered(post(clinic, request_for("patient-view") | {"fhirServer": "https://elsewhere.example.org/fhir"}))
    assert risen("reboundwatch_fhir_errors_total", kind="not_a_server") == 1


def worked(running: Running) -> Mapping[int, int]:
    """Hook calls by the process that answered them."""
    found: dict[int, int] = {}
    for line in running.log.read_text().splitlines():
        said = json.loads(line) if line.startswith("{") else {}
        if said.get("service"):
            found[said["process"]] = found.get(said["process"], 0) + 1
    return found


def test_metrics_of_two_workers_add_up_and_outlive_a_worker(tmp_path: Path) -> None:
    sent = EXAMPLE.read_bytes()
    asked = 0
    with served(tmp_path, workers=2) as running, ThreadPoolExecutor(8) as pool:
        until = time.monotonic() + PATIENCE
        while len(worked(running)) < 2:
            assert time.monotonic() < until, "one worker answered everything"
            statuses = list(pool.map(lambda _: running.call("POST", PATH, sent)[0], range(20)))
            assert set(statuses) == {200}
            asked += len(statuses)
        for _ in range(6):  # whichever worker answers, it tells of both
            _, exposed = running.call("GET", "/metrics")
            assert value(exposed, "reboundwatch_requests_total", service=SERVICE, status="200") == asked
            assert value(exposed, "reboundwatch_request_seconds_count", service=SERVICE) == asked
            assert value(exposed, "reboundwatch_rules_fired_total", rule="RVFX-01") == asked
        os.kill(next(iter(worked(running))), signal.SIGTERM)
        time.sleep(1)
        wait_until_ready(running)
        _, exposed = running.call("GET", "/metrics")
        assert value(exposed, "reboundwatch_requests_total", service=SERVICE, status="200") == asked

"""A request is a span with a child for each stage, sent to the collector of the site, and nothing of a patient."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from service.app import application
from service.assessing import Assessor
from tests.contract.calls import EXAMPLE, post
from tests.contract.test_refusals import broken, deployed
from tests.nodes import environment
from tests.observation.test_logs import personal

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Collector:
    """An OpenTelemetry collector that keeps what it is sent."""

    def __init__(self) -> None:
        received = self.received = []  # type: list[bytes]

        class Receive(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                zipped = self.headers.get("Content-Encoding") == "gzip"
                received.append(gzip.decompress(body) if zipped else body)
                assert self.path == "/v1/traces"
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Receive)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def spans(self) -> list[Span]:
        found: list[Span] = []
        for body in self.received:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    found += scope.spans
        return found

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()
    yield found
    found.close()


def traced(collector: Collector, body: bytes, *, failing: bool = False) -> list[Span]:
    """The spans of one call."""
    deployment = deployed(otlp_endpoint=collector.address)
    if failing:
        knowledge = broken(deployment.knowledge)
        deployment = replace(deployment, knowledge=knowledge, assessor=Assessor(knowledge))
    app = application(deployment)
    post(app.test_client(), body, headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
    app.extensions["tracing"].close()
    return collector.spans()


def test_a_call_is_a_span_with_a_child_a_stage_in_the_trace_of_its_caller(collector: Collector) -> None:
    spans = traced(collector, EXAMPLE.read_bytes())
    [whole] = [span for span in spans if span.kind == Span.SPAN_KIND_SERVER]
    stages = [span for span in spans if span is not whole]
    assert whole.name == "POST /cds-services/denosumab-rebound-patient-view"
    assert whole.trace_id.hex() == TRACE
    assert [span.name for span in stages] == ["read", "wait", "prefetch", "timeline", "evaluate", "cards"]
    for span in stages:
        assert span.parent_span_id == whole.span_id
        assert whole.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= whole.end_time_unix_nano


def test_a_failed_call_is_a_failed_span_that_names_the_kind_of_error(collector: Collector) -> None:
    spans = traced(collector, EXAMPLE.read_bytes(), failing=True)
    [whole] = [span for span in spans if span.kind == Span.SPAN_KIND_SERVER]
    assert whole.status.code == 2
    assert whole.status.message == "RuleFailed"


def test_no_span_holds_anything_of_the_patient(collector: Collector) -> None:
    traced(collector, EXAMPLE.read_bytes())
    sent = b"".join(collector.received).decode("utf-8", errors="replace")
    forbidden = personal(json.loads(EXAMPLE.read_bytes()))
    assert len(forbidden) > 10
    assert {one for one in forbidden if one in sent} == set()


def test_without_a_collector_opentelemetry_is_never_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from service.app import create_app; from service.settings import Settings; "
        "create_app(Settings(auth='off')); print([one for one in sys.modules if one.startswith('opentelemetry')])"
    )
    output = subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path, env=environment(), text=True)
    assert output.strip() == "[]"

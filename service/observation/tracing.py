"""OpenTelemetry, where a site has a collector: a span a request, a child a stage. Imported only when it is set."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Protocol

from service.observation.call import Call
from service.version import SOFTWARE_VERSION

_PATH = "/v1/traces"


class Tracing(Protocol):
    """Where finished requests are sent as spans."""

    def record(self, call: Call, ended: int, attributes: Mapping[str, str | int], parent: str | None) -> None:
        """Send the span of a request that ended at `ended` (ns); `parent` is the traceparent header of the caller."""

    def close(self) -> None:
        """Send what waits, and end."""


def start(endpoint: str, knowledge_version: str) -> Tracing:
    """Traces to the collector at `endpoint` (http://collector:4318), sent in the background.

    A collector that cannot be reached costs a line in the log and nothing else.
    """
    # They take a tenth of a second to import and some 20 MB, which nobody should pay who has no collector.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    about = {
        "service.name": "reboundwatch",
        "service.version": SOFTWARE_VERSION,
        "reboundwatch.knowledge": knowledge_version,
    }
    provider = TracerProvider(resource=Resource.create(about))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}{_PATH}")))
    tracer = provider.get_tracer("reboundwatch")
    propagator = TraceContextTextMapPropagator()

    class Spans:
        def record(self, call: Call, ended: int, attributes: Mapping[str, str | int], parent: str | None) -> None:
            caller = propagator.extract({"traceparent": parent}) if parent else None
            name = f"{attributes['http.request.method']} {attributes['http.route']}"
            span = tracer.start_span(name, caller, SpanKind.SERVER, attributes=attributes, start_time=call.began)
            within = set_span_in_context(span)
            for stage, began, done in call.stages:
                tracer.start_span(stage, within, start_time=began).end(done)
            if (
                call.failure is not None
                and int(attributes["http.response.status_code"]) >= HTTPStatus.INTERNAL_SERVER_ERROR
            ):
                span.set_status(StatusCode.ERROR, call.failure)
            span.end(ended)

        def close(self) -> None:
            provider.shutdown()

    return Spans()

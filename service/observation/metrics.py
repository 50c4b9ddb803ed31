"""The metrics of the service, all of them, and the functions that count; `deploy/` may use no others.

Several workers: gunicorn names a folder in PROMETHEUS_MULTIPROC_DIR before they start, each worker writes its own files
there, and whichever answers `/metrics` adds them up. Without that variable a process counts for itself.
"""

from __future__ import annotations

import os
from functools import cache
from http import HTTPStatus
from typing import Final, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.multiprocess import MultiProcessCollector

from service.observation.call import Call
from service.version import SOFTWARE_VERSION

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
REGISTRY: Final = CollectorRegistry()

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

REQUESTS = Counter(
    "reboundwatch_requests",
    "Requests answered; `service` is empty except for hook calls.",
    ("address", "service", "status"),
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "reboundwatch_request_seconds", "Time of a hook call.", ("service",), buckets=_BUCKETS, registry=REGISTRY
)
STAGE_SECONDS = Histogram(
    "reboundwatch_stage_seconds", "Time of a stage of a hook call.", ("stage",), buckets=_BUCKETS, registry=REGISTRY
)
RULES_FIRED = Counter(
    "reboundwatch_rules_fired", "Hook calls in which a rule applied, by rule.", ("rule",), registry=REGISTRY
)
CARDS_SHOWN = Counter("reboundwatch_cards_shown", "Cards returned to a client.", ("indicator",), registry=REGISTRY)
CARDS_WITHHELD = Counter(
    "reboundwatch_cards_withheld", "Cards that silent mode kept back.", ("indicator",), registry=REGISTRY
)
PREFETCH = Counter(
    "reboundwatch_prefetch", "What came of each question to the record.", ("key", "state"), registry=REGISTRY
)
UNUSABLE = Counter("reboundwatch_unusable", "Records that could not be used.", registry=REGISTRY)
FAILURES = Counter(
    "reboundwatch_failures", "Answers with a status of 500 and above, by kind of error.", ("error",), registry=REGISTRY
)
DISAGREEMENTS = Counter(
    "reboundwatch_verification_disagreements",
    "Evaluations voided because the engine and its second opinion differed.",
    registry=REGISTRY,
)
FHIR_ERRORS = Counter(
    "reboundwatch_fhir_errors",
    "Hook calls in which a client's FHIR server did not give all, by kind of trouble.",
    ("kind",),
    registry=REGISTRY,
)
FEEDBACK = Counter(
    "reboundwatch_feedback", "Cards on which clinicians gave feedback, by outcome.", ("outcome",), registry=REGISTRY
)
SPOOL_DEPTH = Gauge(
    "reboundwatch_spool_depth",
    "Records that wait to be written to the database, of all workers.",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
RECORDS_LOST = Counter(
    "reboundwatch_records_lost",
    "Records for which neither the database, nor the spool, nor memory had room.",
    registry=REGISTRY,
)
OVERRIDES_MISSED = Counter(
    "reboundwatch_overrides_missed",
    "Hook calls that did not learn in time which cards had been set aside.",
    registry=REGISTRY,
)
INFO = Gauge(
    "reboundwatch_info", "1, with what runs.", ("software", "knowledge"), multiprocess_mode="livemax", registry=REGISTRY
)

_DISAGREE = "EnginesDisagree"
_Metric = TypeVar("_Metric", bound=MetricWrapperBase)


@cache
def _series(metric: _Metric, *labels: str | int) -> _Metric:
    """The one series of these labels, which are words of ours and few; the library checks and copies them each time."""
    return metric.labels(*labels)


def started(knowledge_version: str) -> None:
    """Say what runs, and begin at nought, so that the first event of a kind is seen as a rise."""
    INFO.labels(SOFTWARE_VERSION, knowledge_version).set(1)
    for indicator in ("info", "warning", "critical"):
        CARDS_SHOWN.labels(indicator)
        CARDS_WITHHELD.labels(indicator)


def count(call: Call, address: str, service: str, status: int, seconds: float) -> None:
    """Count a request that has been answered.

    `address` is a pattern of ours, `service` the service that was called, or "" when it was none.
    """
    _series(REQUESTS, address, service, status).inc()
    if call.failure is not None and status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _series(FAILURES, call.failure).inc()
        if call.failure == _DISAGREE:
            DISAGREEMENTS.inc()
    if not service:
        return
    _series(REQUEST_SECONDS, service).observe(seconds)
    for stage, spent in call.seconds().items():
        _series(STAGE_SECONDS, stage).observe(spent)
    for rule in call.rules:
        _series(RULES_FIRED, rule).inc()
    for key, state in call.prefetch.items():
        _series(PREFETCH, key, state).inc()
    for kind in call.troubles:
        _series(FHIR_ERRORS, kind).inc()
    if status == HTTPStatus.OK:
        for indicator in call.cards:
            _series(CARDS_SHOWN, indicator).inc()
        for indicator in call.withheld:
            _series(CARDS_WITHHELD, indicator).inc()
        UNUSABLE.inc(call.unusable)


def feedback_given(outcome: str) -> None:
    """A clinician accepted or overrode a card; `outcome` is "accepted" or "overridden"."""
    FEEDBACK.labels(outcome).inc()


def spool_is(depth: int) -> None:
    """So many records of this worker wait to be written."""
    SPOOL_DEPTH.set(depth)


def overrides_missed() -> None:
    """A database was too slow to say which cards had been set aside."""
    OVERRIDES_MISSED.inc()


def record_lost() -> None:
    """A record of an evaluation or of feedback is gone for good."""
    RECORDS_LOST.inc()


def exposition() -> bytes:
    """All metrics in the text format of Prometheus: of every worker where there are several, else of this process."""
    if os.environ.get(FOLDER):
        every = CollectorRegistry()
        MultiProcessCollector(every)  # type: ignore[no-untyped-call]
        return generate_latest(every)
    return generate_latest(REGISTRY)

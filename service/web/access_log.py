"""One line a request, its metrics and its trace; never a query, a body or an unknown address."""

from __future__ import annotations

import logging
import time

from flask import Flask, Response, g, request

from service.deployment import Deployment
from service.observation import call as observed
from service.observation import metrics
from service.observation.logs import FIELDS
from service.observation.tracing import Tracing
from service.version import SOFTWARE_VERSION

REQUEST_ID = "X-Request-Id"
NO_SUCH_ADDRESS = "(no such address)"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_log = logging.getLogger(__name__)


def register(app: Flask, deployment: Deployment, calls: str, tracing: Tracing | None = None) -> None:
    """Observe every request of `app`; `calls` is the address below which the services are called.

    Addresses other than those of the services are named by their pattern only.
    """
    services = {f"{calls}/{one.id}": one for one in deployment.services.values()}
    metrics.started(deployment.knowledge.version)

    @app.before_request
    def begin() -> None:
        g.observation = observed.begin(request.headers.get(REQUEST_ID))
        g.began = time.perf_counter()

    @app.after_request
    def answered(response: Response) -> Response:
        call = observed.noted()
        if call is None:
            return response
        seconds = time.perf_counter() - g.began
        path, method, rule = request.path, request.method, request.url_rule
        called = services.get(path)
        service = called if method == "POST" else None
        address = path if called is not None else rule.rule if rule else NO_SUCH_ADDRESS
        response.headers[REQUEST_ID] = call.request_id
        metrics.count(call, address, service.id if service else "", response.status_code, seconds)
        # A method is a word of the caller's choice.
        method = method if method in _METHODS else "(no such method)"
        fields: dict[str, object] = {
            "requestId": call.request_id,
            "method": method,
            "address": address,
            "status": response.status_code,
            "durationMs": round(seconds * 1000, 2),
            "software": SOFTWARE_VERSION,
            "knowledge": deployment.knowledge.version,
        }
        if service is not None:
            fields |= {"service": service.id, "hook": service.hook} | _counts(call)
        said = (method, address, response.status_code, seconds * 1000)
        _log.info("%s %s %d %.1f ms", *said, extra={FIELDS: fields})
        if tracing is not None:
            _trace(tracing, call, fields)
        return response

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        if "observation" in g:
            observed.end(g.pop("observation"))


def _counts(call: observed.Call) -> dict[str, object]:
    """What came of a hook call, in numbers; cards that silent mode kept back are apart."""
    stages = {name: round(seconds * 1000, 2) for name, seconds in call.seconds().items()}
    counts: dict[str, object] = {
        "stagesMs": stages,
        "cards": len(call.cards),
        "withheld": len(call.withheld),
        "setAside": call.set_aside,
        "rules": len(call.rules),
        "resources": call.resources,
        "unusable": call.unusable,
    }
    return counts | ({"error": call.failure} if call.failure is not None else {})


def _trace(tracing: Tracing, call: observed.Call, fields: dict[str, object]) -> None:
    attributes: dict[str, str | int] = {
        "http.request.method": str(fields["method"]),
        "http.route": str(fields["address"]),
        "http.response.status_code": int(str(fields["status"])),
        "reboundwatch.request_id": call.request_id,
    }
    for name in ("service", "hook"):
        if name in fields:
            attributes[f"reboundwatch.{name}"] = str(fields[name])
    tracing.record(call, time.time_ns(), attributes, request.headers.get("traceparent"))

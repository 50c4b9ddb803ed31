"""CDS Hooks over HTTP: discovery and the call of a service; parse, evaluate, cards."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from datetime import date, datetime

import msgspec
from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from service.cds_hooks.answers import Occasion, answer
from service.cds_hooks.callers import PATH, Callers
from service.cds_hooks.feedback import Received, read_feedback, records
from service.cds_hooks.problems import BadRequest, UnsupportedContent
from service.cds_hooks.requests import AS_OF, HookRequest, read_request
from service.cds_hooks.services import Discovery, Service, find
from service.deployment import Deployment, fhir_version
from service.observation import metrics
from service.observation.call import stage
from service.storage.memory import Memory
from service.submission import requested

JSON = "application/json"
_ACCEPTED = (JSON, "application/fhir+json", "application/json+fhir", "text/json")
"""The registered names, and those that older EHRs use."""


def blueprint(
    deployment: Deployment, callers: Callers, memory: Memory, today: Callable[[], date], now: Callable[[], datetime]
) -> Blueprint:
    """The endpoints of CDS Hooks, each for `callers` only; `today` and `now` (UTC) are the composition root's clock."""
    routes = Blueprint("cds_hooks", __name__, url_prefix=PATH)

    @routes.get("")
    def discover() -> Response:
        found = deployment.services_of(callers.of_discovery().client)
        response = Response(msgspec.json.encode(Discovery(list(found.values()))), mimetype=JSON)
        response.add_etag()
        response.cache_control.max_age = 300
        if callers.discovery_is_open:
            response.cache_control.public = True
        else:
            response.cache_control.private = True
        response.make_conditional(request)
        return response

    @routes.post("/<service_id>")
    def call(service_id: str) -> Response:
        caller = callers.of_service(service_id)
        with stage("read"):
            asked = _asked(find(deployment.services, service_id), deployment)
        with deployment.turn():
            with stage("prefetch"):
                access = deployment.access(caller.client)
                submission = requested(asked, "the request", access, fhir_version(caller.client))
            evaluation = deployment.evaluate(submission, asked.as_of or today())
            with stage("cards"):
                occasion = Occasion(asked, service_id, caller, now())
                said = msgspec.json.encode(answer(deployment, submission, evaluation, occasion, memory))
        return Response(said, mimetype=JSON)

    @routes.post("/<service_id>/feedback")
    def feedback(service_id: str) -> Response:
        caller = callers.of_feedback(service_id)
        find(deployment.services, service_id)
        # All are made before the first is kept: a report that does not hold lets none pass.
        events = list(records(read_feedback(_body(deployment)), service_id, caller, now()))
        for event in events:
            memory.keep(event)
            metrics.feedback_given(event.outcome)
        return Response(msgspec.json.encode(Received()), mimetype=JSON)

    return routes


def _asked(service: Service, deployment: Deployment) -> HookRequest:
    asked = read_request(_body(deployment), of=service.hook)
    if asked.as_of is not None and not deployment.settings.allow_as_of:
        raise BadRequest("is not allowed here: the day of evaluation is today", f"extension.{AS_OF}")
    return asked


def _body(deployment: Deployment) -> bytes:
    """What was posted, if it is JSON by its own account and not larger than it may be."""
    if request.mimetype not in _ACCEPTED or request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedContent(f"send JSON, uncompressed, as {' or '.join(_ACCEPTED[:2])}")
    body = request.get_data(cache=False).removeprefix(codecs.BOM_UTF8)
    if len(body) > deployment.settings.max_body_bytes:
        raise RequestEntityTooLarge
    return body

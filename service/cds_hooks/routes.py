"""CDS Hooks over HTTP: discovery and the call of a service; parse, evaluate, cards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import msgspec
from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from service.cds_hooks.answers import answer
from service.cds_hooks.problems import BadRequest, UnsupportedContent
from service.cds_hooks.requests import AS_OF, HookRequest, read_request
from service.cds_hooks.services import Discovery, Service, find
from service.deployment import Deployment
from service.observation.call import stage
from service.submission import requested

PATH = "/cds-services"
JSON = "application/json"
_ACCEPTED = (JSON, "application/fhir+json")


def blueprint(deployment: Deployment, today: Callable[[], date]) -> Blueprint:
    """The endpoints of CDS Hooks; `today` is the clock of the composition root."""
    routes = Blueprint("cds_hooks", __name__, url_prefix=PATH)
    discovery = msgspec.json.encode(Discovery(list(deployment.services.values())))

    @routes.get("")
    def discover() -> Response:
        response = Response(discovery, mimetype=JSON)
        response.add_etag()
        response.cache_control.public, response.cache_control.max_age = True, 300
        response.make_conditional(request)
        return response

    @routes.post("/<service_id>")
    def call(service_id: str) -> Response:
        with stage("read"):
            asked = _asked(find(deployment.services, service_id), deployment)
        with stage("prefetch"):
            submission = requested(asked, "the request")
        evaluation = deployment.evaluate(submission, asked.as_of or today())
        with stage("cards"):
            said = msgspec.json.encode(answer(deployment, submission, evaluation))
        return Response(said, mimetype=JSON)

    return routes


def _asked(service: Service, deployment: Deployment) -> HookRequest:
    if request.mimetype not in _ACCEPTED or request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedContent(f"send JSON, uncompressed, as {' or '.join(_ACCEPTED)}")
    body = request.get_data(cache=False)
    if len(body) > deployment.settings.max_body_bytes:
        raise RequestEntityTooLarge
    asked = read_request(body)
    if asked.hook.name != service.hook:
        raise BadRequest(f"must be {service.hook}, the hook of this service", "hook")
    if asked.as_of is not None and not deployment.settings.allow_as_of:
        raise BadRequest("is not allowed here: the day of evaluation is today", f"extension.{AS_OF}")
    return asked

"""The description of the wire (OpenAPI 3.1): every address, what it takes, and everything that it may answer."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import msgspec
from flask import Blueprint, Response, request

from service import canary
from service.cds_hooks.card_messages import Answer
from service.cds_hooks.feedback import Feedback, Received
from service.cds_hooks.hooks import HOOKS, Hook, Shape
from service.cds_hooks.problems import OperationOutcome, outcome
from service.cds_hooks.requests import FhirAuthorization, read_request
from service.cds_hooks.services import Discovery, Service
from service.deployment import Deployment
from service.submission import requested
from service.version import SOFTWARE_VERSION
from service.web.wire_schemas import Json, of_read, of_request, of_sent, ref, request_name

PATH = "/openapi.json"
_SERVICES = "/cds-services"
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Posted:
    """What can be posted to every service, `under` its address: the class that reads it and the one that answers.

    Without a `body` the hook of the service says what is read; without an `answer` there is nothing to read in one.
    `failures` are the statuses of what can go wrong.
    """

    under: str
    verb: str
    summary: str
    failures: tuple[int, ...]
    body: type | None = None
    answer: type | None = None


_BUSY = "this worker is busy; ask again, with a new token where one is needed"
ERRORS: Mapping[int, tuple[str, str, OperationOutcome]] = {
    400: ("BadRequest", "The request does not follow the specification.", outcome("invalid", "is missing", "context")),
    401: (
        "NotKnown",
        "Who calls is not known; why is not said.",
        outcome("login", "who calls is not known"),
    ),
    404: ("NotFound", "There is no such service.", outcome("not-found", "there is nothing at this address")),
    405: ("WrongMethod", "Not with this method.", outcome("not-supported", "this address does not take this method")),
    412: (
        "RequiredDataMissing",
        "Data without which nothing may be concluded were neither sent nor to be had.",
        outcome("required", "is required", "prefetch.conditions"),
    ),
    413: ("TooLarge", "Larger than this service reads.", outcome("too-long", "the request is larger than it may be")),
    415: ("NotJson", "The body is not JSON by its own account.", outcome("not-supported", f"send JSON as {_JSON}")),
    500: ("Failed", "The evaluation failed; nothing may be concluded.", outcome("exception", "the evaluation failed")),
    502: ("ServerAtFault", "The FHIR server of the caller is at fault.", outcome("exception", "cannot be used")),
    503: (
        "Busy",
        "Busy or not ready; ask again, with a new token.",
        outcome("throttled", _BUSY),
    ),
    504: ("ServerTooSlow", "The FHIR server of the caller took too long.", outcome("timeout", "took too long")),
}
"""Every failure by its status: what it is called, what it means, and such a body."""

POSTED = (
    Posted("", "call", "Cards {moment}", tuple(ERRORS), answer=Answer),
    Posted(
        "/feedback",
        "report",
        "What became of cards that were shown {moment}",
        (400, 401, 404, 405, 413, 415, 500, 503),
        body=Feedback,
        answer=Received,
    ),
)
"""Everything that a client can send to a service."""

_OF_READS = (401, 405, 500)


def blueprint(deployment: Deployment) -> Blueprint:
    """The address at which the description is read."""
    routes = Blueprint("openapi", __name__)

    @cache
    def described() -> bytes:
        return msgspec.json.encode(document(deployment))

    @routes.get(PATH)
    def describe() -> Response:
        response = Response(described(), mimetype=_JSON)
        response.add_etag()
        response.cache_control.public, response.cache_control.max_age = True, 300
        response.make_conditional(request)
        return response

    return routes


def document(deployment: Deployment) -> Json:
    """The description of one deployment: its services by hook, its address, whether it wants to know who calls."""
    settings, services = deployment.settings, list(deployment.services.values())
    calls = {
        f"{_SERVICES}/{one.id}{posted.under}": {"post": _post(posted, one)} for posted in POSTED for one in services
    }
    discovery = _content(ref(Discovery.__name__), msgspec.to_builtins(Discovery(services)))
    found: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "ReboundWatch",
            "summary": "CDS Hooks 2.0.1 for denosumab discontinuation and rebound vertebral fractures",
            "description": f"Knowledge {deployment.knowledge.version}. This is not a medical device.",
            "version": SOFTWARE_VERSION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": "CDS Hooks"}, {"name": "operations"}],
        "paths": {
            _SERVICES: {"get": _get("discover", "The services, and what each asks for", discovery, etag=True)},
            **calls,
            "/health/live": {"get": _get("isAlive", "It runs", _plain({"live": True}))},
            "/health/ready": {"get": _get("isReady", "It gives the answer that is known", _ready(deployment), (503,))},
            PATH: {"get": _get("describe", "This description", _content({"type": "object"}), (503,), etag=True)},
        },
        "components": _components(services, deployment),
    }
    if settings.base_url:
        found["servers"] = [{"url": settings.base_url}]
    if settings.auth == "required":
        scheme = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "One token a call."}
        found["components"]["securitySchemes"] = {"client": scheme}
        for path in (_SERVICES, *calls):
            for operation in found["paths"][path].values():
                operation["security"] = [{"client": []}]
    return found


def _post(posted: Posted, service: Service) -> Json:
    hook = HOOKS[service.hook]
    examples = {} if posted.body else {"example": {"value": example_request(hook)}}
    body = {"schema": ref(posted.body.__name__ if posted.body else request_name(hook)), "examples": examples}
    success: Json = {"description": posted.summary.format(moment=hook.moment)}
    if posted.answer is not None:
        shown = {"cards": {"$ref": "#/components/examples/cards"}} if posted.answer is Answer else {}
        success["content"] = {_JSON: {"schema": ref(posted.answer.__name__), "examples": shown}}
    return {
        "operationId": f"{posted.verb}-{service.id}",
        "summary": success["description"],
        "description": service.description,
        "tags": ["CDS Hooks"],
        "requestBody": {"required": True, "content": {_JSON: body}},
        "responses": {"200": success, **_failures(posted.failures)},
    }


def _get(name: str, summary: str, content: Json, failures: tuple[int, ...] = (), etag: bool = False) -> Json:
    success: Json = {"description": summary, **content}
    responses: Json = {"200": success}
    parameters = []
    if etag:
        success["headers"] = {"ETag": {"required": True, "schema": {"type": "string"}}}
        responses["304"] = {"description": "It has not changed since the ETag in If-None-Match."}
        parameters = [{"name": "If-None-Match", "in": "header", "schema": {"type": "string"}}]
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["CDS Hooks" if name == "discover" else "operations"],
        "parameters": parameters,
        "responses": {**responses, **_failures((*_OF_READS, *failures))},
    }


def _failures(statuses: Iterable[int]) -> Json:
    return {str(status): {"$ref": f"#/components/responses/{ERRORS[status][0]}"} for status in sorted(statuses)}


def _content(schema: Json, example: Any = None) -> Json:
    return {"content": {_JSON: {"schema": schema} | ({} if example is None else {"example": example})}}


def _plain(example: Json) -> Json:
    """An object of which every member is as in the example."""
    kinds = {bool: "boolean", str: "string"}
    properties = {name: {"type": kinds[type(value)]} for name, value in example.items()}
    return _content({"type": "object", "required": list(example), "properties": properties}, example)


def _ready(deployment: Deployment) -> Json:
    version = deployment.knowledge.version
    return _plain({"ready": True, "storage": "ok", "version": SOFTWARE_VERSION, "knowledgeVersion": version})


def _components(services: list[Service], deployment: Deployment) -> Json:
    read = [FhirAuthorization, *(one.body for one in POSTED if one.body)]
    sent = [Discovery, OperationOutcome, *(one.answer for one in POSTED if one.answer)]
    hooks = {request_name(HOOKS[one.hook]): of_request(HOOKS[one.hook], one.prefetch) for one in services}
    failures = {
        name: {"description": said, **_content(ref(OperationOutcome.__name__), msgspec.to_builtins(example))}
        for name, said, example in ERRORS.values()
    }
    said = "A vertebral fracture ten months after the last of seven doses"
    cards = {"cards": {"summary": said, "value": msgspec.to_builtins(_example_answer(deployment))}}
    return {"schemas": of_read(read) | of_sent(sent) | hooks, "responses": failures, "examples": cards}


def example_request(hook: Hook) -> Json:
    """A request of `hook` that is answered with cards, whatever the day."""
    orders = {"resourceType": "Bundle", "type": "collection", "entry": []}
    more = {Shape.ID: "visit-1", Shape.USER: "Practitioner/1", Shape.REFERENCES: []}
    found = {name: value for name, value in canary.known_request().items() if name != "extension"}
    needed = {one.name: more.get(one.shape, orders) for one in hook.context if one.required}
    return found | {"hook": hook.name, "context": needed | {"patientId": found["context"]["patientId"]}}


def _example_answer(deployment: Deployment) -> Answer:
    """What is really answered to the known request; its identifiers are the same each time."""
    submission = requested(read_request(msgspec.json.encode(canary.known_request())), "the example")
    assert submission.as_of is not None
    evaluation = deployment.evaluate(submission, submission.as_of)
    numbers = itertools.count(1)
    maker = replace(deployment.cards, new_id=lambda: f"00000000-0000-4000-8000-{next(numbers):012}")
    return Answer(list(maker.cards(evaluation)), maker.extension(evaluation))

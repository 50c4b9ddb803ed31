"""A deployment as a client meets it: calls, and what every answer must look like."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.app import create_app
from service.settings import Settings
from tests.unit.commands.records import bundle, hook_request, zoledronate_draft

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "fhir_fixtures/hooks/patient-view/five-fractures-ten-months-after-seven-doses.json"
ISSUE_TYPES = {
    "invalid",
    "required",
    "not-found",
    "not-supported",
    "too-long",
    "exception",
    "throttled",
    "login",
    "transient",
}

Json = dict[str, Any]


def client(**options: Any) -> FlaskClient:
    """A client of a deployment on this machine, where requests may name the day of evaluation."""
    chosen: Json = {"auth": "off", "allow_as_of": True} | options
    return create_app(Settings(**chosen)).test_client()


def request_for(hook: str, **context: Any) -> Json:
    """A valid request of a hook that is served, about two doses and a fracture nine months later."""
    if hook.startswith("order"):
        context["draftOrders"] = bundle(zoledronate_draft())
    if hook == "order-select":
        context["selections"] = ["MedicationRequest/draft"]
    if hook.startswith("encounter"):
        context["encounterId"] = "visit"
    if hook == "problem-list-item-create":
        context["conditions"] = bundle()
    if hook == "appointment-book":
        context["appointments"] = bundle()
    if hook == "medication-refill":
        context["medications"] = bundle(zoledronate_draft())
    return hook_request(hook, **context)


def post(to: FlaskClient, request: object, hook: str = "patient-view", **options: Any) -> TestResponse:
    """Call a service with JSON, or with bytes as they are."""
    body = request if isinstance(request, bytes) else json.dumps(request).encode()
    sent = {"data": body, "content_type": "application/json"} | options
    return to.post(f"/cds-services/denosumab-rebound-{hook}", **sent)


def answered(response: TestResponse) -> Json:
    """The body of a success that keeps the rules of every answer."""
    assert response.status_code == 200, response.text
    assert response.mimetype == "application/json"
    body: Json = json.loads(response.data)
    assert list(empties(body)) in ([], ["cards"]), "no member may be null or empty, except that there are no cards"
    return body


def refused(response: TestResponse, status: int) -> Json:
    """The one issue of an OperationOutcome that keeps the rules of every error."""
    assert response.status_code == status, response.text
    assert response.mimetype == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    body: Json = json.loads(response.data)
    assert body["resourceType"] == "OperationOutcome"
    assert "status" not in body, "some clients take any JSON without a status for a success, and with one for theirs"
    assert list(empties(body)) == []
    [issue] = body["issue"]
    assert issue["severity"] == "error"
    assert issue["code"] in ISSUE_TYPES
    found: Json = issue
    return found


def empties(value: Any, path: str = "") -> Iterator[str]:
    """Where a null, an empty string, array or object stands."""
    if value is None or value in ("", [], {}):
        yield path
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from empties(one, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from empties(one, f"{path}[{number}]")

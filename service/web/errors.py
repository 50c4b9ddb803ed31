"""Every failure becomes an answer: an OperationOutcome for programs, a page for people, and nothing of a patient."""

from __future__ import annotations

import logging
from http import HTTPStatus

import msgspec
from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException

from service.cds_hooks.problems import OperationOutcome, Problem, outcome
from service.observation.call import noted
from service.observation.failures import kinds_and_places

_log = logging.getLogger(__name__)

_MACHINES = ("/cds-services", "/health")
_REASONS = {
    HTTPStatus.NOT_FOUND: ("not-found", "there is nothing at this address"),
    HTTPStatus.METHOD_NOT_ALLOWED: ("not-supported", "this address does not take this method"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("too-long", "the request is larger than this service reads"),
}


def register(app: Flask) -> None:
    """Answer for every failure of `app`."""
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _failure)


def _problem(problem: Problem) -> Response:
    _note(problem)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("%s: %s", type(problem).__name__, problem.reason)
    response = _answer(problem.outcome(), problem.status)
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "1"
    if problem.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _note(error: Exception) -> None:
    if (call := noted()) is not None:
        call.failure = type(error).__name__


def _http(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    code, reason = _REASONS.get(status, ("invalid", status.phrase.lower()))
    response = _answer(outcome(code, reason), status)
    response.headers.extend((name, value) for name, value in error.get_headers() if name in ("Allow", "Location"))
    return response


def _failure(error: Exception) -> Response:
    # The message of an error may quote the record; its kind and place in the code cannot.
    _note(error)
    _log.error("%s", kinds_and_places(error))
    reason = "the evaluation failed; nothing may be concluded from this answer, least of all that all is well"
    return _answer(outcome("exception", reason), HTTPStatus.INTERNAL_SERVER_ERROR)


def _answer(body: OperationOutcome, status: int) -> Response:
    asked = [kind for kind, _ in request.accept_mimetypes]
    if request.path.startswith(_MACHINES) or "text/html" not in asked:
        return Response(msgspec.json.encode(body), status, mimetype="application/json")
    said = body.issue[0].details.text
    return Response(render_template("problem.html", status=HTTPStatus(status), said=said), status)

"""Everything that can stand in the way of an answer, each with its HTTP status, and how it is told to the caller.

A message names the element at fault and never repeats its content: what a caller sends may be about a patient.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class CodeableText(msgspec.Struct):
    """Words without a code."""

    text: str


class Issue(msgspec.Struct, omit_defaults=True):
    """What is wrong (FHIR `OperationOutcome.issue`); `expression` names the element of the request."""

    severity: Literal["fatal", "error"]
    code: str
    details: CodeableText
    expression: list[str] | None = None


class OperationOutcome(msgspec.Struct):
    """The body of every answer that is not a success."""

    resourceType: Literal["OperationOutcome"]
    issue: list[Issue]


class Problem(Exception):
    """Why a request cannot be answered; `elements` say where in the request ("context.patientId")."""

    status = 500
    code = "exception"

    def __init__(self, reason: str, *elements: str) -> None:
        super().__init__(f"{elements[0]}: {reason}" if elements else reason)
        self.reason = reason
        self.elements = elements

    def outcome(self) -> OperationOutcome:
        """The problem as the caller sees it."""
        return outcome(self.code, self.reason, *self.elements)


class BadRequest(Problem):
    """The request does not follow the specification."""

    status = 400
    code = "invalid"


class Unauthorized(Problem):
    """The caller has not proven who it is; every reason is told in the same words, and none in the answer."""

    status = 401
    code = "login"

    def __init__(self) -> None:
        super().__init__("this service answers only callers that prove who they are")


class Unchecked(Problem):
    """Whether the caller may call cannot be found out now: what that needs cannot be reached."""

    status = 503
    code = "transient"


class UnknownService(Problem):
    """No service, rule or page is found at this address."""

    status = 404
    code = "not-found"


class RequiredDataMissing(Problem):
    """Data without which nothing may be concluded were not sent."""

    status = 412
    code = "required"


class UnsupportedContent(Problem):
    """The body is not JSON by its own account."""

    status = 415
    code = "not-supported"


class ServerAtFault(Problem):
    """The FHIR server of the request answered with what must not be used."""

    status = 502
    code = "exception"


class Overloaded(Problem):
    """The request waited longer for its turn than the time budget allows."""

    status = 503
    code = "throttled"


class NotReady(Problem):
    """This worker does not give the answer that is known for certain."""

    status = 503
    code = "exception"


def outcome(code: str, reason: str, *elements: str) -> OperationOutcome:
    """An OperationOutcome of one issue; `code` is one of FHIR's issue types."""
    issue = Issue("error", code, CodeableText(f"{elements[0]} {reason}" if len(elements) == 1 else reason))
    issue.expression = list(elements) or None
    return OperationOutcome("OperationOutcome", [issue])

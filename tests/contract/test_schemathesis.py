"""An independent tester calls every address as its description says, and as it does not say."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.contract.calls import client

CHECKS: list[CheckFunction] = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]
"""All that hold for a service that reads FHIR, which no schema of ours describes: what follows the schema of a request
may still be refused, such as a record of another patient."""

schema = schemathesis.openapi.from_wsgi("/openapi.json", client().application)


@schema.parametrize()
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_no_call_ends_in_a_failure_or_in_an_answer_that_is_not_described(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(checks=CHECKS)

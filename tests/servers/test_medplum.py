"""Two real parts with the service between them: Medplum's client discovers it, asks HAPI's server, and calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.serving import MEDPLUM, directly, lacking, service_of, serving, what_is_said, with_medplum
from tests.servers.fhir import FhirServer, hook_requests


@pytest.mark.skipif(lacking(MEDPLUM) is not None, reason=str(lacking(MEDPLUM)))
def test_the_prefetch_that_medplum_fills_gives_the_cards_of_the_fixture(
    fhir_server: FhirServer, tmp_path: Path
) -> None:
    requests = list(hook_requests().values())
    with serving(tmp_path) as cds:
        answers = with_medplum(cds, requests, fhir=fhir_server.base)["answers"]
        for request, answer in zip(requests, answers, strict=True):
            assert what_is_said(answer["said"]) == what_is_said(directly(cds, request)), service_of(request)
            assert answer["said"]["cards"]

"""Clients that others wrote call every hook that they know, and read in the answer what the service said."""

from __future__ import annotations

import httpx
import pytest

from service.cds_hooks.hooks import HOOKS
from tests.clients.serving import (
    HEALTHCHAIN,
    MEDPLUM,
    Json,
    directly,
    lacking,
    service_of,
    what_is_said,
    with_healthchain,
    with_medplum,
)
from tests.contract.calls import request_for
from tests.servers.fhir import hook_requests

KNOWN_TO_HEALTHCHAIN = ("patient-view", "order-select", "order-sign", "encounter-discharge")

medplum = pytest.mark.skipif(lacking(MEDPLUM) is not None, reason=str(lacking(MEDPLUM)))
healthchain = pytest.mark.skipif(lacking(HEALTHCHAIN) is not None, reason=str(lacking(HEALTHCHAIN)))


def requests() -> list[Json]:
    """A request of every hook that is served, and the hook requests of the fixtures."""
    return [*(request_for(hook) for hook in HOOKS), *hook_requests().values()]


def indicators(answers: list[Json]) -> set[str]:
    return {card["indicator"] for answer in answers for card in answer["cards"]}


@medplum
def test_medplum_discovers_every_service(cds: str) -> None:
    offered = httpx.get(cds, trust_env=False).json()["services"]
    found = with_medplum(cds, [])["services"]
    assert found == [one["id"] for one in offered]
    assert len(found) == len(HOOKS) == 8


@medplum
def test_medplum_calls_every_hook_and_gets_its_cards(cds: str) -> None:
    asked = requests()
    answers = [answer["said"] for answer in with_medplum(cds, asked)["answers"]]
    for request, answer in zip(asked, answers, strict=True):
        assert what_is_said(answer) == what_is_said(directly(cds, request)), service_of(request)
    assert indicators(answers) == {"critical", "warning", "info"}


@medplum
def test_medplum_reads_a_refusal_as_what_it_is(cds: str) -> None:
    request = request_for("patient-view")
    [answer] = with_medplum(cds, [{**request, "prefetch": {}}])["answers"]
    assert answer["outcome"]["resourceType"] == "OperationOutcome"
    [issue] = answer["outcome"]["issue"]
    assert issue["severity"] == "error"
    assert "prefetch.patient" in issue["expression"]


@healthchain
def test_healthchain_calls_every_hook_that_it_knows_and_reads_its_cards(cds: str) -> None:
    asked = [request for request in requests() if request["hook"] in KNOWN_TO_HEALTHCHAIN]
    answers = with_healthchain(cds, asked)
    for request, answer in zip(asked, answers, strict=True):
        expected = directly(cds, request)["cards"]
        read = [(card["summary"], card["indicator"], card["detail"]) for card in answer["read"]]
        assert read == [(card["summary"], card["indicator"], card["detail"]) for card in expected], service_of(request)
    assert {request["hook"] for request in asked} == set(KNOWN_TO_HEALTHCHAIN)
    assert indicators([answer["said"] for answer in answers]) == {"critical", "warning", "info"}


@healthchain
def test_healthchain_misses_only_what_the_specification_leaves_out_or_spells_otherwise(cds: str) -> None:
    asked = [request for request in requests() if request["hook"] in KNOWN_TO_HEALTHCHAIN]
    refused = {member for answer in with_healthchain(cds, asked) for member in answer["refused"]}
    # isRecommended is optional there; autolaunchable, which it spells otherwise, is for links to apps.
    assert refused == {"autoLaunchable", "isRecommended"}

"""HL7's own good and bad files, as far as they are present: the good parse, the bad are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from service.cds_hooks.card_messages import Action, Card, Link, Source, Suggestion
from tests.contract.calls import ROOT, client, post, refused

FOLDER = ROOT.parent / "shared" / "data" / "hl7-cds-hooks"
GOOD = ["patient-view-good", "order-select-good", "order-sign-good", "pv-good"]
BAD = {
    "patient-view-bad": "context.patientId",
    "order-select-bad": "context.patientId",
    "order-select-extensions": "context.draftOrders",
    "order-sign-bad-1": "context.patientId",
    "order-sign-bad-2": "context.patientId",
}

MESSAGES = {
    "cards": Card,
    "cards.source": Source,
    "cards.links": Link,
    "cards.suggestions": Suggestion,
    "cards.suggestions.actions": Action,
}


@pytest.fixture(scope="module")
def clinic() -> FlaskClient:
    return client()


def example(name: str) -> bytes:
    path: Path = FOLDER / f"cdshooks-request-{name}.json"
    if not path.exists():
        pytest.skip(f"HL7's {path.name} is not here")
    return path.read_bytes()


@pytest.mark.parametrize("name", GOOD)
def test_a_good_request_is_understood_and_lacks_only_our_prefetch(clinic: FlaskClient, name: str) -> None:
    body = example(name)
    issue = refused(post(clinic, body, json.loads(body)["hook"]), 412)
    assert "prefetch.conditions" in issue["expression"]


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_is_refused_by_the_member_that_hl7_names(clinic: FlaskClient, name: str) -> None:
    body = example(name)
    assert refused(post(clinic, body, json.loads(body)["hook"]), 400)["expression"] == [BAD[name]]


def test_our_cards_have_the_members_of_hl7s_model() -> None:
    path = FOLDER / "CDSHooksResponse.json"
    if not path.exists():
        pytest.skip(f"HL7's {path.name} is not here")
    model = {element["path"].split(".", 1)[-1] for element in json.loads(path.read_bytes())["snapshot"]["element"]}
    for within, kind in MESSAGES.items():
        assert {f"{within}.{field}" for field in kind.__struct_fields__} <= model

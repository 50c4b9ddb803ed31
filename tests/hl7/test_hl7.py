"""HL7's own good and bad files and its logical models: our checker agrees with them, and our answers pass it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.cds_hooks.card_messages import EXTENSION, Action, Card, Link, Source, Suggestion
from service.cds_hooks.requests import AS_OF
from tests.contract.calls import ROOT, answered, client, post, refused, request_for
from tests.hl7.checker import Models
from tests.hl7.invariants import INVARIANTS, broken_in_feedback

FOLDER = ROOT.parent / "shared" / "data" / "hl7-cds-hooks"
REQUESTS = sorted((ROOT / "fhir_fixtures/hooks").glob("*/*.json"))
MODELS = {"request": "CDSHooksRequest", "response": "CDSHooksResponse", "services": "CDSHooksServices"}
needs_hl7 = pytest.mark.skipif(not FOLDER.exists(), reason="HL7's CDS Hooks files and models are not here")

GOOD_REQUESTS = ["order-select-good", "order-sign-good", "patient-view-good", "pv-good"]
BAD_REQUESTS = {
    "patient-view-bad": "context.patientId",
    "order-select-bad": "context.patientId",
    "order-select-extensions": "context.draftOrders",
    "order-sign-bad-1": "context.patientId",
    "order-sign-bad-2": "context.patientId",
}
VERDICTS = {
    **{f"request-{name}": True for name in GOOD_REQUESTS},
    **{f"request-{name}": False for name in BAD_REQUESTS},
    **{f"response-{name}": True for name in ("empty", "empty-good", "good", "link", "no-link", "source-link")},
    **{f"response-{name}": False for name in ("empty-bad", "empty2", "empty-source", "suggestion")},
    "response-two-cards": True,
    "services-good": True,
    "services-order-select-extensions": False,
}
"""Whether each of HL7's files is good: by its verdict, and by the name of the two that have none."""

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


@pytest.fixture(scope="module")
def models() -> Models:
    return Models(FOLDER, frozenset({EXTENSION, AS_OF}))


def example(name: str) -> bytes:
    return (FOLDER / f"cdshooks-{name}.json").read_bytes()


def verdict_file(name: str) -> Path:
    return FOLDER / f"R4.cdshooks-{name.replace('order-sign-bad-1', 'bad-1')}-logical.json"


@needs_hl7
def test_every_file_of_hl7_is_judged_and_every_verdict_is_the_one_written_here() -> None:
    names = {path.stem.removeprefix("cdshooks-") for path in FOLDER.glob("cdshooks-*.json")}
    assert set(VERDICTS) == names
    assert len(names) == 22
    without = {name for name in VERDICTS if not verdict_file(name).exists()}
    assert without == {"response-empty-bad", "response-empty-good"}
    for name in VERDICTS.keys() - without:
        issues = json.loads(verdict_file(name).read_bytes()).get("issue", [])
        assert VERDICTS[name] == (not issues), name


@needs_hl7
@pytest.mark.parametrize("name", VERDICTS)
def test_our_checker_agrees_with_hl7s_verdict(models: Models, name: str) -> None:
    faults = models.faults(MODELS[name.split("-")[0]], json.loads(example(name)))
    assert (faults == []) == VERDICTS[name], faults


@needs_hl7
def test_every_invariant_of_the_models_is_checked(models: Models) -> None:
    later = {"cds-resp-7", "cds-fb-1", "cds-fb-2", "cds-fb-3"}
    assert models.constraints() == set(INVARIANTS) - later


@needs_hl7
@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_our_requests_and_answers_pass(clinic: FlaskClient, models: Models, path: Path) -> None:
    body = path.read_bytes()
    assert models.faults("CDSHooksRequest", json.loads(body)) == []
    answer = answered(post(clinic, body, path.parent.name))
    assert models.faults("CDSHooksResponse", answer) == []


@needs_hl7
def test_our_discovery_passes(clinic: FlaskClient, models: Models) -> None:
    discovery = answered(clinic.get("/cds-services"))
    assert len(discovery["services"]) == 8
    assert models.faults("CDSHooksServices", discovery) == []


@needs_hl7
@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("indicator", "hard-stop"),
        ("selectionBehavior", None),
        ("summary", ""),
        ("uuid", "1"),
        ("links", []),
        ("links", [{"label": "l", "url": "https://e.org", "type": "absolute", "appContext": "c"}]),
        ("overrideReasons", [{"code": "c", "system": "urn:s"}]),
        ("source", {"label": "l", "name": "n"}),
        ("suggestions", [{"label": "l", "actions": [{"type": "create"}]}]),
        ("suggestions", {"label": "l"}),
    ],
)
def test_a_spoilt_answer_fails(clinic: FlaskClient, models: Models, member: str, value: Any) -> None:
    answer = copy.deepcopy(answered(post(clinic, request_for("patient-view"))))
    card = next(one for one in answer["cards"] if "suggestions" in one)
    if value is None:
        del card[member]
    else:
        card[member] = value
    assert models.faults("CDSHooksResponse", answer)


@needs_hl7
@pytest.mark.parametrize("name", GOOD_REQUESTS)
def test_a_good_request_is_understood_and_lacks_only_our_prefetch(clinic: FlaskClient, name: str) -> None:
    body = example(f"request-{name}")
    issue = refused(post(clinic, body, json.loads(body)["hook"]), 412)
    assert "prefetch.conditions" in issue["expression"]


@needs_hl7
@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_a_bad_request_is_refused_by_the_member_that_hl7_names(clinic: FlaskClient, name: str) -> None:
    body = example(f"request-{name}")
    assert refused(post(clinic, body, json.loads(body)["hook"]), 400)["expression"] == [BAD_REQUESTS[name]]


@needs_hl7
def test_our_cards_have_the_members_of_hl7s_model() -> None:
    elements = json.loads((FOLDER / "CDSHooksResponse.json").read_bytes())["snapshot"]["element"]
    model = {element["path"].split(".", 1)[-1] for element in elements}
    for within, kind in MESSAGES.items():
        assert {f"{within}.{name}" for name in kind.__struct_fields__} <= model


@pytest.mark.parametrize(
    ("key", "kept", "broken"),
    [
        ("cds-r-1", {"fhirAuthorization": {}, "fhirServer": "s"}, {"fhirAuthorization": {}}),
        ("cds-r-2", {"scope": "Patient/*.read", "patient": "p"}, {"scope": "Patient/*.read"}),
        ("ord-1", "MedicationRequest/a", "a"),
        (
            "cds-resp-1",
            {"selectionBehavior": "any", "suggestions": [{"isRecommended": True}] * 2},
            {"selectionBehavior": "at-most-one", "suggestions": [{"isRecommended": True}] * 2},
        ),
        ("cds-resp-2", {"type": "delete", "resourceId": "A/1"}, {"type": "delete", "resource": {}}),
        ("cds-resp-3", {"type": "smart", "appContext": "c"}, {"type": "absolute", "appContext": "c"}),
        ("cds-resp-4", {"display": "d"}, {"code": "c"}),
        ("cds-resp-5", {"actions": [{"description": "d"}]}, {"actions": [{"description": "d"}, {}]}),
        ("cds-resp-6", {"suggestions": [{}], "selectionBehavior": "any"}, {"suggestions": [{}]}),
        ("cds-resp-7", {"actionSelectionBehavior": "all"}, {"actionSelectionBehavior": "none"}),
        ("cds-fb-1", {"outcome": "overridden"}, {"outcome": "ignored"}),
        ("cds-fb-2", {"outcome": "accepted", "acceptedSuggestions": [{"id": "i"}]}, {"outcome": "accepted"}),
        ("cds-fb-3", {"userComment": "c"}, {}),
    ],
)
def test_an_invariant_is_kept_and_broken(key: str, kept: Any, broken: Any) -> None:
    assert INVARIANTS[key](kept)
    assert not INVARIANTS[key](broken)


def test_feedback_is_judged_entry_by_entry() -> None:
    assert broken_in_feedback({"outcome": "overridden", "overrideReason": {"userComment": "c"}}) == []
    assert broken_in_feedback({"outcome": "overridden", "overrideReason": {}}) == ["cds-fb-3"]
    assert broken_in_feedback({"outcome": "accepted"}) == ["cds-fb-2"]

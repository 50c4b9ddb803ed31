"""A clinician's answer to a card is remembered, counted, and keeps the card away as long as its reason holds."""

from __future__ import annotations

import copy
import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from werkzeug.test import TestResponse

from service.app import application
from service.cds_hooks.card_messages import EXTENSION
from service.commands import main
from service.deployment import deploy
from service.settings import Settings
from service.storage.memory import Memory, open_memory
from service.storage.sql import database_url
from tests.contract.calls import EXAMPLE, ROOT, Json, answered, client, post, refused

BLOCKED = ROOT / "fhir_fixtures/hooks/order-sign"
PATH = "/cds-services/denosumab-rebound-patient-view/feedback"
NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
WHEN = "2026-11-01T08:59:59.123Z"


class Clinic:
    """A deployment with a database of its own and a clock that tests turn."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.url = f"sqlite:///{folder / 'clinic.sqlite3'}"
        chosen = Settings(**{"auth": "off", "allow_as_of": True, "database_url": self.url, **options})
        self.memory: Memory = open_memory(chosen)
        self.time = NOW
        self.http: FlaskClient = application(deploy(chosen), now=lambda: self.time, memory=self.memory).test_client()

    def call(self, request: Json, hook: str = "patient-view") -> Json:
        return answered(post(self.http, request, hook))

    def report(self, *reports: Json, path: str = PATH) -> TestResponse:
        return self.http.post(path, json={"feedback": list(reports)})

    def written(self, table: str, number: int) -> list[Any]:
        """The rows of a table, once there are so many."""
        engine = create_engine(database_url(self.url))
        until = time.monotonic() + 20
        while True:
            with engine.connect() as connection:
                rows = list(connection.execute(text(f"SELECT * FROM {table}")).mappings())
            if len(rows) == number or time.monotonic() > until:
                engine.dispose()
                assert len(rows) == number
                return rows
            time.sleep(0.05)

    def set_aside(self, card: Json, reason: str, number: int = 1) -> None:
        """Override a card, and wait until that is known."""
        assert self.report(overridden(card, reason)).status_code == 200
        self.written("overrides", number)


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    made = Clinic(tmp_path)
    yield made
    made.memory.close()


def example(**context: Any) -> Json:
    request: Json = json.loads(EXAMPLE.read_bytes())
    request["context"] |= context
    return request


def overridden(card: Json, reason: str | None = "specialist-managing", **changed: Any) -> Json:
    why = {} if reason is None else {"overrideReason": {"reason": {"code": reason, "system": "urn:x"}}}
    return {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": WHEN, **why, **changed}


def accepted(card: Json, suggestion: Json) -> Json:
    taken = [{"id": suggestion["uuid"]}]
    return {"card": card["uuid"], "outcome": "accepted", "acceptedSuggestions": taken, "outcomeTimestamp": WHEN}


def summaries(answer: Json) -> list[str]:
    return [card["summary"] for card in answer["cards"]]


def test_a_card_that_was_set_aside_for_a_reason_does_not_return(clinic: Clinic) -> None:
    before = clinic.call(example())
    first = before["cards"][0]
    clinic.set_aside(first, "specialist-managing")
    after = clinic.call(example())
    assert first["summary"] in summaries(before)
    assert first["summary"] not in summaries(after)
    assert after["extension"][EXTENSION]["snoozed"] == first["extension"][EXTENSION]["rules"]
    assert after["extension"][EXTENSION]["rules"] == before["extension"][EXTENSION]["rules"], "every rule still speaks"


def test_with_all_cards_set_aside_the_list_is_empty_and_says_why(clinic: Clinic) -> None:
    number = 0
    while cards := clinic.call(example())["cards"]:
        number += 1
        assert number < 10
        clinic.set_aside(cards[0], "specialist-managing", number)
    assert number > 1
    assert clinic.call(example())["extension"][EXTENSION]["snoozed"]


def test_it_still_speaks_to_another_role_and_about_another_patient(clinic: Clinic) -> None:
    before = clinic.call(example())
    clinic.set_aside(before["cards"][0], "specialist-managing")
    assert summaries(clinic.call(example(userId="PractitionerRole/nurse"))) == summaries(before)
    assert summaries(clinic.call(example(userId="Practitioner/colleague"))) != summaries(before)
    other = json.loads(json.dumps(example()).replace("five-fractures", "six-fractures"))
    if other["context"]["patientId"] == example()["context"]["patientId"]:
        other = json.loads(json.dumps(example()).replace(example()["context"]["patientId"], "somebody-else"))
    assert summaries(clinic.call(other)) == summaries(before)


def test_it_returns_when_its_time_is_over(clinic: Clinic) -> None:
    before = clinic.call(example())
    clinic.set_aside(before["cards"][0], "specialist-managing")
    clinic.time = NOW + timedelta(days=29)
    assert summaries(clinic.call(example())) != summaries(before)
    clinic.time = NOW + timedelta(days=31)
    assert summaries(clinic.call(example())) == summaries(before), "a critical card rests for 30 days at most"


def test_it_returns_when_what_it_rests_on_changes(clinic: Clinic) -> None:
    before = clinic.call(example())
    clinic.set_aside(before["cards"][0], "specialist-managing")
    more = example()
    conditions = more["prefetch"]["conditions"]["entry"]
    again = copy.deepcopy(next(one for one in conditions if one["resource"]["id"] == "fracture-l1"))
    again["resource"]["id"] = "one-more-fracture"
    again["resource"].pop("bodySite", None)
    again["resource"]["code"] = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "S22.060A"}]}
    conditions.append(again)
    after = clinic.call(more)
    assert "snoozed" not in after["extension"][EXTENSION]
    rules = [card["extension"][EXTENSION]["rules"] for card in (before["cards"][0], after["cards"][0])]
    assert rules[0] == rules[1]


def test_without_a_reason_it_returns(clinic: Clinic) -> None:
    before = clinic.call(example())
    report = overridden(before["cards"][0], None, overrideReason={"userComment": "not now"})
    assert clinic.report(report).status_code == 200
    clinic.written("feedback_events", 1)
    assert summaries(clinic.call(example())) == summaries(before)


def test_a_site_can_switch_it_off(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, snooze=False)
    before = clinic.call(example())
    clinic.set_aside(before["cards"][0], "specialist-managing")
    assert summaries(clinic.call(example())) == summaries(before)
    clinic.memory.close()


def spoke(answer: Json, rule: str) -> bool:
    return any(rule in card["extension"][EXTENSION]["rules"] for card in answer["cards"])


def test_a_block_of_an_order_always_speaks(clinic: Clinic) -> None:
    requests = [json.loads(path.read_bytes()) for path in sorted(BLOCKED.glob("*.json"))]
    request = next(one for one in requests if spoke(clinic.call(one, "order-sign"), "RVFX-27"))
    before = clinic.call(request, "order-sign")
    for number, card in enumerate(before["cards"], 1):
        clinic.set_aside(card, "specialist-plan", number)
    after = clinic.call(request, "order-sign")
    assert spoke(after, "RVFX-27")


def test_what_is_kept_of_a_call_names_nobody(clinic: Clinic) -> None:
    cards = clinic.call(example())["cards"]
    [row] = clinic.written("evaluations", 1)
    kept = clinic.written("cards", len(cards))
    assert row["role"] == "Practitioner"
    assert row["fracture_class"]
    assert len(row["patient"]) == 64
    assert {one["id"] for one in kept} == {card["uuid"] for card in cards}
    offered = {one["uuid"] for card in cards for one in card.get("suggestions", ())}
    assert {uuid for one in kept for uuid in json.loads(one["suggestions"])} == offered
    request = example()
    said = json.dumps([dict(one) for one in (row, *kept)], default=str)
    personal = {request["context"]["patientId"], request["context"]["userId"], *dates(request["prefetch"])}
    assert len(personal) > 10
    assert not [one for one in personal if one in said]


def dates(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from dates(one)
    elif isinstance(value, list):
        for one in value:
            yield from dates(one)
    elif isinstance(value, str) and value[:2] in ("19", "20") and value[4:5] == "-":
        yield value[:10]


def test_a_silent_evaluation_is_kept_with_the_cards_that_nobody_saw(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, mode="silent")
    assert clinic.call(example())["cards"] == []
    [row] = clinic.written("evaluations", 1)
    assert row["mode"] == "silent"
    assert json.loads(row["indicators"])[0] == "critical"
    clinic.memory.close()


def test_the_same_report_again_is_no_second_event(clinic: Clinic) -> None:
    [first, *_] = clinic.call(example())["cards"]
    report = overridden(first)
    for _ in range(3):
        assert clinic.report(report, report).status_code == 200
    assert clinic.report(accepted(first, first["suggestions"][0])).status_code == 200
    events = clinic.written("feedback_events", 2)
    assert sorted(one["outcome"] for one in events) == ["accepted", "overridden"]


def test_several_cards_and_unknown_ones_are_taken_in_one_call(clinic: Clinic) -> None:
    first, second, *_ = clinic.call(example())["cards"]
    response = clinic.report(overridden(first), overridden(second, None), overridden({"uuid": str(uuid.uuid4())}))
    assert (response.status_code, response.data, response.mimetype) == (200, b"{}", "application/json")
    clinic.written("feedback_events", 3)


def test_one_report_that_does_not_hold_lets_none_pass(clinic: Clinic) -> None:
    [first, *_] = clinic.call(example())["cards"]
    clinic.written("evaluations", 1)
    bad = overridden(first) | {"outcomeTimestamp": "0001-01-01T00:00:00+14:00"}
    issue = refused(clinic.report(overridden(first), bad), 400)
    assert issue["expression"] == ["feedback[1].outcomeTimestamp"]
    assert clinic.report(overridden(first, outcomeTimestamp="2026-11-01T09:00:00+01:00")).status_code == 200
    [kept] = clinic.written("feedback_events", 1)
    assert kept["outcome_at"].startswith("2026-11-01 08:00:00")


CARD = str(uuid.uuid4())
GOOD: Json = {"card": CARD, "outcome": "overridden", "outcomeTimestamp": WHEN}
TAKEN: Json = {**GOOD, "outcome": "accepted"}


@pytest.mark.parametrize(
    ("body", "element"),
    [
        ({}, "feedback"),
        ({"feedback": []}, "feedback"),
        ({"feedback": None}, "feedback"),
        ({"feedback": [GOOD] * 1001}, "feedback"),
        ([], "body"),
        ({"feedback": [GOOD, {}]}, "feedback[1].outcome"),
        ({"feedback": [{**GOOD, "outcome": "ignored"}]}, "feedback[0].outcome"),
        ({"feedback": [{"outcome": "overridden", "outcomeTimestamp": WHEN}]}, "feedback[0].card"),
        ({"feedback": [{**GOOD, "card": "Anna Lind"}]}, "feedback[0].card"),
        ({"feedback": [{"card": CARD, "outcome": "overridden"}]}, "feedback[0].outcomeTimestamp"),
        ({"feedback": [{**GOOD, "outcomeTimestamp": "2026-11-01T09:00:00"}]}, "feedback[0].outcomeTimestamp"),
        ({"feedback": [{**GOOD, "outcomeTimestamp": "today"}]}, "feedback[0].outcomeTimestamp"),
        ({"feedback": [TAKEN]}, "feedback[0].acceptedSuggestions"),
        ({"feedback": [{**TAKEN, "acceptedSuggestions": []}]}, "feedback[0].acceptedSuggestions"),
        ({"feedback": [{**TAKEN, "acceptedSuggestions": [{"id": "1"}]}]}, "feedback[0].acceptedSuggestions[0].id"),
        ({"feedback": [{**GOOD, "overrideReason": {"reason": {}}}]}, "feedback[0].overrideReason.reason.code"),
        ({"feedback": [{**GOOD, "overrideReason": {"userComment": 7}}]}, "feedback[0].overrideReason.userComment"),
    ],
)
def test_what_is_wrong_is_named_and_not_repeated(body: Any, element: str) -> None:
    issue = refused(client().post(PATH, json=body), 400)
    assert issue["expression"] == [element]
    assert "Anna" not in json.dumps(issue)


@pytest.mark.parametrize(
    "report",
    [
        {**GOOD, "overrideReason": None},
        {**GOOD, "overrideReason": {}},
        {**GOOD, "overrideReason": {"reason": {"code": "own", "display": "Our own", "system": None}, "more": 1}},
        {**GOOD, "acceptedSuggestions": []},
        {**GOOD, "card": CARD.upper(), "outcomeTimestamp": "2026-11-01T09:00:00.123456789+05:30"},
    ],
)
def test_what_clients_add_or_leave_empty_is_no_fault(report: Json) -> None:
    assert client().post(PATH, json={"feedback": [report]}).status_code == 200


def test_a_comment_is_kept_short_and_without_what_no_database_takes(clinic: Clinic) -> None:
    report = {**GOOD, "overrideReason": {"userComment": "a\x00b" + "c" * 2000}}
    assert clinic.report(report).status_code == 200
    [kept] = clinic.written("feedback_events", 1)
    assert kept["comment"] == "ab" + "c" * 998


def test_other_bodies_methods_and_services_are_refused_as_for_a_call() -> None:
    http = client(max_body_bytes=2000)
    refused(http.post(PATH, data="{}", content_type="text/plain"), 415)
    refused(http.post(PATH, data=b"{", content_type="application/json"), 400)
    refused(http.post(PATH, data=b"[" * 1500, content_type="application/json"), 400)
    refused(http.post(PATH, data=b" " * 2001, content_type="application/json"), 413)
    refused(http.get(PATH), 405)
    refused(http.post("/cds-services/another/feedback", json={"feedback": [GOOD]}), 404)


def reported(monkeypatch: pytest.MonkeyPatch, clinic: Clinic, *words: str) -> Result:
    monkeypatch.setenv("REBOUNDWATCH_DATABASE_URL", clinic.url)
    return CliRunner().invoke(main, ["feedback", "report", *words])


def test_the_report_says_rule_by_rule_what_became_of_the_cards(monkeypatch: pytest.MonkeyPatch, clinic: Clinic) -> None:
    first, *others = clinic.call(example())["cards"]
    again = clinic.call(example())["cards"][0]
    clinic.report(accepted(first, first["suggestions"][0]), overridden(again, "specialist-managing"))
    clinic.written("feedback_events", 2)
    clinic.written("cards", 2 * (1 + len(others)))
    found = json.loads(reported(monkeypatch, clinic, "--format", "json").output)
    rule = first["extension"][EXTENSION]["rules"][0]
    [line] = [one for one in found["rules"] if one["rule"] == rule]
    assert (line["shown"], line["accepted"], line["overridden"]) == (2, 1, 1)
    assert line["reasons"] == {"specialist-managing": 1}
    assert sum(line["suggestions"].values()) == 1
    text_form = reported(monkeypatch, clinic)
    assert text_form.exit_code == 0
    assert f"{rule:<9}      2       1 (50 %)       1 (50 %)  " in text_form.output
    assert "set aside: specialist-managing 1" in text_form.output
    rows = reported(monkeypatch, clinic, "--format", "csv").output.splitlines()
    assert rows[0] == "rule,title,shown,accepted,overridden,reasons,suggestions"
    assert any(row.startswith(f"{rule},") and ",2,1,1,specialist-managing 1," in row for row in rows)
    assert "No card was shown" in reported(monkeypatch, clinic, "--since", "2026-11-02").output


def test_a_report_without_a_database_makes_none_and_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REBOUNDWATCH_DATABASE_URL", f"sqlite:///{tmp_path / 'no.sqlite3'}")
    result = CliRunner().invoke(main, ["feedback", "report"])
    assert result.exit_code == 2
    assert "has no tables" in result.output
    assert list(tmp_path.iterdir()) == []

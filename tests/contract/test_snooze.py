"""Which cards stay away after they were set aside, over HTTP and with a real database; what wakes them, and when."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from service.cds_hooks.card_messages import EXTENSION
from tests.contract.calls import Json, answered, post, refused
from tests.contract.test_feedback import BLOCKED, NOW, Clinic, example, overridden, summaries
from tests.trust.issuing import BASE, SERVICE, Ehr, site
from tests.unit.commands.records import bundle, hook_request, resource

JUDGED = BLOCKED / "denosumab-on-dialysis-without-blood-tests.json"
"""A draft of denosumab on which a card speaks that may be set aside: it warns, and stands in nobody's way."""


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    made = Clinic(tmp_path)
    yield made
    made.memory.close()


def set_aside(answer: Json) -> list[str]:
    found: list[str] = answer["extension"][EXTENSION].get("snoozed", [])
    return found


@pytest.mark.parametrize("said", ["2099-01-01T00:00:00Z", "2026-11-01T09:00:01Z", "9999-12-31T23:59:59Z"])
def test_a_client_whose_clock_is_ahead_silences_a_critical_card_for_thirty_days_all_the_same(
    clinic: Clinic, said: str
) -> None:
    before = clinic.call(example())
    assert before["cards"][0]["indicator"] == "critical"
    assert clinic.report(overridden(before["cards"][0], outcomeTimestamp=said)).status_code == 200
    clinic.written("overrides", 1)
    assert set_aside(clinic.call(example()))
    clinic.time = NOW + timedelta(days=29)
    assert set_aside(clinic.call(example()))
    clinic.time = NOW + timedelta(days=30)
    assert summaries(clinic.call(example())) == summaries(before)


def order() -> Json:
    request: Json = json.loads(JUDGED.read_bytes())
    return request


def drafts(request: Json) -> list[Json]:
    found: list[Json] = request["context"]["draftOrders"]["entry"]
    return found


def stamped(request: Json) -> None:
    request["context"]["draftOrders"] |= {"id": "another", "timestamp": "2026-11-01T09:00:01Z"}


def beside_another_draft(request: Json) -> None:
    owner = request["context"]["patientId"]
    other = {"status": "draft", "intent": "order", "medicationCodeableConcept": {"text": "codeine linctus"}}
    drafts(request).insert(0, {"resource": resource("MedicationRequest", "cough", owner, **other)})


def of_another_day(request: Json) -> None:
    drafts(request)[0]["resource"]["authoredOn"] = "2026-02-28"


def of_another_name(request: Json) -> None:
    drafts(request)[0]["resource"]["id"] = "drafted-again"


def beside_what_is_no_draft(request: Json) -> None:
    drafts(request).append({"resource": {"resourceType": "Basic", "id": 7}})


@pytest.mark.parametrize("changed", [stamped, beside_another_draft])
def test_a_card_on_an_order_stays_away_while_that_draft_is_the_same(
    clinic: Clinic, changed: Callable[[Json], None]
) -> None:
    request = order()
    [card] = clinic.call(request, "order-sign")["cards"]
    clinic.set_aside(card, "specialist-plan")
    changed(request)
    assert set_aside(clinic.call(request, "order-sign")) == card["extension"][EXTENSION]["rules"]


@pytest.mark.parametrize("changed", [of_another_day, of_another_name, beside_what_is_no_draft])
def test_it_returns_when_the_draft_is_another_or_cannot_be_told_from_others(
    clinic: Clinic, changed: Callable[[Json], None]
) -> None:
    request = order()
    [card] = clinic.call(request, "order-sign")["cards"]
    clinic.set_aside(card, "specialist-plan")
    assert set_aside(clinic.call(request, "order-sign"))
    changed(request)
    after = clinic.call(request, "order-sign")
    assert set_aside(after) == []
    assert after["cards"][0]["extension"][EXTENSION]["rules"] == card["extension"][EXTENSION]["rules"]


def test_what_was_set_aside_makes_room_for_the_next(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, max_cards=1)
    [first] = clinic.call(example())["cards"]
    clinic.set_aside(first, "specialist-managing")
    [second] = clinic.call(example())["cards"]
    assert second["summary"] != first["summary"]
    clinic.memory.close()


def test_a_record_seen_in_part_is_no_failure_when_all_that_it_says_was_set_aside(clinic: Clinic) -> None:
    request = hook_request()
    request["prefetch"]["conditions"] |= {"link": [{"relation": "next", "url": "https://ehr.example.org/page2"}]}
    number = 0
    while cards := clinic.call(request)["cards"]:
        number += 1
        assert number < 10
        clinic.set_aside(cards[0], "specialist-managing", number)
    assert number
    assert set_aside(clinic.call(request))


def test_an_order_that_cannot_be_read_is_no_silence_beside_advice_that_was_set_aside(clinic: Clinic) -> None:
    unread = resource("MedicationRequest", "draft", "anna", medicationReference={"reference": "Medication/local"})
    request = hook_request("order-sign", draftOrders=bundle(unread))
    for number in range(1, 10):
        response = post(clinic.http, request, "order-sign")
        if response.status_code != 200:
            break
        clinic.set_aside(answered(response)["cards"][0], "specialist-managing", number)
    assert number > 1, "there was advice, and it was set aside"
    assert refused(response, 412)["expression"] == ["context.draftOrders"]


NORTH, SOUTH = Ehr(), Ehr(iss="https://south.example.org", name="south", number=1)


@pytest.mark.parametrize(
    ("reporter", "tenant", "held"),
    [(NORTH, "a", True), (NORTH, "b", False), (SOUTH, "a", False)],
    ids=["the client itself", "another tenant of it", "another client"],
)
def test_only_who_was_shown_a_card_can_set_it_aside(tmp_path: Path, reporter: Ehr, tenant: str, held: bool) -> None:
    url = f"sqlite:///{tmp_path / 'site.sqlite3'}"
    worker = site(tmp_path, NORTH, SOUTH, database_url=url)
    request = hook_request()
    del request["extension"]

    def posted(ehr: Ehr, within: str, body: Json, under: str = "") -> TestResponse:
        signed = {"Authorization": f"Bearer {ehr.token(f'{SERVICE}{under}', tenant=within)}"}
        path = SERVICE.removeprefix(BASE) + under
        return worker.test_client().post(path, json=body, headers=signed)

    card = answered(posted(NORTH, "a", request))["cards"][0]
    now = datetime.now(UTC).isoformat()
    report = {"feedback": [overridden(card, outcomeTimestamp=now)]}
    assert posted(reporter, tenant, report, "/feedback").status_code == 200
    worker.extensions["memory"].close()  # which writes what waits
    worker = site(tmp_path, NORTH, SOUTH, database_url=url)
    assert bool(set_aside(answered(posted(NORTH, "a", request)))) == held
    worker.extensions["memory"].close()

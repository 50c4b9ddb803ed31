"""Whether the EHR sends the record or this service fetches it, the cards are the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.cds_hooks.card_messages import EXTENSION
from service.clients import Capabilities
from tests.access.fhir_server import Asked, Json, serving
from tests.access.hospital import TOKEN, authorization, clinic, record, without_prefetch
from tests.contract.calls import ROOT, answered, post
from tests.storybook.routes import settled
from tests.unit.commands.records import bundle, fracture, hook_request, injection, patient, resource

FIXTURES = sorted((ROOT / "fhir_fixtures/hooks").rglob("*.json"))


def resources(prefetch: Json) -> Iterator[Json]:
    for value in prefetch.values():
        if value is not None and value["resourceType"] == "Bundle":
            yield from (entry["resource"] for entry in value.get("entry", ()))
        elif value is not None:
            yield value


def told(body: Json) -> Json:
    """An answer without what is new in every answer."""
    return settled({"cards": body["cards"], **body["extension"][EXTENSION]})


def test_there_are_fixtures_of_several_hooks() -> None:
    assert len({path.parent.name for path in FIXTURES}) >= 3


@pytest.mark.parametrize("page_size", [1000, 2])
@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_an_empty_prefetch_gives_the_cards_of_a_full_one(path: Path, page_size: int) -> None:
    request = json.loads(path.read_bytes())
    unique = {(one["resourceType"], one["id"]): one for one in resources(request["prefetch"])}
    with serving(list(unique.values()), token=TOKEN, page_size=page_size) as fhir, clinic(fhir.base) as service:
        full = answered(post(service, request, request["hook"]))
        assert fhir.asked == [], "nothing is fetched that was sent"
        request |= {"prefetch": {}, "fhirServer": fhir.base, "fhirAuthorization": authorization()}
        fetched = answered(post(service, request, request["hook"]))
    assert told(fetched) == told(full)
    assert "incomplete" not in fetched["extension"][EXTENSION]
    assert len(fhir.kinds() - {""}) >= 14


def test_only_what_is_missing_is_fetched() -> None:
    request = hook_request()
    del request["prefetch"]["conditions"]
    request["prefetch"] |= {"observations": None, "procedures": bundle()}
    with serving(record()) as fhir, clinic(fhir.base) as service:
        answered(post(service, request | {"fhirServer": fhir.base}))
    assert "Condition" in fhir.kinds()
    assert not {"Patient", "MedicationAdministration", "Observation", "Procedure"} & fhir.kinds()


def test_every_question_is_in_an_address_that_strict_servers_take() -> None:
    with serving(record()) as fhir, clinic(fhir.base) as service:
        body = answered(post(service, without_prefetch(fhir)))
    assert "incomplete" not in body["extension"][EXTENSION]
    [labs] = [one.path for one in fhir.asked if one.kind == "Observation"]
    assert "%2C" in labs
    assert {one.headers["accept"] for one in fhir.asked} == {"application/fhir+json"}


def test_a_server_that_needs_no_token_gets_none() -> None:
    with serving(record()) as fhir, clinic(fhir.base) as service:
        answered(post(service, without_prefetch(fhir)))
        answered(post(service, without_prefetch(fhir, fhirAuthorization=authorization())))
    seen = [one.headers.get("authorization") for one in fhir.asked]
    assert set(seen) == {None, f"Bearer {TOKEN}"}
    assert set(seen[:14]) == {None}


def test_the_first_page_that_was_sent_is_followed_to_the_last() -> None:
    doses = [injection(f"202{year}-0{month}-10", f"d{year}{month}") for year in (2, 3, 4) for month in (1, 7)]
    held = [patient(), *doses, fracture("2025-05-12")]
    request = hook_request()
    with serving(held, page_size=4) as fhir, clinic(fhir.base) as service:
        _, first = fhir.answer(asked_for("MedicationAdministration"))
        request["prefetch"] = {"patient": patient(), "conditions": bundle(held[-1])}
        request["prefetch"]["medicationAdministrations"] = json.loads(first)
        assert len(json.loads(first)["entry"]) == 4
        fetched = answered(post(service, request | {"fhirServer": fhir.base}))
        request["prefetch"]["medicationAdministrations"] = bundle(*doses)
        whole = answered(post(service, request | {"fhirServer": fhir.base}))
    assert told(fetched) == told(whole)
    assert sum("MedicationAdministration" in one.path for one in fhir.asked) == 1, "only the second page"


def asked_for(kind: str) -> Asked:
    return Asked(f"/fhir/{kind}?patient=anna", {})


def test_a_client_is_asked_only_for_what_it_can_answer() -> None:
    able = Capabilities(prefetch_omit=("encounters",), prefetch_count=None, observation_codes=False)
    with clinic() as usual, clinic(capabilities=able) as poor:
        [one, *_] = answered(usual.get("/cds-services"))["services"]
        [other, *_] = answered(poor.get("/cds-services"))["services"]
    assert set(one["prefetch"]) - set(other["prefetch"]) == {"encounters"}
    assert other["prefetch"]["observations"] == "Observation?patient={{context.patientId}}"
    assert one["prefetch"]["conditions"].endswith("&_count=1000")


def test_the_registered_version_of_fhir_is_read_and_no_other() -> None:
    doses = [
        resource(
            "MedicationAdministration",
            f"dose-{number}",
            status="completed",
            occurenceDateTime=day,
            medication={"concept": {"text": "Prolia 60 mg"}},
        )
        for number, day in enumerate(("2024-06-10", "2024-12-10"))
    ]
    held = [patient(), *doses, fracture("2025-10-01")]
    with serving(held) as fhir:
        with clinic(fhir.base, version="R5") as service:
            right = told(answered(post(service, without_prefetch(fhir))))
        with clinic(fhir.base, version="R4") as service:
            wrong = told(answered(post(service, without_prefetch(fhir))))
    assert right["fractureClass"] == "RVFX_PROBABLE"
    assert {one["reference"] for one in wrong["unusable"]} >= {"MedicationAdministration/dose-0"}

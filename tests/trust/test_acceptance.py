"""Whom the site lets in: tokens as real clients write them, at each endpoint, and what stays open to everybody."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, g
from werkzeug.test import TestResponse

from service.cds_hooks.callers import callers
from service.cds_hooks.problems import Unauthorized
from service.cds_hooks.trust import Caller
from service.clients import Anonymous, read_clients
from service.settings import Settings
from tests.contract.calls import answered, request_for
from tests.trust.issuing import BASE, DISCOVERY, SERVICE, Ehr, private_key, seen_tokens_in, site

CLINIC = Ehr(extra={"audiences": ["sand_man"]})
WITHIN = 20
BEYOND = 45
"""Seconds inside and outside the leeway of 30 that holds by default."""


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return site(tmp_path_factory.mktemp("site"), CLINIC)


def status(app: Flask, token: str, path: str = "/cds-services", **headers: str) -> int:
    return app.test_client().get(path, headers={"Authorization": f"Bearer {token}", **headers}).status_code


def asked(app: Flask, token: str | None, hook: str = "patient-view", **headers: str) -> TestResponse:
    """Call a service about a patient, today."""
    request = request_for(hook)
    del request["extension"]
    sent = headers if token is None else {"Authorization": f"Bearer {token}", **headers}
    return app.test_client().post(f"/cds-services/denosumab-rebound-{hook}", json=request, headers=sent)


def callers_seen_by(app: Flask) -> list[Caller]:
    """Who called, as whatever answers a request finds it."""
    seen: list[Caller] = []

    @app.after_request
    def note(response: Response) -> Response:
        seen.append(g.caller)
        return response

    return seen


TIMES = ("iat", "exp", "nbf")


def dated(changed: dict[str, Any]) -> dict[str, Any]:
    """The claims with times that were told in seconds from now, for the tests were collected long before."""
    now = int(time.time())
    return {name: now + value if name in TIMES else value for name, value in changed.items()}


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({}, id="it is as the specification says"),
        pytest.param({"aud": f"{DISCOVERY}/"}, id="its endpoint ends in a slash"),
        pytest.param({"aud": ["https://other.example.org", DISCOVERY]}, id="this endpoint is in a list of them"),
        pytest.param({"aud": "sand_man"}, id="it names what is registered in place of the endpoint"),
        pytest.param({"iat": WITHIN}, id="its clock goes before ours by less than the leeway"),
        pytest.param({"iat": 0.5}, id="its time was rounded up"),
        pytest.param({"iat": -300, "exp": -WITHIN}, id="it expired by less than the leeway ago"),
        pytest.param({"nbf": WITHIN}, id="its beginning is within the leeway"),
        pytest.param({"exp": 3600, "iat": 0}, id="it lives as long as it may"),
        pytest.param({"tenant": "any"}, id="a tenant, where none are registered"),
        pytest.param({"sub": "Practitioner/1", "nbf": 0}, id="it says more than is asked"),
        pytest.param({"jti": "x" * 500}, id="its identity has the greatest length"),
    ],
)
def test_a_token_is_accepted_when(changed: dict[str, Any], worker: Flask) -> None:
    assert status(worker, CLINIC.signed(CLINIC.claims(**({"aud": DISCOVERY} | dated(changed))))) == 200


@pytest.mark.parametrize("changed", [{"iat": BEYOND + 60}, {"iat": -300, "exp": -BEYOND}, {"nbf": BEYOND + 60}])
def test_a_clock_that_is_further_off_is_not(changed: dict[str, Any], worker: Flask) -> None:
    assert status(worker, CLINIC.token(DISCOVERY, **dated(changed))) == 401


def test_the_lifetime_and_the_leeway_are_those_of_the_client(tmp_path: Path) -> None:
    patient = Ehr(extra={"max_lifetime_seconds": 86_400, "leeway_seconds": 120})
    worker = site(tmp_path, patient)
    assert status(worker, patient.token(DISCOVERY, exp=int(time.time()) + 86_000)) == 200
    assert status(worker, patient.token(DISCOVERY, iat=int(time.time()) + 60)) == 200


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        *(("P-256", "ES256"), ("P-384", "ES384"), ("P-521", "ES512"), ("Ed25519", "EdDSA")),
        *(("RSA", one) for one in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
    ],
)
def test_every_algorithm_that_can_be_registered_works(tmp_path: Path, kind: str, algorithm: str) -> None:
    ehr = Ehr(kind, algorithm)
    assert status(site(tmp_path, ehr), ehr.token(DISCOVERY)) == 200


def test_a_service_answers_a_registered_client_and_nobody_else(worker: Flask) -> None:
    assert answered(asked(worker, CLINIC.token(SERVICE)))["cards"]
    assert asked(worker, None).status_code == 401
    assert asked(worker, CLINIC.token(DISCOVERY)).status_code == 401
    assert asked(worker, CLINIC.token(SERVICE), hook="order-sign").status_code == 401


def test_who_calls_is_checked_before_the_request_is_read(worker: Flask) -> None:
    response = worker.test_client().post(SERVICE.removeprefix(BASE), data=b"{", content_type="text/plain")
    assert response.status_code == 401


def test_a_stranger_does_not_learn_which_services_there_are(worker: Flask) -> None:
    stranger = worker.test_client().post("/cds-services/nothing", json={})
    assert stranger.status_code == 401
    assert b"denosumab" not in stranger.data
    known = {"Authorization": f"Bearer {CLINIC.token(f'{DISCOVERY}/nothing')}"}
    assert worker.test_client().post("/cds-services/nothing", json={}, headers=known).status_code == 404


def test_the_host_that_a_request_names_is_never_the_endpoint(worker: Flask) -> None:
    elsewhere = CLINIC.token("https://evil.example.org/cds-services")
    assert status(worker, elsewhere, Host="evil.example.org") == 401
    assert status(worker, CLINIC.token(DISCOVERY), Host="evil.example.org") == 200


@pytest.mark.parametrize(
    ("aud", "let_in"),
    [(SERVICE, True), (f"{SERVICE}/feedback", True), (f"{SERVICE}/feedback/", True), (DISCOVERY, False)],
)
def test_feedback_may_name_its_own_address_or_that_of_its_service(
    worker: Flask, tmp_path: Path, aud: str, let_in: bool
) -> None:
    file = tmp_path / "clients.yaml"
    site(tmp_path, CLINIC)
    settings = Settings(auth="required", public_base_url=BASE, clients_file=file)
    known = callers(settings, read_clients(settings.clients_file), seen_tokens_in(tmp_path / "feedback.sqlite3"))
    with worker.test_request_context(headers={"Authorization": f"Bearer {CLINIC.token(aud)}"}):
        if let_in:
            caller = known.of_feedback("denosumab-rebound-patient-view")
            assert (caller.client.name, caller.issuer, caller.tenant) == ("clinic", CLINIC.iss, None)
            assert g.caller is caller
        else:
            with pytest.raises(Unauthorized):
                known.of_feedback("denosumab-rebound-patient-view")


def test_the_caller_of_a_request_is_known_to_whatever_answers_it(tmp_path: Path) -> None:
    worker = site(tmp_path, Ehr(extra={"tenants": ["north"]}))
    seen = callers_seen_by(worker)
    assert asked(worker, Ehr().token(SERVICE, tenant="north")).status_code == 200
    assert [(one.client.name, one.issuer, one.tenant) for one in seen] == [("clinic", Ehr().iss, "north")]


def test_while_authentication_is_off_everybody_is_anonymous(tmp_path: Path) -> None:
    worker = site(tmp_path, CLINIC, auth="off")
    seen = callers_seen_by(worker)
    assert asked(worker, None).status_code == 200
    assert asked(worker, "not even a token").status_code == 200
    assert seen == [Caller(Anonymous(), "", None)] * 2


@pytest.mark.parametrize("path", ["/", "/rules", "/health/live", "/health/ready"])
def test_pages_for_people_and_health_need_no_token(worker: Flask, path: str) -> None:
    assert worker.test_client().get(path).status_code == 200


def test_discovery_alone_can_be_opened(tmp_path: Path) -> None:
    worker = site(tmp_path, CLINIC, discovery_auth="off")
    response = worker.test_client().get("/cds-services")
    assert (response.status_code, response.cache_control.public) == (200, True)
    assert asked(worker, None).status_code == 401


def test_what_only_a_client_may_read_is_kept_by_no_cache_between(worker: Flask) -> None:
    response = worker.test_client().get("/cds-services", headers={"Authorization": f"Bearer {CLINIC.token(DISCOVERY)}"})
    assert response.cache_control.private
    assert not response.cache_control.public
    assert response.headers["ETag"]


ORIGIN = "https://sandbox.example.org"


@pytest.mark.parametrize(
    "path", ["/cds-services", SERVICE.removeprefix(BASE), f"{SERVICE.removeprefix(BASE)}/feedback"]
)
def test_a_browser_may_ask_first_without_a_token(tmp_path: Path, path: str) -> None:
    worker = site(tmp_path, CLINIC, cors_origins=ORIGIN)
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    assert worker.test_client().options(path, headers=headers).status_code == 204


def test_a_page_may_read_that_it_was_refused(tmp_path: Path) -> None:
    worker = site(tmp_path, CLINIC, cors_origins=ORIGIN)
    response = asked(worker, None, Origin=ORIGIN)
    assert response.status_code == 401
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert response.cache_control.no_store


def test_the_keys_of_two_clients_differ() -> None:
    assert private_key("P-384") is not private_key("P-384", 3), "else the attacks prove nothing"

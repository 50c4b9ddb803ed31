"""What must not be served is refused before anything listens; what is only unwise is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from service.safety import cautions, refusals
from service.settings import Settings


def test_callers_who_must_prove_themselves_need_an_address_to_name_and_a_registration() -> None:
    address, registration = refusals(Settings())
    assert "REBOUNDWATCH_PUBLIC_BASE_URL is not set" in address
    assert "no client is registered in REBOUNDWATCH_CLIENTS_FILE" in registration
    assert "REBOUNDWATCH_AUTH=off" in registration


def registry(folder: Path, text: str) -> Path:
    file = folder / "clients.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_with_a_public_address_and_a_client_it_may_be_served_anywhere(tmp_path: Path) -> None:
    file = registry(tmp_path, "clients: [{name: clinic, iss: a, jku: 'https://ehr.example.org/jwks.json'}]")
    settings = Settings(public_base_url="https://cds.example.org", host="0.0.0.0", clients_file=file)
    assert refusals(settings) == []
    assert list(cautions(settings)) == []


@pytest.mark.parametrize("auth", ["required", "off"])
def test_a_registry_that_does_not_hold_is_refused_whoever_may_call(tmp_path: Path, auth: str) -> None:
    file = registry(tmp_path, "clients: [{name: clinic}]")
    chosen: dict[str, Any] = {"auth": auth, "public_base_url": "https://cds.example.org", "clients_file": file}
    [said] = refusals(Settings(**chosen))
    assert said == f"{file}: clients[0].iss is missing"


def test_keys_that_come_over_http_are_unwise(tmp_path: Path) -> None:
    file = registry(tmp_path, "clients: [{name: sandbox, iss: a, jku: 'http://localhost:9/jwks.json'}]")
    assert any("the keys of sandbox are fetched over http" in one for one in cautions(Settings(clients_file=file)))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_on_this_machine_alone_authentication_may_be_off(host: str) -> None:
    assert refusals(Settings(host=host, auth="off", allow_as_of=True)) == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "cds.example.org"])
def test_where_others_reach_it_off_must_be_said_twice(host: str) -> None:
    assert "REBOUNDWATCH_AUTH_OFF_I_UNDERSTAND=1" in refusals(Settings(host=host, auth="off"))[0]
    assert refusals(Settings(host=host, auth="off", auth_off_i_understand=True)) == []


@pytest.mark.parametrize("options", [{"auth": "required"}, {"auth": "off", "host": "0.0.0.0"}])
def test_nobody_but_this_machine_may_move_the_day_of_evaluation(options: dict[str, Any]) -> None:
    said = refusals(Settings(allow_as_of=True, auth_off_i_understand=True, **options))
    assert "REBOUNDWATCH_ALLOW_AS_OF=1 is refused" in said[-1]


def test_the_address_really_listened_on_decides() -> None:
    assert refusals(Settings(auth="off"), host="0.0.0.0") != []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"auth": "off", "host": "0.0.0.0", "auth_off_i_understand": True}, "AUTH=off on 0.0.0.0"),
        ({"allow_as_of": True}, "ALLOW_AS_OF=1"),
        ({"verify": "never"}, "VERIFY=never"),
        ({"host": "0.0.0.0"}, "PUBLIC_BASE_URL is not set"),
        ({"public_base_url": "http://cds.example.org"}, "PUBLIC_BASE_URL is http"),
        ({"cors_origins": "http://ehr.example.org"}, "CORS_ORIGINS"),
        ({"discovery_auth": "off"}, "DISCOVERY_AUTH=off"),
        ({"mode": "silent"}, "MODE=silent"),
    ],
)
def test_what_is_unwise_is_said(options: dict[str, Any], said: str) -> None:
    assert any(one.startswith(said) for one in cautions(Settings(**options)))


def test_a_careful_deployment_gets_no_caution() -> None:
    assert list(cautions(Settings(public_base_url="https://cds.example.org", host="0.0.0.0"))) == []

"""`reboundwatch check-token` says check by check whether a token would be let in, and neither prints nor uses it."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from service.commands import main
from tests.trust.issuing import BASE, DISCOVERY, SERVICE, Ehr, site

CLINIC = Ehr(extra={"tenants": ["north"]})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    site(tmp_path, CLINIC)
    monkeypatch.setenv("REBOUNDWATCH_PUBLIC_BASE_URL", BASE)
    monkeypatch.setenv("REBOUNDWATCH_CLIENTS_FILE", str(tmp_path / "clients.yaml"))
    return tmp_path


def checked(token: str, endpoint: str = DISCOVERY, *options: str, stdin: bool = True) -> Result:
    given = ["-"] if stdin else [token]
    result = CliRunner().invoke(main, ["check-token", *given, "--endpoint", endpoint, *options], input=token)
    assert not [one for one in token.split(".") if len(one) > 30 and one in result.output], "the token was printed"
    return result


@pytest.mark.parametrize("stdin", [True, False])
@pytest.mark.parametrize("word", ["", "Bearer "])
def test_a_token_that_would_pass_ends_with_0(folder: Path, stdin: bool, word: str) -> None:
    result = checked(f"{word}{CLINIC.token(DISCOVERY, tenant='north')}", stdin=stdin)
    assert result.exit_code == 0, result.output
    assert "It would be let in as clinic; tenant north." in result.output
    assert "no  " not in result.output


def test_it_is_not_used_up(folder: Path) -> None:
    worker = site(folder, CLINIC)
    token = CLINIC.token(DISCOVERY, tenant="north")
    assert checked(token).exit_code == 0
    sent = {"Authorization": f"Bearer {token}"}
    assert worker.test_client().get("/cds-services", headers=sent).status_code == 200
    assert checked(token).exit_code == 0, "whether it was used before is not looked at"


def test_everything_that_is_wrong_with_its_claims_is_said(folder: Path) -> None:
    now = int(time.time())
    result = checked(CLINIC.token(SERVICE, iat=now - 9000, exp=now - 1000, tenant="west"))
    assert result.exit_code == 1
    assert f"no  audience     aud must be {DISCOVERY}" in result.output
    assert re.search(r"^no  expiry       it expired 10\d\d s ago$", result.output, flags=re.M)
    assert "no  lifetime     from iat to exp are 8000 s, more than 3600" in result.output
    assert "no  tenant       tenant is none of clinic" in result.output
    assert "ok  signature" in result.output
    assert "It would be refused." in result.output


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("nonsense", "no  form"),
        (Ehr(iss="https://stranger.example.org").token(DISCOVERY), "no  issuer"),
        (Ehr("RSA", "RS384").token(DISCOVERY), "no  algorithm    alg must be ES384"),
        (Ehr(kid="two").token(DISCOVERY), "no  key"),
        (Ehr(number=3).token(DISCOVERY), "no  signature"),
    ],
)
def test_the_first_thing_that_nothing_later_can_mend_ends_it(folder: Path, token: str, said: str) -> None:
    result = checked(token)
    assert result.exit_code == 1
    assert said in result.output
    assert result.output.count("no  ") == 1


def test_it_can_be_judged_as_at_another_time(folder: Path) -> None:
    token = CLINIC.token(DISCOVERY, iat=1_772_366_400, exp=1_772_366_700, tenant="north")
    assert checked(token).exit_code == 1
    at = datetime.fromtimestamp(1_772_366_500, UTC).isoformat()
    assert checked(token, DISCOVERY, "--at", at).exit_code == 0
    assert checked(token, DISCOVERY, "--at", "yesterday").exit_code == 2


def test_feedback_may_be_named_by_either_address(folder: Path) -> None:
    for aud in (SERVICE, f"{SERVICE}/feedback"):
        assert checked(CLINIC.token(aud, tenant="north"), f"{SERVICE}/feedback").exit_code == 0
    assert checked(CLINIC.token(f"{SERVICE}/feedback", tenant="north"), SERVICE).exit_code == 1


@pytest.mark.parametrize("endpoint", ["https://other.example.org/cds-services", f"{DISCOVERY}-not", BASE])
def test_an_endpoint_of_another_deployment_ends_with_2(folder: Path, endpoint: str) -> None:
    result = checked(CLINIC.token(DISCOVERY), endpoint)
    assert result.exit_code == 2
    assert "no address of this deployment" in result.output


def test_without_a_registry_or_a_token_nothing_can_be_done(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "There is no token." in checked(" ").output
    (folder / "clients.yaml").write_text("clients: [{name: a}]", encoding="utf-8")
    result = checked(CLINIC.token(DISCOVERY))
    assert (result.exit_code, "clients[0].iss is missing" in result.output) == (2, True)
    monkeypatch.delenv("REBOUNDWATCH_CLIENTS_FILE")
    result = checked(CLINIC.token(DISCOVERY))
    assert (result.exit_code, "No client is registered" in result.output) == (2, True)


def test_keys_that_cannot_be_had_end_with_2(folder: Path) -> None:
    lost = Ehr(extra={"jku": "http://127.0.0.1:9/jwks.json"})
    site(folder, lost)
    result = checked(lost.token(DISCOVERY))
    assert result.exit_code == 2
    assert "The token cannot be judged: its keys could not be had." in result.output

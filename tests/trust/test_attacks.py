"""Tokens that must not let anybody in: refused in the same words, and the log says no more than whose each was."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from service.clients import ClientsError
from tests.contract.calls import ISSUE_TYPES
from tests.trust.issuing import (
    DISCOVERY,
    SERVICE,
    Ehr,
    Json,
    jwk,
    part,
    pem,
    private_key,
    seen_tokens_in,
    signed_over,
    site,
)

CLINIC = Ehr(extra={"tenants": ["north", "south"]})
BOTH = {"algorithms": ["ES384", "RS384"]}
RSA_CLINIC = Ehr("RSA", "RS384", iss="https://rsa.example.org", name="rsa clinic", kid="rsa-one", extra=BOTH)
STRANGER = Ehr(iss="https://stranger.example.org", number=7)


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return site(tmp_path_factory.mktemp("site"), CLINIC, RSA_CLINIC)


def call(app: Flask, token: str | None, path: str = "/cds-services", **headers: str) -> TestResponse:
    """Read discovery, which is covered like every other call."""
    sent = headers if token is None else {"Authorization": f"Bearer {token}", **headers}
    return app.test_client().get(path, headers=sent)


def good(**changed: Any) -> str:
    return CLINIC.signed(claims(**changed))


def claims(**changed: Any) -> Json:
    return CLINIC.claims(**({"aud": DISCOVERY, "tenant": "north"} | changed))


def headed(**header: Any) -> str:
    return CLINIC.signed(claims(), **header)


def unsigned() -> str:
    return f"{part({'typ': 'JWT', 'alg': 'none', 'kid': 'one'})}.{part(claims())}."


def signed_with_the_public_key_as_a_secret() -> str:
    text = f"{part({'typ': 'JWT', 'alg': 'HS256', 'kid': 'one'})}.{part(claims())}"
    return f"{text}.{part(hmac.digest(pem(CLINIC.key), text.encode(), hashlib.sha256))}"


def with_another_claim() -> str:
    head, _, signature = good().split(".")
    return f"{head}.{part(claims(tenant='south'))}.{signature}"


def with_a_header_that_is_not_json() -> str:
    return f"{part(b'{')}.{part(claims())}.{part(b'x')}"


def now() -> int:
    """When a token is made, not when the tests were collected."""
    return int(time.time())


HEADER = {"typ": "JWT", "alg": "ES384", "kid": "one"}

REFUSED: dict[str, tuple[Callable[[], str], str]] = {
    "it is not signed": (unsigned, "algorithm"),
    "HS256 with the public key as the secret": (signed_with_the_public_key_as_a_secret, "algorithm"),
    "RS384, for a client with ES384 alone": (lambda: RSA_CLINIC.signed(claims(), kid="one"), "algorithm"),
    "an elliptic curve by the name of an RSA key": (
        lambda: CLINIC.signed(RSA_CLINIC.claims(DISCOVERY), kid="rsa-one"),
        "key",
    ),
    "an algorithm of its kind that is not registered": (
        lambda: Ehr("P-256", "ES256").signed(claims()),
        "algorithm",
    ),
    "it is signed with the key of another client": (
        lambda: Ehr(number=3).signed(claims()),
        "signature",
    ),
    "the key of another client by its name": (
        lambda: Ehr("RSA", "RS384").signed(claims(), kid="rsa-one"),
        "algorithm",
    ),
    "a claim was changed after it was signed": (with_another_claim, "signature"),
    "no issuer that is registered": (lambda: STRANGER.token(DISCOVERY), "issuer"),
    "the issuer with a slash more": (lambda: good(iss=f"{CLINIC.iss}/"), "issuer"),
    "the issuer is a list": (lambda: signed_over(HEADER, claims(iss=[CLINIC.iss])), "issuer"),
    "a key that is a path": (lambda: headed(kid="../../../etc/passwd"), "key"),
    "a key that is a query": (lambda: headed(kid="one' OR '1'='1"), "key"),
    "a key that is a number": (lambda: signed_over(HEADER | {"kid": 1}, claims()), "form"),
    "a key that is empty": (lambda: headed(kid=""), "header"),
    "no key": (lambda: headed(kid=None), "header"),
    "no type": (lambda: headed(typ=None), "header"),
    "another type": (lambda: headed(typ="at+jwt"), "header"),
    "no algorithm": (lambda: signed_over({"typ": "JWT", "kid": "one"}, claims()), "header"),
    "an extension that nobody knows": (lambda: signed_over(HEADER | {"crit": ["x"], "x": 1}, claims()), "form"),
    "an extension that only the library knows": (
        lambda: signed_over(HEADER | {"crit": ["b64"], "b64": True}, claims()),
        "header",
    ),
    "it brings its own key": (
        lambda: STRANGER.signed(claims(), jwk=jwk(STRANGER.key, "one")),
        "signature",
    ),
    "an address of keys, where none is registered": (
        lambda: headed(jku="https://evil.example.org/keys"),
        "key address",
    ),
    "it names no endpoint": (lambda: good(aud=None), "claims"),
    "it is for another service": (lambda: good(aud="https://other.example.org/cds-services"), "audience"),
    "it is for another endpoint of this service": (lambda: good(aud=SERVICE), "audience"),
    "it is for any endpoint below": (lambda: good(aud=f"{DISCOVERY}//"), "audience"),
    "it is for this service over http": (lambda: good(aud=DISCOVERY.replace("https", "http")), "audience"),
    "a list of other endpoints": (lambda: good(aud=[SERVICE, "https://other.example.org"]), "audience"),
    "a list of no endpoint": (lambda: good(aud=[]), "audience"),
    "a list with a number": (lambda: good(aud=[DISCOVERY, 1]), "audience"),
    "its endpoint is an object": (lambda: good(aud={DISCOVERY: True}), "audience"),
    "it has no issuer": (lambda: CLINIC.signed(claims(iss=None)), "issuer"),
    "it does not expire": (lambda: good(exp=None), "claims"),
    "it does not say when it was issued": (lambda: good(iat=None), "claims"),
    "it has no identity": (lambda: good(jti=None), "claims"),
    "its identity is empty": (lambda: good(jti=""), "claims"),
    "its identity is a number": (lambda: signed_over(HEADER, claims(jti=5)), "claims"),
    "its identity is too long to be kept": (lambda: good(jti="x" * 501), "claims"),
    "its identity would break a line of the log": (lambda: good(jti="a\nrefused: nothing"), "claims"),
    "its identity holds no character": (lambda: good(jti="\ud800"), "claims"),
    "it expires at a word": (lambda: signed_over(HEADER, claims(exp="never")), "claims"),
    "it expires when it is true": (lambda: signed_over(HEADER, claims(exp=True)), "claims"),
    "it never expires": (lambda: signed_over(HEADER, json.dumps(claims(exp=float("inf"))).encode()), "claims"),
    "it expires after the end of numbers": (lambda: signed_over(HEADER, claims(exp=10**400)), "claims"),
    "it expires at no number": (lambda: signed_over(HEADER, json.dumps(claims(exp=float("nan"))).encode()), "claims"),
    "it has expired": (lambda: good(iat=now() - 400, exp=now() - 100), "expiry"),
    "it expires before it is issued": (lambda: good(iat=now(), exp=now() - 5), "lifetime"),
    "it is of the future": (lambda: good(iat=now() + 90, exp=now() + 300), "issued"),
    "it is not valid yet": (lambda: good(nbf=now() + 90), "not before"),
    "not valid before a word": (lambda: signed_over(HEADER, claims(nbf="soon")), "claims"),
    "it lives too long": (lambda: good(exp=now() + 86_400), "lifetime"),
    "of another tenant": (lambda: good(tenant="west"), "tenant"),
    "of no tenant": (lambda: good(tenant=None), "tenant"),
    "of an empty tenant": (lambda: good(tenant=""), "tenant"),
    "of two tenants": (lambda: good(tenant=["north"]), "tenant"),
    "it is larger than a token": (lambda: good(padding="x" * 20_000), "size"),
    "a header that is not JSON": (with_a_header_that_is_not_json, "form"),
    "claims without end": (lambda: signed_over(HEADER, b"[" * 9_000), "form"),
    "claims that are a list": (lambda: signed_over(HEADER, [claims()]), "form"),
    "two parts": (lambda: good().rpartition(".")[0], "form"),
    "one word": (lambda: "token", "form"),
}


@pytest.mark.parametrize("made", REFUSED)
def test_a_token_is_refused_when(made: str, worker: Flask, caplog: pytest.LogCaptureFixture) -> None:
    token, reason = REFUSED[made][0](), REFUSED[made][1]
    plain = call(worker, None)
    with caplog.at_level(logging.INFO, "service"):
        caplog.clear()
        response = call(worker, token, Origin="https://x.example.org")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.data == plain.data, "the answer must not tell one reason from another"
    [said] = [one.getMessage() for one in caplog.records if one.name.endswith("trust")]
    assert said.startswith(f"refused: {reason}")
    assert token not in caplog.text
    assert not [one for one in token.split(".") if len(one) > 30 and one in caplog.text]


def test_a_token_with_nothing_wrong_is_let_in(worker: Flask) -> None:
    assert call(worker, good()).status_code == 200
    assert call(worker, RSA_CLINIC.token(DISCOVERY)).status_code == 200
    assert call(worker, signed_over(HEADER, claims())).status_code == 200, "else the table proves nothing"


def test_the_plain_answer_names_no_reason(worker: Flask) -> None:
    body = json.loads(call(worker, None).data)
    [issue] = body["issue"]
    assert body["resourceType"] == "OperationOutcome"
    assert issue["code"] in ISSUE_TYPES
    assert issue["details"]["text"] == "this service answers only callers that prove who they are"


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "{token}", "Bearer {token}, Bearer {token}", "Bearer {token} x"],
)
def test_a_header_that_is_no_single_bearer_token_is_refused(worker: Flask, header: str) -> None:
    response = worker.test_client().get("/cds-services", headers={"Authorization": header.format(token=good())})
    assert response.status_code == 401
    assert response.data == call(worker, None).data


def test_two_authorization_headers_are_refused(worker: Flask) -> None:
    twice = [("Authorization", f"Bearer {good()}"), ("Authorization", f"Bearer {good()}")]
    assert worker.test_client().get("/cds-services", headers=twice).status_code == 401


def test_the_word_bearer_may_be_written_in_small_letters(worker: Flask) -> None:
    response = worker.test_client().get("/cds-services", headers={"Authorization": f"bearer {good()}"})
    assert response.status_code == 200


def test_a_token_is_used_once_on_whatever_worker(tmp_path: Path) -> None:
    one, other = site(tmp_path, CLINIC), site(tmp_path, CLINIC)
    token = good()
    assert call(one, token).status_code == 200
    again = [call(other, token), call(one, token)]
    assert [response.status_code for response in again] == [401, 401]
    assert {response.data for response in again} == {call(one, None).data}


def test_two_issuers_may_give_the_same_identity(tmp_path: Path) -> None:
    worker = site(tmp_path, CLINIC, RSA_CLINIC)
    assert call(worker, good(jti="same")).status_code == 200
    assert call(worker, RSA_CLINIC.token(DISCOVERY, jti="same")).status_code == 200


def test_a_forged_token_does_not_use_up_the_identity_of_a_true_one(tmp_path: Path) -> None:
    worker = site(tmp_path, CLINIC)
    forged = Ehr(number=3).token(DISCOVERY, jti="mine", tenant="north")
    assert call(worker, forged).status_code == 401
    assert call(worker, good(jti="mine", aud=SERVICE)).status_code == 401
    assert call(worker, good(jti="mine")).status_code == 200


def test_while_the_memory_of_used_tokens_is_away_nobody_is_let_in(tmp_path: Path) -> None:
    seen = seen_tokens_in(tmp_path / "seen.sqlite3")
    worker = site(tmp_path, CLINIC, seen=seen)
    assert call(worker, good()).status_code == 200
    with seen.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE seen_tokens")
    response = call(worker, good())
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    assert call(worker, "forged").status_code == 401


def test_a_weak_key_is_not_registered_and_so_proves_nothing(tmp_path: Path) -> None:
    weak = Ehr("RSA-1024", "RS384")
    assert private_key("RSA-1024").key_size == 1024  # type: ignore[union-attr]
    with pytest.raises(ClientsError, match="too short to be safe"):
        site(tmp_path, weak)

"""Whatever is sent as a token: only one that the client signed, as it signed it, lets anybody in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.trust.issuing import DISCOVERY, Ehr, signed_over, site

CLINIC = Ehr()
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=5,
)
CLAIMS = some.sampled_from(["iss", "aud", "exp", "iat", "nbf", "jti", "tenant"])


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return site(tmp_path_factory.mktemp("site"), CLINIC)


def status(app: Flask, token: str) -> int:
    response = app.test_client().get("/cds-services", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 200 or json.loads(response.data)["issue"][0]["code"] == "login"
    return response.status_code


@settings(max_examples=150, deadline=None)
@given(data=some.data())
def test_a_token_with_one_character_changed_is_refused(data: some.DataObject, worker: Flask) -> None:
    token = CLINIC.token(DISCOVERY)
    place = data.draw(some.integers(0, len(token) - 1))
    other = data.draw(some.sampled_from([one for one in ALPHABET if one != token[place]]))
    assert status(worker, token[:place] + other + token[place + 1 :]) == 401
    assert status(worker, token) == 200, "else nothing was shown"


@settings(max_examples=200, deadline=None)
@given(claim=CLAIMS, value=JSON)
def test_a_claim_of_any_value_is_refused_unless_it_is_right(claim: str, value: Any, worker: Flask) -> None:
    claims = CLINIC.claims(DISCOVERY) | {claim: value}
    if status(worker, signed_over({"typ": "JWT", "alg": "ES384", "kid": "one"}, claims)) == 200:
        assert claim in ("jti", "tenant", "nbf")
        match value:
            case str():
                assert value.isprintable()
                assert value
            case int() | float():
                assert 0 <= value <= claims["iat"] + 30
            case _:
                assert (claim, value) == ("tenant", None)


@settings(max_examples=200, deadline=None)
@given(token=some.text(ALPHABET, max_size=60) | some.builds(signed_over, JSON, JSON))
def test_whatever_else_is_sent_is_refused(token: str, worker: Flask) -> None:
    assert status(worker, token) == 401

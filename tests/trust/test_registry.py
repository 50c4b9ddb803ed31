"""The registry of clients: the example shows every key, and what does not hold is said in words that name the place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from service.clients import Anonymous, Capabilities, Client, Clients, ClientsError, FhirAccess, read_clients
from tests.trust.issuing import Ehr, Json

EXAMPLE = Path(__file__).parents[2] / "docs/clients.example.yaml"
MODELS: list[type[BaseModel]] = [Clients, Client, FhirAccess, Capabilities, Anonymous]
JARGON = ("Input should", "valid", "type=", "pydantic", "Value error", "Extra inputs", "Field required")


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield name
            yield from keys(one)
    elif isinstance(value, list):
        for one in value:
            yield from keys(one)


def test_the_example_can_be_used_as_it_is() -> None:
    registered = read_clients(EXAMPLE)
    assert [client.name for client in registered.clients] == ["university-hospital", "village-clinic"]
    assert registered.of_issuer("https://clinic.example.org") is registered.clients[1]
    assert registered.of_issuer("https://clinic.example.org/") is None


@pytest.mark.parametrize("model", MODELS)
def test_the_example_shows_every_key(model: type[BaseModel]) -> None:
    shown = set(keys(yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))))
    assert set(model.model_fields) <= shown


def test_what_the_example_calls_a_default_is_one() -> None:
    shown = read_clients(EXAMPLE).clients[0]
    defaults = Client(name="a", iss="b", jku="https://c.example.org")
    for name in ("algorithms", "audiences", "max_lifetime_seconds", "leeway_seconds"):
        assert getattr(shown, name) == getattr(defaults, name)


def test_without_a_file_nobody_is_known() -> None:
    assert read_clients(None) == Clients()


def clinic(**changed: Any) -> Json:
    return {name: value for name, value in (Ehr().entry | changed).items() if value is not None}


def without(member: str) -> Json:
    return {name: value for name, value in Ehr().jwks["keys"][0].items() if name != member}


def with_key(key: object) -> Json:
    return clinic(jwks={"keys": [key]})


WRONG: list[tuple[object, str]] = [
    ([], "the file: must be a mapping"),
    ("clients", "the file: must be a mapping"),
    ({"client": []}, "client is no key of this file; did you mean clients?"),
    ({"clients": {}}, "clients must be a list"),
    ({"clients": ["clinic"]}, "clients[0] must be a mapping"),
    ({"clients": [clinic(), clinic(name="other")]}, "the file: iss 'https://ehr.example.org' is registered twice"),
    ({"clients": [clinic(), clinic(iss="other")]}, "the file: name 'clinic' is registered twice"),
    ({"clients": [clinic(name=None)]}, "clients[0].name is missing"),
    ({"clients": [clinic(name="")]}, "clients[0].name must not be empty"),
    ({"clients": [clinic(name="a\nb")]}, "clients[0].name must be printable text"),
    ({"clients": [clinic(iss="x" * 501)]}, "clients[0].iss must be at most 500 characters"),
    ({"clients": [clinic(iss=5)]}, "clients[0].iss must be text"),
    ({"clients": [clinic(issuer="x")]}, "clients[0].issuer is no key of this file"),
    (
        {"clients": [clinic(algorithm=["ES384"])]},
        "clients[0].algorithm is no key of this file; did you mean algorithms",
    ),
    ({"clients": [clinic(algorithms=["HS256"])]}, "clients[0].algorithms[0] must be 'ES256'"),
    ({"clients": [clinic(algorithms=["none"])]}, "clients[0].algorithms[0] must be 'ES256'"),
    ({"clients": [clinic(algorithms=[])]}, "clients[0].algorithms must not be empty"),
    ({"clients": [clinic(leeway_seconds=301)]}, "clients[0].leeway_seconds must be at most 300"),
    ({"clients": [clinic(max_lifetime_seconds=0)]}, "clients[0].max_lifetime_seconds must be at least 1"),
    ({"clients": [clinic(max_lifetime_seconds="long")]}, "clients[0].max_lifetime_seconds must be a whole number"),
    ({"clients": [clinic(tenants=[""])]}, "clients[0].tenants[0] must not be empty"),
    ({"clients": [clinic(jwks=None)]}, "clients[0] must have jku, jwks or both"),
    ({"clients": [clinic(jwks=None, jku="https://a.example.org:0/x")]}, "clients[0].jku must be an address such as"),
    ({"clients": [clinic(jwks=None, jku="https://a.example.org:x/")]}, "clients[0].jku must be an address such as"),
    ({"clients": [clinic(jwks=None, jku="http://a.example.org")]}, "clients[0].jku must be an address such as https:"),
    ({"clients": [clinic(jwks=None, jku="file:///etc/passwd")]}, "clients[0].jku must be an address such as https:"),
    ({"clients": [clinic(jwks=None, jku="https://u:p@a.example.org")]}, "clients[0].jku must be an address such as"),
    ({"clients": [clinic(jwks={})]}, "clients[0] jwks.keys must be a list of 1 to 100 public keys"),
    ({"clients": [clinic(jwks=[])]}, "clients[0].jwks must be a mapping"),
    ({"clients": [with_key("key")]}, "clients[0] jwks.keys[0] must be a mapping"),
    ({"clients": [with_key(without("kid"))]}, "clients[0] jwks.keys[0] needs a kid"),
    ({"clients": [with_key(without("y"))]}, "clients[0] jwks.keys[0] is not a complete JWK"),
    ({"clients": [with_key({**without(""), "d": "x"})]}, "clients[0] jwks.keys[0] holds a private or a shared key"),
    ({"clients": [with_key({**without(""), "use": "enc"})]}, "clients[0] jwks.keys[0] is not meant for signatures"),
    ({"clients": [clinic(algorithms=["RS384"])]}, "clients[0] jwks.keys[0] has a type, a curve or an alg that none"),
    (
        {"clients": [clinic(fhir={"server": []})]},
        "clients[0].fhir.server is no key of this file; did you mean servers?",
    ),
    ({"clients": [clinic(fhir={"servers": ["ehr"]})]}, "clients[0].fhir.servers[0] must be an address such as https:"),
    ({"clients": [clinic(fhir={"servers": ["https://ehr/a/../b"]})]}, "clients[0].fhir.servers[0] must be an address"),
    ({"clients": [clinic(fhir={"servers": ["https://ehr:0/fhir"]})]}, "clients[0].fhir.servers[0] must be an address"),
    ({"clients": [clinic(fhir={"private_networks": ["10.0.0.1/8"]})]}, "private_networks[0] must be a network such as"),
    ({"clients": [clinic(capabilities={"prefetch_count": 0})]}, "capabilities.prefetch_count must be at least 1"),
    ({"clients": [clinic(capabilities={"observation_codes": 7})]}, "observation_codes must be true or false"),
    ({"anonymous": {"tenants": []}}, "anonymous.tenants is no key of this file; it knows name, fhir, capabilities"),
]


@pytest.mark.parametrize(("written", "said"), WRONG, ids=[said for _, said in WRONG])
def test_what_does_not_hold_is_said_in_words(tmp_path: Path, written: object, said: str) -> None:
    file = tmp_path / "clients.yaml"
    file.write_text(yaml.safe_dump(written), encoding="utf-8")
    with pytest.raises(ClientsError) as caught:
        read_clients(file)
    sentences = caught.value.sentences
    assert any(one.startswith(f"{file}: ") and said in one for one in sentences), sentences
    assert not [word for word in JARGON for one in sentences if word in one]


def test_all_that_does_not_hold_is_said_at_once(tmp_path: Path) -> None:
    file = tmp_path / "clients.yaml"
    file.write_text("clients:\n- {name: a}\n- {iss: b}\n", encoding="utf-8")
    with pytest.raises(ClientsError) as caught:
        read_clients(file)
    assert len(caught.value.sentences) == 2


def test_what_is_no_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "clients.yaml"
    file.write_text("clients:\n- {name: a\n", encoding="utf-8")
    with pytest.raises(ClientsError, match=r"cannot be read as YAML \(ParserError, line 3\)"):
        read_clients(file)

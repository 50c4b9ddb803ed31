"""The CDS clients that may call, as a site registers them in YAML: who signs for them, which FHIR servers they have.

A file has a list `clients`, and may have `anonymous`: what holds for every caller while AUTH=off.
"""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from service.cds_hooks.public_keys import MAX_KEYS, faults
from service.fhir.addresses import base_of, is_address
from service.settings import is_loopback

Algorithm = Literal["ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA"]
"""How a token may be signed: never `none`, never with a shared secret (CDS Hooks 2.0.1, "Trusting CDS Clients")."""


class ClientsError(Exception):
    """A registry that cannot be used: one sentence for each fault, naming file and element."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


def _address(text: str) -> str:
    if base_of(text) is None:
        raise ValueError("must be an address such as https://ehr.example.org/fhir, without query or user")
    return text.rstrip("/")


def _key_address(text: str) -> str:
    if not is_address(text) or (urlsplit(text).scheme == "http" and not is_loopback(urlsplit(text).hostname or "")):
        raise ValueError(
            "must be an address such as https://ehr.example.org/jwks.json, without user; http only on this machine"
        )
    return text


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError("must be a network such as 10.1.0.0/16, its bits beyond the mask zero") from None


def _name(text: str) -> str:
    if not text.isprintable() or not text.strip():
        raise ValueError("must be printable text")
    return text


Address = Annotated[str, AfterValidator(_address)]
KeyAddress = Annotated[str, AfterValidator(_key_address)]
Network = Annotated[str, AfterValidator(_network)]
Name = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_name)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FhirAccess(_Entry):
    """The FHIR servers of a client; nothing else is ever asked, whatever a request says."""

    servers: tuple[Address, ...] = Field(
        default=(), description="Base addresses that a request may name as fhirServer; none: nothing is fetched."
    )
    version: Literal["R4", "R5"] = Field(default="R4", description="FHIR version of its servers and requests.")
    private_networks: tuple[Network, ...] = Field(
        default=(), description="Networks, such as 10.1.0.0/16, where a server may be although they are private."
    )


class Capabilities(_Entry):
    """What an EHR can and cannot do; discovery and cards keep to it."""

    prefetch_omit: tuple[str, ...] = Field(
        default=(), description="Keys of the prefetch that it cannot answer; they are not asked for in discovery."
    )
    prefetch_count: int | None = Field(
        default=1000, ge=1, le=10_000, description="_count of each search; null leaves it out."
    )
    observation_codes: bool = Field(
        default=True, description="Whether the search of observations may list codes; false asks for all of them."
    )

    tolerated_warnings: tuple[Name, ...] = Field(
        default=("4101",),
        description="Codes of warnings beside results that say nothing of the record, as Epic's 4101 (no results).",
    )


class Client(_Entry):
    """One CDS client: an EHR, or one of its tenants."""

    name: Name = Field(description="How logs and reports call it.")
    iss: Name = Field(description="The issuer of its tokens, letter by letter.")
    jku: KeyAddress | None = Field(
        default=None,
        description="Where its keys are, letter by letter; nothing else is ever fetched. Beside jwks it is not either.",
    )
    jwks: Mapping[str, Any] | None = Field(default=None, description="Its keys themselves, as a JWK Set.")
    algorithms: tuple[Algorithm, ...] = Field(
        default=("ES384", "RS384"), min_length=1, description="What its tokens may be signed with."
    )
    audiences: tuple[Name, ...] = Field(
        default=(), description="Further audiences that it writes in place of the address of the service."
    )
    tenants: tuple[Name, ...] = Field(
        default=(), description="Tenants that may call; empty: tokens need none, and any is accepted."
    )
    max_lifetime_seconds: int = Field(
        default=3600, ge=1, le=7 * 86_400, description="Longest time from iat to exp of a token."
    )
    leeway_seconds: int = Field(default=30, ge=0, le=300, description="By how much its clock may be off.")
    fhir: FhirAccess = FhirAccess()
    capabilities: Capabilities = Capabilities()

    @model_validator(mode="after")
    def _has_keys(self) -> Client:
        if self.jku is None and self.jwks is None:
            raise ValueError("must have jku, jwks or both")
        if self.jwks is not None:
            self._check_keys(self.jwks.get("keys"))
        return self

    def _check_keys(self, keys: object) -> None:
        if not isinstance(keys, list) or not 0 < len(keys) <= MAX_KEYS:
            raise ValueError(f"jwks.keys must be a list of 1 to {MAX_KEYS} public keys")
        for place, key in enumerate(keys):
            for fault in faults(key, self.algorithms):
                raise ValueError(f"jwks.keys[{place}] {fault}")


class Anonymous(_Entry):
    """What holds for every caller while AUTH=off."""

    name: str = "anonymous"
    fhir: FhirAccess = FhirAccess()
    capabilities: Capabilities = Capabilities()


class Clients(_Entry):
    """The whole registry."""

    clients: tuple[Client, ...] = ()
    anonymous: Anonymous = Anonymous()

    @model_validator(mode="after")
    def _are_told_apart(self) -> Clients:
        for member in ("name", "iss"):
            values = [getattr(one, member) for one in self.clients]
            twice = sorted({one for one in values if values.count(one) > 1})
            if twice:
                raise ValueError(f"{member} {twice[0]!r} is registered twice")
        return self

    def of_issuer(self, iss: str) -> Client | None:
        """The client whose tokens `iss` signs."""
        return next((one for one in self.clients if one.iss == iss), None)


def read_clients(path: Path | None) -> Clients:
    """The registry in a file; without a file one that knows nobody.

    Raises:
        ClientsError: the file cannot be read, or an entry does not hold.
    """
    if path is None:
        return Clients()
    try:
        written = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ClientsError([f"{path} cannot be read as YAML ({type(error).__name__}{line})"]) from None
    try:
        return Clients.model_validate({} if written is None else written)
    except ValidationError as error:
        raise ClientsError([f"{path}: {_sentence(one)}" for one in error.errors()]) from None


def _sentence(error: Any) -> str:
    """What pydantic found, in words that name the element and never show what it holds."""
    context = error.get("ctx") or {}
    reason = {
        "missing": "is missing",
        "extra_forbidden": "is no key of this file",
        "literal_error": f"must be {context.get('expected')}",
        "string_type": "must be text",
        "string_too_short": "must not be empty",
        "string_too_long": f"must be at most {context.get('max_length')} characters",
        "too_short": "must not be empty",
        "tuple_type": "must be a list",
        "mapping_type": "must be a mapping",
        "model_type": "must be a mapping",
        "dict_type": "must be a mapping",
        "int_type": "must be a whole number",
        "int_parsing": "must be a whole number",
        "int_from_float": "must be a whole number",
        "bool_type": "must be true or false",
        "bool_parsing": "must be true or false",
        "greater_than_equal": f"must be at least {context.get('ge')}",
        "less_than_equal": f"must be at most {context.get('le')}",
        "value_error": str(context.get("error", "")),
    }.get(error["type"], "cannot be used")
    near = _near(error["loc"]) if error["type"] == "extra_forbidden" else ""
    return f"{_place(error['loc'])} {reason}{near}"


def _near(loc: tuple[int | str, ...]) -> str:
    """The key that was meant, when the one that stands there looks like it."""
    models: dict[str, type[_Entry]] = {"fhir": FhirAccess, "capabilities": Capabilities, "anonymous": Anonymous}
    holder = next((models[str(part)] for part in reversed(loc[:-1]) if str(part) in models), Client)
    known = Clients.model_fields if len(loc) == 1 else holder.model_fields
    found = difflib.get_close_matches(str(loc[-1]), known, n=1)
    return f"; did you mean {found[0]}?" if found else f"; it knows {', '.join(known)}"


def _place(loc: tuple[int | str, ...]) -> str:
    written = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return written.lstrip(".") or "the file:"


def open_addresses(clients: Clients) -> Iterator[str]:
    """The clients whose keys are fetched over a network without encryption, by name."""
    for client in clients.clients:
        if client.jku is not None and urlsplit(client.jku).scheme == "http":
            yield client.name

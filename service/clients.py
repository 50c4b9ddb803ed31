"""The CDS clients that may call, as a site registers them in YAML: who signs for them, which FHIR servers they have.

A file has a list `clients`, and may have `anonymous`: what holds for every caller while AUTH=off.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

Algorithm = Literal["ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA"]
"""How a token may be signed: never `none`, never with a shared secret (CDS Hooks 2.0.1, "Trusting CDS Clients")."""


class ClientsError(Exception):
    """A registry that cannot be used: one sentence for each fault, naming file and element."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


def _address(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.username or url.query or url.fragment:
        raise ValueError("must be an address such as https://ehr.example.org/fhir, without query or user")
    return text.rstrip("/")


def _network(text: str) -> str:
    return str(ipaddress.ip_network(text))


Address = Annotated[str, AfterValidator(_address)]
Network = Annotated[str, AfterValidator(_network)]


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


class Client(_Entry):
    """One CDS client: an EHR, or one of its tenants."""

    name: str = Field(min_length=1, description="How logs and reports call it.")
    iss: str = Field(min_length=1, description="The issuer of its tokens, letter by letter.")
    jku: Address | None = Field(default=None, description="Where its keys are; nothing else is ever fetched for keys.")
    jwks: Mapping[str, Any] | None = Field(default=None, description="Its keys themselves, as a JWK Set.")
    algorithms: tuple[Algorithm, ...] = Field(
        default=("ES384", "RS384"), min_length=1, description="What its tokens may be signed with."
    )
    audiences: tuple[str, ...] = Field(
        default=(), description="Further audiences that it writes in place of the address of the service."
    )
    tenants: tuple[str, ...] = Field(
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
        if (self.jku is None) == (self.jwks is None):
            raise ValueError("must have either jku or jwks")
        return self


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
        return Clients.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise ClientsError([f"{path} cannot be read ({type(error).__name__})"]) from None
    except ValidationError as error:
        raise ClientsError([f"{path}: {_place(one['loc'])}{one['msg']}" for one in error.errors()]) from None


def _place(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in loc) + ": " if loc else ""

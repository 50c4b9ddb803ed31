"""The checks of a client's token (JWT), one after the other, in an order in which nothing is done for a stranger.

Source: CDS Hooks 2.0.1, "Trusting CDS Clients"; RFC 7515, 7519, 8725. What makes a check fail is for the owner of the
token and for logs; the caller is never told.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import jwt

from service.cds_hooks.keys import Keys
from service.clients import Client, Clients

MAX_TOKEN_BYTES = 16 * 1024
MAX_NAME = 500
"""Characters of an issuer or a jti, as many as the table of seen tokens keeps."""

_JWS = jwt.PyJWS(options={"enforce_minimum_key_length": True})
_LATEST = 250_000_000_000  # seconds since 1970, in the year 9892: a date can hold it, and what is added to it


class Check(StrEnum):
    """What is checked, in this order; the names stand in logs and in `reboundwatch check-token`."""

    SIZE = "size"
    FORM = "form"
    HEADER = "header"
    ISSUER = "issuer"
    ALGORITHM = "algorithm"
    KEY_ADDRESS = "key address"
    KEY = "key"
    SIGNATURE = "signature"
    CLAIMS = "claims"
    AUDIENCE = "audience"
    ISSUED = "issued"
    NOT_BEFORE = "not before"
    EXPIRY = "expiry"
    LIFETIME = "lifetime"
    TENANT = "tenant"


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of a check; `fault` says in words what is wrong, "" nothing."""

    check: Check
    fault: str = ""


@dataclass(slots=True)
class Examination:
    """One token under examination, accepted for any of `endpoints`, at the time `now` (with a time zone).

    What `findings` has not passed yet is not proven: `claims` are the token's own words until then.
    """

    token: str
    endpoints: Collection[str]
    now: datetime
    header: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    client: Client | None = None

    def findings(self, clients: Clients, keys: Keys) -> Iterator[Finding]:
        """Each check in turn; stops after a fault on which the later checks would depend.

        Raises:
            KeysUnavailable: the keys of the client cannot be had.
        """
        for check, look in ((Check.SIZE, self._size), (Check.FORM, self._form), (Check.HEADER, self._header)):
            yield (found := Finding(check, look()))
            if found.fault:
                return
        issuer = self.claims.get("iss")
        self.client = client = clients.of_issuer(issuer) if isinstance(issuer, str) else None
        yield Finding(Check.ISSUER, "" if client else "iss is no issuer that is registered")
        if client is None:
            return
        for check, look_at in ((Check.ALGORITHM, self._algorithm), (Check.KEY_ADDRESS, self._key_address)):
            yield (found := Finding(check, look_at(client)))
            if found.fault:
                return
        key = keys.of(client).find(self.header["kid"], self.header["alg"])
        yield Finding(Check.KEY, "" if key else "its keys have none of this kid that this algorithm takes")
        if key is None:
            return
        yield (found := Finding(Check.SIGNATURE, self._signature(key)))
        if found.fault:
            return
        yield from self._of_claims(client)

    def _of_claims(self, client: Client) -> Iterator[Finding]:
        yield (found := Finding(Check.CLAIMS, self._required_claims()))
        if found.fault:
            return
        checks: dict[Check, Callable[[Client], str]] = {
            Check.AUDIENCE: self._audience,
            Check.ISSUED: self._issued,
            Check.NOT_BEFORE: self._not_before,
            Check.EXPIRY: self._expiry,
            Check.LIFETIME: self._lifetime,
            Check.TENANT: self._tenant,
        }
        for check, look in checks.items():
            yield Finding(check, look(client))

    def _size(self) -> str:
        return "" if len(self.token) <= MAX_TOKEN_BYTES else f"it has more than {MAX_TOKEN_BYTES} bytes"

    def _form(self) -> str:
        try:
            parts = _JWS.decode_complete(self.token, options={"verify_signature": False})
            claims = json.loads(parts["payload"])
        except (jwt.PyJWTError, ValueError, RecursionError):
            return "it is not a signed token of three parts (JWS, compact form) that hold JSON"
        if not isinstance(claims, dict):
            return "its claims are not an object"
        self.header, self.claims = parts["header"], claims
        return ""

    def _header(self) -> str:
        kind, algorithm, kid = (self.header.get(name) for name in ("typ", "alg", "kid"))
        if not isinstance(kind, str) or kind.upper() != "JWT":
            return "typ must be JWT"
        if not isinstance(algorithm, str) or not algorithm:
            return "alg is missing"
        if not isinstance(kid, str) or not kid:
            return "kid is missing"
        return "crit asks for an extension, and none is known" if "crit" in self.header else ""

    def _algorithm(self, client: Client) -> str:
        if self.header["alg"] in client.algorithms:
            return ""
        return f"alg must be {' or '.join(client.algorithms)}, as registered for {client.name}"

    def _key_address(self, client: Client) -> str:
        if "jku" not in self.header or (client.jku is not None and self.header["jku"] == client.jku):
            return ""
        return f"jku is not the address that is registered for {client.name}"

    def _signature(self, key: jwt.PyJWK) -> str:
        try:
            _JWS.decode_complete(self.token, key, algorithms=[self.header["alg"]])
        except (jwt.PyJWTError, ValueError):
            return "the key did not make this signature"
        return ""

    def _required_claims(self) -> str:
        for name in ("exp", "iat", "nbf"):
            value = self.claims.get(name)
            if value is None and name != "nbf":
                return f"{name} is missing"
            if name in self.claims and not _is_time(value):
                return f"{name} must be a number of seconds since 1970"
        for name, value in (("iss", self.claims["iss"]), ("jti", self.claims.get("jti"))):
            if not isinstance(value, str) or not value:
                return f"{name} is missing"
            if len(value) > MAX_NAME or not value.isprintable():
                return f"{name} must be at most {MAX_NAME} printable characters"
        return "" if "aud" in self.claims else "aud is missing"

    def _audience(self, client: Client) -> str:
        named = self.claims["aud"]
        named = [named] if isinstance(named, str) else named
        if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
            return "aud must be text or a list of texts"
        accepted = {one.removesuffix("/") for one in (*self.endpoints, *client.audiences)}
        if any(one.removesuffix("/") in accepted for one in named):
            return ""
        return f"aud must be {' or '.join(sorted(accepted))}"

    def _issued(self, client: Client) -> str:
        early = self.claims["iat"] - self.now.timestamp()
        return f"iat is {early:.0f} s in the future" if early > client.leeway_seconds else ""

    def _not_before(self, client: Client) -> str:
        early = self.claims.get("nbf", 0) - self.now.timestamp()
        return f"nbf is {early:.0f} s in the future" if early > client.leeway_seconds else ""

    def _expiry(self, client: Client) -> str:
        late = self.now.timestamp() - self.claims["exp"]
        return f"it expired {late:.0f} s ago" if late >= client.leeway_seconds else ""

    def _lifetime(self, client: Client) -> str:
        seconds = self.claims["exp"] - self.claims["iat"]
        if seconds <= 0:
            return "exp is not after iat"
        longest = client.max_lifetime_seconds
        return f"from iat to exp are {seconds:.0f} s, more than {longest}" if seconds > longest else ""

    def _tenant(self, client: Client) -> str:
        tenant = self.claims.get("tenant")
        if tenant is None:
            return "tenant is missing" if client.tenants else ""
        if not isinstance(tenant, str) or not tenant or len(tenant) > MAX_NAME or not tenant.isprintable():
            return f"tenant must be at most {MAX_NAME} printable characters"
        return f"tenant is none of {client.name}" if client.tenants and tenant not in client.tenants else ""

    @property
    def expires(self) -> datetime:
        """When the token itself says that it ends, once its claims were found right."""
        return datetime.fromtimestamp(self.claims["exp"], UTC)


def _is_time(value: object) -> bool:
    # Compared before anything is computed: JSON as Python reads it has infinities and whole numbers without end.
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LATEST

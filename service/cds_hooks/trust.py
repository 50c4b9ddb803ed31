"""Who calls: each call is by a registered client that proves itself with a token of its own, used once.

While AUTH=off, everybody is the anonymous caller of the registry.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from service.cds_hooks.keys import Keys, KeysUnavailable
from service.cds_hooks.problems import Unauthorized, Unchecked
from service.cds_hooks.tokens import MAX_TOKEN_BYTES, Examination
from service.clients import Anonymous, Client, Clients

_log = logging.getLogger(__name__)

_BEARER = re.compile(r"(?i:bearer) +([A-Za-z0-9._~+/-]+=*)")
"""RFC 6750, 2.1. Two headers that something in front has joined with a comma do not match."""

_CLOCKS_APART = timedelta(minutes=5)
"""How long a token is remembered after it can be used no more, for nodes whose clocks differ."""

_LOGGED = 100


class Replays(Protocol):
    """Which tokens have been used, on whatever worker or node."""

    def first_use(self, issuer: str, jti: str, expires: datetime) -> bool:
        """Remember a token at least until `expires` (with a time zone); whether nobody had used it before.

        Of two uses at the same moment one is the first. Raises whatever it likes when it cannot say.
        """


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls; what a call leaves behind belongs to (`issuer`, `tenant`).

    `issuer` is "" for the anonymous caller, which no registered issuer can be.
    """

    client: Client | Anonymous
    issuer: str
    tenant: str | None


def _now() -> datetime:
    return datetime.now(UTC)


class Trust:
    """Decides who may call."""

    def __init__(
        self, clients: Clients, replays: Replays, keys: Keys | None = None, now: Callable[[], datetime] = _now
    ) -> None:
        self._clients, self._replays, self._now = clients, replays, now
        self._keys = keys or Keys(clients.clients)

    def caller(self, authorization: Sequence[str], *endpoints: str) -> Caller:
        """Who sent these Authorization headers to an endpoint that is known by the addresses `endpoints`.

        Raises:
            Unauthorized: nobody who is registered, or not in a way that proves it.
            Unchecked: the keys of the client or the memory of used tokens cannot be reached.
        """
        token = _token(authorization)
        examined = Examination(token, endpoints, self._now())
        try:
            fault = next((one for one in examined.findings(self._clients, self._keys) if one.fault), None)
        except KeysUnavailable:
            raise self._unchecked(examined, "the keys of a client cannot be had") from None
        client = examined.client
        if fault is not None or client is None:
            raise _refused(examined, fault.check if fault else "issuer")
        if not self._first_use(examined, client):
            raise _refused(examined, "replay")
        return Caller(client, client.iss, examined.claims.get("tenant"))

    def _first_use(self, examined: Examination, client: Client) -> bool:
        until = examined.expires + timedelta(seconds=client.leeway_seconds) + _CLOCKS_APART
        try:
            return self._replays.first_use(client.iss, examined.claims["jti"], until)
        except Exception as error:
            # Whatever kept the answer away, the token may have been used before.
            reason = f"the memory of used tokens does not answer ({type(error).__name__})"
            raise self._unchecked(examined, reason) from None

    def _unchecked(self, examined: Examination, reason: str) -> Unchecked:
        _log.error("not checked: %s: %s", _named(examined), reason)
        return Unchecked("whether the caller may call cannot be found out now; ask again, with a new token")


class NoTrust:
    """While AUTH=off: everybody may call, as the anonymous caller, whatever token they bring."""

    def __init__(self, clients: Clients) -> None:
        self._anonymous = Caller(clients.anonymous, "", None)

    def caller(self, authorization: Sequence[str], *endpoints: str) -> Caller:
        """The anonymous caller."""
        return self._anonymous


def _token(authorization: Sequence[str]) -> str:
    """The token of the one header that there must be."""
    if len(authorization) != 1:
        _log.warning("refused: %s", "no Authorization header" if not authorization else "two Authorization headers")
        raise Unauthorized
    # Measured before the pattern looks at it.
    if len(authorization[0]) > MAX_TOKEN_BYTES + len("Bearer "):
        _log.warning("refused: size")
        raise Unauthorized
    found = _BEARER.fullmatch(authorization[0])
    if found is None:
        _log.warning("refused: no bearer token")
        raise Unauthorized
    return found[1]


def _refused(examined: Examination, reason: str) -> Unauthorized:
    _log.warning("refused: %s: %s", reason, _named(examined))
    return Unauthorized()


def _named(examined: Examination) -> str:
    """Whose token it says it is, as far as that can stand in a log."""
    name = examined.client.name if examined.client else "-"
    said = (examined.claims.get(claim) for claim in ("tenant", "jti"))
    tenant, jti = (one[:_LOGGED] if isinstance(one, str) and one.isprintable() else "-" for one in said)
    return f"client {name}, tenant {tenant}, jti {jti}"

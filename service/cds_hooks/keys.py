"""Where the keys of a client come from: its entry in the registry, or the one address that is registered for it.

Nothing that a token says is ever fetched. An address is asked by one thread at a time, at most once in
`RETRY_SECONDS`; what it answered is used for `FRESH_SECONDS`, and for `STALE_SECONDS` while it does not answer.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any

import httpcore
import jwt

from service.cds_hooks.public_keys import MAX_KEYS, public_key
from service.clients import Client
from service.fhir.addresses import UNTIL, TimedNetwork
from service.fhir.server import trusted

RETRY_SECONDS = 30.0
FRESH_SECONDS = 600.0
STALE_SECONDS = 86_400.0
MAX_BYTES = 256 * 1024
FETCH_SECONDS = 3.0
"""Time for a whole answer, from the connection to its last byte."""
_HEADERS = [("Accept", "application/jwk-set+json, application/json"), ("Accept-Encoding", "identity")]

_NO_ANSWER = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol)

_log = logging.getLogger(__name__)


class KeysUnavailable(Exception):
    """No key of a client is at hand, and its address gives none: no token of it can be judged now."""


class KeyFetch:
    """Asks an address for a JWK Set: no redirect, no proxy, no compression, bounded in size and time."""

    @cached_property
    def _connections(self) -> httpcore.ConnectionPool:
        return httpcore.ConnectionPool(ssl_context=trusted(), network_backend=TimedNetwork())

    def __call__(self, address: str) -> Mapping[str, Any]:
        """The JWK Set at `address`.

        Raises:
            KeysUnavailable: there is no answer, or it is none.
        """
        before = UNTIL.set(time.monotonic() + FETCH_SECONDS)
        try:
            return _key_set(self._body(address))
        except httpcore.TimeoutException:
            raise KeysUnavailable(f"it does not answer within {FETCH_SECONDS:.0f} seconds") from None
        except (*_NO_ANSWER, ValueError, RecursionError) as error:
            raise KeysUnavailable(f"no JWK Set is there ({type(error).__name__})") from None
        finally:
            UNTIL.reset(before)

    def _body(self, address: str) -> bytes:
        body = bytearray()
        with self._connections.stream("GET", address, headers=_HEADERS) as response:
            if response.status != HTTPStatus.OK:
                raise KeysUnavailable(f"it answers {response.status}")
            if any(name.lower() == b"content-encoding" and value != b"identity" for name, value in response.headers):
                raise KeysUnavailable("its answer is compressed, which was not asked for")
            for piece in response.iter_stream():
                body += piece
                if len(body) > MAX_BYTES:
                    raise KeysUnavailable(f"its answer has more than {MAX_BYTES} bytes")
        return bytes(body)


def _key_set(body: bytes) -> Mapping[str, Any]:
    found = json.loads(body)
    keys = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(keys, list) or len(keys) > MAX_KEYS:
        raise KeysUnavailable(f"its answer is not a JWK Set of at most {MAX_KEYS} keys")
    return {"keys": keys}


@dataclass(frozen=True, slots=True)
class _KeySet:
    """A JWK Set, and the keys that were made from it: they go together, so that a withdrawn key is not found again."""

    jwks: Mapping[str, Any]
    made: dict[tuple[str, str], jwt.PyJWK] = field(default_factory=dict)

    def find(self, kid: str, algorithm: str) -> jwt.PyJWK | None:
        key = self.made.get((kid, algorithm)) or public_key(self.jwks, kid, algorithm)
        if key is not None:
            self.made[kid, algorithm] = key
        return key


class ClientKeys:
    """The keys of one client."""

    def __init__(self, client: Client, fetch: KeyFetch, elapsed: Callable[[], float]) -> None:
        # Keys that the site has registered itself are its word; an address beside them is what tokens may name.
        self._name, self._address = client.name, client.jku if client.jwks is None else None
        self._fetch, self._elapsed = fetch, elapsed
        self._set = _KeySet(client.jwks) if client.jwks is not None else None
        self._fetched = self._asked = float("-inf")
        self._asking = threading.Lock()

    def find(self, kid: str, algorithm: str) -> jwt.PyJWK | None:
        """The key called `kid` that `algorithm` takes; an unknown one has the address asked anew, within its rate.

        Raises:
            KeysUnavailable: there are no keys of this client to look in.
        """
        now = self._refreshed(needed=self._set is None)
        found = now.find(kid, algorithm) if now else None
        if found is None:
            now = self._refreshed(needed=True)
            found = now.find(kid, algorithm) if now else None
        if now is None:
            raise KeysUnavailable("its keys could not be had")
        return found

    def _refreshed(self, needed: bool) -> _KeySet | None:
        """The keys, after the address was asked if they are old, or if they are `needed` otherwise."""
        if self._address is None or (not needed and self._elapsed() - self._fetched < FRESH_SECONDS):
            return self._set
        # Whoever can do with the keys at hand does not wait for the thread that is asking.
        if self._asking.acquire(blocking=needed):
            try:
                if self._elapsed() - self._asked >= RETRY_SECONDS:
                    self._ask(self._address)
            finally:
                self._asking.release()
        return self._set

    def _ask(self, address: str) -> None:
        self._asked = self._elapsed()
        try:
            self._set = _KeySet(self._fetch(address))
            self._fetched = self._elapsed()
        except KeysUnavailable as error:
            _log.warning("the keys of %s cannot be fetched: %s", self._name, error)
            if self._elapsed() - self._fetched > STALE_SECONDS:
                self._set = None


class Keys:
    """The keys of all clients."""

    def __init__(self, clients: Iterable[Client], elapsed: Callable[[], float] = time.monotonic) -> None:
        fetch = KeyFetch()
        self._of = {client.iss: ClientKeys(client, fetch, elapsed) for client in clients}

    def of(self, client: Client) -> ClientKeys:
        """Those of one client."""
        return self._of[client.iss]

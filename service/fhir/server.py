"""Asks FHIR servers for parts of a record: all at once, page by page, within limits of place, time and size.

Nothing is followed that leads elsewhere: no redirect, and no next page outside of the base of the server. No proxy of
the environment is used. Neither the token nor the address of a question, which names the patient, is ever logged.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import Enum
from functools import cache

import httpcore
import httpx

from service.fhir.addresses import UNTIL, AddressRefused, CheckedNetwork, Network, Resolve, is_under, resolve
from service.fhir.pages import Page, joined, page
from service.turns import waiting
from service.version import SOFTWARE_VERSION

MAX_PAGES = 50
MAX_ENTRIES = 50_000
"""More resources than one evaluation can be about."""

_THREADS = 64
_AT_ONCE = 32
_IDLE_SECONDS = 60.0
_GRACE_SECONDS = 0.05
"""For a question whose time is up to hand over the pages that it has."""


_AGENT = f"reboundwatch/{SOFTWARE_VERSION}"

_log = logging.getLogger(__name__)


class Trouble(Enum):
    """Why a server was not asked, or did not answer with all of it, in words that follow "and"."""

    NO_SERVER = "the request names no fhirServer"
    NOT_A_SERVER = "fhirServer is not one of this client's FHIR servers"
    TOKEN = "the token has expired or is none that can be sent"
    NOT_PERMITTED = "it is not permitted by the scope of the token"
    ADDRESS = "the FHIR server is at an address that is not open"
    UNREACHABLE = "the FHIR server cannot be reached"
    TIMED_OUT = "the FHIR server did not answer in time"
    REFUSED = "the FHIR server refused the token"
    REDIRECTED = "the FHIR server sent a redirect, which is not followed"
    NOT_FOUND = "the FHIR server does not have it"
    FAILED = "the FHIR server failed"
    NO_FHIR = "the FHIR server answered with something other than FHIR"
    ELSEWHERE = "the next page is not on the FHIR server"
    CIRCLE = "the pages lead in a circle"
    TOO_MUCH = "there is more than is read"


_STATUSES = {401: Trouble.REFUSED, 403: Trouble.REFUSED, 404: Trouble.NOT_FOUND, 410: Trouble.NOT_FOUND}
_CLASSES = {3: Trouble.REDIRECTED}


@dataclass(frozen=True, slots=True)
class Question:
    """One part of a record to ask for: its address on the server, or the first page of it that is at hand."""

    key: str
    kind: str
    address: str
    first: bytes | None = None


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a question: FHIR that is not judged yet, trouble, or both when there are some of the pages only."""

    data: bytes | None
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """What holds for all questions of one hook call.

    `base` is the server in the form of `addresses.base_of`; `until` the end by `time.monotonic`.
    """

    base: str
    networks: tuple[Network, ...]
    token: str | None
    until: float
    max_bytes: int


class _Stopped(Exception):
    """A question that cannot be answered."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble


class _Allowance:
    """How much the answers to one visit may hold together, and each of them at most half of it.

    One part that is too large then leaves room for the others.
    """

    def __init__(self, max_bytes: int, max_entries: int = MAX_ENTRIES, whole: _Allowance | None = None) -> None:
        self._bytes, self._entries, self._whole = max_bytes, max_entries, whole
        self._lock = threading.Lock()

    def half(self) -> _Allowance:
        """What one of the answers may hold; it counts for the whole too."""
        return _Allowance(self._bytes // 2, self._entries // 2, self)

    def take(self, *, size: int = 0, entries: int = 0) -> None:
        """Count what came.

        Raises:
            _Stopped: it is too much.
        """
        with self._lock:
            self._bytes -= size
            self._entries -= entries
            if min(self._bytes, self._entries) < 0:
                raise _Stopped(Trouble.TOO_MUCH)
        if self._whole is not None:
            self._whole.take(size=size, entries=entries)


class FhirServers:
    """The connections of one process to FHIR servers; all threads share them."""

    def __init__(self, resolve: Resolve = resolve) -> None:
        self._resolve = resolve
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="fhir")
        self._pools: dict[tuple[tuple[Network, ...], bool], httpcore.ConnectionPool] = {}
        self._lock = threading.Lock()

    def ask(self, visit: Visit, questions: Sequence[Question]) -> Mapping[str, Came]:
        """What came of each question, by its key; returns when `visit.until` is over at the latest."""
        allowance = _Allowance(visit.max_bytes)
        began = time.monotonic()
        shares = [allowance.half() for _ in questions]
        asked = {
            one.key: self._threads.submit(self._answer, visit, one, share)
            for one, share in zip(questions, shares, strict=True)
        }
        with waiting():
            wait(asked.values(), timeout=max(0.0, visit.until - time.monotonic()) + _GRACE_SECONDS)
        found = {key: _result(future) for key, future in asked.items()}
        for trouble in Trouble:
            if kinds := [one.kind for one in questions if found[one.key].trouble is trouble]:
                _log.warning("the FHIR server, %s: %s", trouble.name, ", ".join(kinds))
        _log.info("%d questions to the FHIR server: %.1f ms", len(questions), (time.monotonic() - began) * 1000)
        return found

    def close(self) -> None:
        """Close every connection, after the questions under way are over."""
        self._threads.shutdown(cancel_futures=True)
        with self._lock:
            for pool in self._pools.values():
                pool.close()
            self._pools.clear()

    def _pool(self, visit: Visit) -> httpcore.ConnectionPool:
        """Connections that may be used for a visit: what one client may reach is not lent to another."""
        plain = visit.base.startswith("http:")
        with self._lock:
            key = (visit.networks, plain)
            if key not in self._pools:
                self._pools[key] = httpcore.ConnectionPool(
                    ssl_context=None if plain else trusted(),
                    max_connections=2 * _THREADS,
                    max_keepalive_connections=_AT_ONCE,
                    keepalive_expiry=_IDLE_SECONDS,
                    network_backend=CheckedNetwork(visit.networks, plain=plain, resolve=self._resolve),
                )
            return self._pools[key]

    def _answer(self, visit: Visit, question: Question, allowance: _Allowance) -> Came:
        UNTIL.set(visit.until)
        pages: list[Page] = []
        try:
            for one in self._pages(visit, question, allowance):
                pages.append(one)
        except _Stopped as stopped:
            return Came(joined(pages) if pages else None, stopped.trouble)
        return Came(joined(pages))

    def _pages(self, visit: Visit, question: Question, allowance: _Allowance) -> Iterator[Page]:
        address: str | None = question.address
        data, seen = question.first, {question.address}
        while address is not None:
            found = page(self._get(visit, address, allowance) if data is None else data, address)
            if found is None or (len(seen) > 1 and found.entries is None):
                raise _Stopped(Trouble.NO_FHIR)
            allowance.take(entries=len(found.entries or ()))
            yield found
            address, data = found.next, None
            if address is not None:
                if not is_under(address, visit.base):
                    raise _Stopped(Trouble.ELSEWHERE)
                if address in seen:
                    raise _Stopped(Trouble.CIRCLE)
                if len(seen) == MAX_PAGES:
                    raise _Stopped(Trouble.TOO_MUCH)
                seen.add(address)

    def _get(self, visit: Visit, address: str, allowance: _Allowance) -> bytes:
        """The body at an address.

        Raises:
            _Stopped: there is none.
        """
        for last in (False, True):
            try:
                return self._sent(visit, address, allowance)
            except (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError):
                # A server may close a connection that was kept just when it is used again.
                if last:
                    raise _Stopped(Trouble.FAILED) from None
            except AddressRefused:
                raise _Stopped(Trouble.ADDRESS) from None
            except httpcore.TimeoutException:
                raise _Stopped(Trouble.TIMED_OUT) from None
            except httpcore.ConnectError:
                raise _Stopped(Trouble.UNREACHABLE) from None
        raise AssertionError("the second attempt answers or stops")

    def _sent(self, visit: Visit, address: str, allowance: _Allowance) -> bytes:
        left = visit.until - time.monotonic()
        if left <= 0:
            raise _Stopped(Trouble.TIMED_OUT)
        timeout = dict.fromkeys(("pool", "connect", "read", "write"), left)
        body = bytearray()
        with self._pool(visit).stream(
            "GET", address, headers=_headers(visit.token), extensions={"timeout": timeout}
        ) as response:
            _check(response)
            for piece in response.iter_stream():
                allowance.take(size=len(piece))
                body += piece
        return bytes(body)


def _headers(token: str | None) -> list[tuple[bytes | str, bytes | str]]:
    bearer: list[tuple[bytes | str, bytes | str]] = [] if token is None else [("Authorization", f"Bearer {token}")]
    return [("Accept", "application/fhir+json"), ("Accept-Encoding", "identity"), ("User-Agent", _AGENT), *bearer]


def _check(response: httpcore.Response) -> None:
    """Stop unless an answer is a success that can be read.

    Raises:
        _Stopped: it is another one.
    """
    if response.status != 200:
        raise _Stopped(_STATUSES.get(response.status, _CLASSES.get(response.status // 100, Trouble.FAILED)))
    encodings = [value for name, value in response.headers if name.lower() == b"content-encoding"]
    # Nothing compressed was asked for, and a small body could unfold into more than fits.
    if any(value.lower() != b"identity" for value in encodings):
        raise _Stopped(Trouble.NO_FHIR)


def _result(future: Future[Came]) -> Came:
    if not future.done():
        future.cancel()
        return Came(None, Trouble.TIMED_OUT)
    return future.result()


@cache
def trusted() -> ssl.SSLContext:
    """Whom to believe who they are: the authorities of the web, and those of this system, as a hospital's own."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context

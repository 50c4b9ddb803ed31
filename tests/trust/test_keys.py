"""Where keys come from: a real server counts what is asked of it, and how often."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from service.cds_hooks import keys as key_sources
from service.cds_hooks.keys import (
    FRESH_SECONDS,
    MAX_BYTES,
    RETRY_SECONDS,
    STALE_SECONDS,
    KeyFetch,
    Keys,
    KeysUnavailable,
)
from service.clients import Client
from service.fhir.addresses import UNTIL
from tests.trust.issuing import DISCOVERY, Ehr, jwk, private_key, site


class KeyServer:
    """Serves a JWK Set on this machine, or whatever else it is told to, and remembers who asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b"{}"
        self.before: Callable[[], object] = lambda: None
        server = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                server.before()
                self.send_response(server.status)
                for name, value in {"Content-Length": str(len(server.body)), **server.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(server.body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def address(self, path: str = "/jwks.json") -> str:
        return f"http://127.0.0.1:{self.http.server_port}{path}"

    def serve(self, *keys: dict[str, Any]) -> None:
        self.status, self.headers, self.body = 200, {}, json.dumps({"keys": list(keys)}).encode()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def server() -> Iterator[KeyServer]:
    made = KeyServer()
    yield made
    made.close()


def published(server: KeyServer, kid: str = "one", number: int = 0) -> Ehr:
    return Ehr(kid=kid, number=number, extra={"jku": server.address()})


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def keys_of(server: KeyServer, clock: Clock) -> Callable[[str], bool]:
    """Whether a key of that name is found for the client that publishes there."""
    client = Client.model_validate(published(server).entry)
    found = Keys([client], clock).of(client)
    return lambda kid: found.find(kid, "ES384") is not None


def status(app: Flask, token: str) -> int:
    return app.test_client().get("/cds-services", headers={"Authorization": f"Bearer {token}"}).status_code


def test_keys_are_fetched_from_the_address_that_is_registered(tmp_path: Path, server: KeyServer) -> None:
    ehr = published(server)
    server.serve(jwk(ehr.key, "one"))
    worker = site(tmp_path, ehr)
    assert server.asked == [], "nothing is fetched before somebody calls"
    assert status(worker, ehr.token(DISCOVERY)) == 200
    assert status(worker, ehr.signed(ehr.claims(DISCOVERY), jku=server.address())) == 200
    assert server.asked == ["/jwks.json"]


@pytest.mark.parametrize("path", ["/other.json", "/jwks.json/", "/jwks.json?a=1", "/jwks.json#x", "/x/../jwks.json"])
def test_an_address_that_is_not_registered_is_never_asked(tmp_path: Path, server: KeyServer, path: str) -> None:
    ehr = published(server)
    server.serve(jwk(ehr.key, "one"))
    assert status(site(tmp_path, ehr), ehr.signed(ehr.claims(DISCOVERY), jku=server.address(path))) == 401
    assert server.asked == []


@pytest.mark.parametrize("jku", [None, 1, ["{address}"], {"url": "{address}"}])
def test_an_address_that_is_none_is_refused_unasked(tmp_path: Path, server: KeyServer, jku: object) -> None:
    ehr = published(server)
    assert status(site(tmp_path, ehr), ehr.signed(ehr.claims(DISCOVERY), jku=jku)) == 401
    assert server.asked == []


def test_a_stranger_and_a_wrong_algorithm_have_nothing_fetched(tmp_path: Path, server: KeyServer) -> None:
    worker = site(tmp_path, published(server))
    stranger = Ehr(iss="https://stranger.example.org")
    assert status(worker, stranger.signed(stranger.claims(DISCOVERY), jku=server.address())) == 401
    assert status(worker, Ehr("P-256", "ES256").token(DISCOVERY)) == 401
    assert status(worker, "no.token.") == 401
    assert server.asked == []


def test_a_redirect_is_not_followed(server: KeyServer, clock: Clock) -> None:
    server.serve(jwk(private_key("P-384"), "one"))
    server.status, server.headers = 302, {"Location": server.address("/elsewhere.json")}
    with pytest.raises(KeysUnavailable):
        keys_of(server, clock)("one")
    assert server.asked == ["/jwks.json"]


def test_a_kid_is_looked_up_and_never_part_of_an_address(server: KeyServer, clock: Clock) -> None:
    server.serve(jwk(private_key("P-384"), "one"))
    found = keys_of(server, clock)
    assert found("one")
    clock.seconds += RETRY_SECONDS
    assert not found("../../secret?x=http://evil.example.org")
    assert set(server.asked) == {"/jwks.json"}


def test_a_key_that_is_new_has_the_address_asked_once(server: KeyServer, clock: Clock) -> None:
    server.serve(jwk(private_key("P-384"), "one"))
    found = keys_of(server, clock)
    assert found("one")
    server.serve(jwk(private_key("P-384"), "one"), jwk(private_key("P-384", 5), "two"))
    clock.seconds += RETRY_SECONDS
    assert found("two")
    assert found("one")
    assert len(server.asked) == 2


def test_keys_that_nobody_has_do_not_make_the_address_be_asked_more_often(server: KeyServer, clock: Clock) -> None:
    server.serve(jwk(private_key("P-384"), "one"))
    found = keys_of(server, clock)
    assert [found(f"guess {number}") for number in range(20)] == [False] * 20
    assert len(server.asked) == 1
    clock.seconds += RETRY_SECONDS
    assert [found(f"guess {number}") for number in range(20)] == [False] * 20
    assert len(server.asked) == 2


def test_callers_at_the_same_moment_share_one_question(server: KeyServer, clock: Clock) -> None:
    server.serve(jwk(private_key("P-384"), "one"))
    gate = threading.Event()
    server.before = lambda: gate.wait(1)
    found = keys_of(server, clock)
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(found, "one") for _ in range(8)]
        gate.set()
        assert [one.result() for one in answers] == [True] * 8
    assert len(server.asked) == 1


def test_a_key_that_is_withdrawn_is_trusted_no_longer_than_keys_are_fresh(server: KeyServer, clock: Clock) -> None:
    server.serve(jwk(private_key("P-384"), "one"))
    found = keys_of(server, clock)
    assert found("one")
    server.serve(jwk(private_key("P-384", 5), "two"))
    clock.seconds += FRESH_SECONDS - 1
    assert found("one")
    assert len(server.asked) == 1
    clock.seconds += 1
    assert not found("one")
    assert found("two")


def test_while_the_address_does_not_answer_known_keys_hold_for_a_day(server: KeyServer, clock: Clock) -> None:
    server.serve(jwk(private_key("P-384"), "one"))
    found = keys_of(server, clock)
    assert found("one")
    server.status = 500
    for _ in range(3):
        clock.seconds += STALE_SECONDS / 3
        assert found("one")
        assert not found("two")
    assert len(server.asked) == 4, "asked again, but not for each caller"
    clock.seconds += RETRY_SECONDS
    with pytest.raises(KeysUnavailable):
        found("one")
    server.serve(jwk(private_key("P-384"), "one"))
    clock.seconds += RETRY_SECONDS
    assert found("one")


def test_without_any_keys_a_token_can_be_neither_let_in_nor_refused(tmp_path: Path, server: KeyServer) -> None:
    ehr = published(server)
    worker = site(tmp_path, ehr)
    server.close()
    assert status(worker, ehr.token(DISCOVERY)) == 503
    assert status(worker, ehr.token(DISCOVERY)) == 503


def compressed(server: KeyServer) -> None:
    server.headers = {"Content-Encoding": "gzip"}


def too_long(server: KeyServer) -> None:
    server.body = b'{"keys": []' + b" " * MAX_BYTES + b"}"


def body(content: bytes) -> Callable[[KeyServer], None]:
    return lambda server: setattr(server, "body", content)


def trickled(seconds: float) -> Callable[[socket.socket], None]:
    """Sends a header that never ends, a byte at a time."""

    def send(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            connection.sendall(b"x")
            time.sleep(0.05)

    return send


def test_an_address_that_answers_a_byte_at_a_time_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_sources, "FETCH_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as other:
        other.submit(lambda: suppressed(trickled(10), listening.accept()[0]))
        before, began = UNTIL.get(), time.monotonic()
        with pytest.raises(KeysUnavailable, match="does not answer within"):
            KeyFetch()(f"http://127.0.0.1:{listening.getsockname()[1]}/jwks.json")
        assert time.monotonic() - began < 5
    assert UNTIL.get() == before, "nothing after it is hurried"


def suppressed(send: Callable[[socket.socket], None], connection: socket.socket) -> None:
    with connection, suppress(OSError):
        send(connection)


@pytest.mark.parametrize("address", ["https://a..b/jwks.json", "https://[::1", "https://x" + "y" * 300 + ".example/"])
def test_an_address_that_cannot_be_asked_gives_no_keys_and_no_failure(address: str) -> None:
    with pytest.raises(KeysUnavailable):
        KeyFetch()(address)


def test_keys_registered_beside_their_address_are_used_and_the_address_is_not_asked(
    tmp_path: Path, server: KeyServer
) -> None:
    """A site without a way out can serve an EHR that names its address in every token."""
    pinned = Ehr(extra={"jku": server.address(), "jwks": Ehr().jwks})
    worker = site(tmp_path, pinned)
    assert status(worker, pinned.signed(pinned.claims(DISCOVERY), jku=server.address())) == 200
    assert status(worker, pinned.signed(pinned.claims(DISCOVERY), jku=server.address("/other.json"))) == 401
    assert server.asked == []


@pytest.mark.parametrize(
    "spoil",
    [
        *(compressed, too_long, body(b"<html>"), body(b"[]"), body(b'{"keys": {}}'), body(b"[" * 50_000)),
        body(json.dumps({"keys": [{}] * 101}).encode()),
    ],
)
def test_what_is_not_a_key_set_of_reasonable_size_is_none(
    server: KeyServer, clock: Clock, spoil: Callable[[KeyServer], None]
) -> None:
    server.serve(jwk(private_key("P-384"), "one"))
    spoil(server)
    with pytest.raises(KeysUnavailable):
        keys_of(server, clock)("one")


@pytest.mark.parametrize(
    "key",
    [
        jwk(private_key("P-384"), "one", use="enc"),
        jwk(private_key("P-384"), "one", key_ops=["encrypt"]),
        jwk(private_key("P-384"), "one", alg="ES256"),
        jwk(private_key("P-384"), "one", d="c2VjcmV0"),
        jwk(private_key("P-384"), "one", crv="P-256"),
        jwk(private_key("P-384"), "one", x="AAAA"),
        jwk(private_key("P-256"), "one"),
        jwk(private_key("RSA"), "one"),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "one"},
        {"kty": ["EC"], "kid": "one"},
        jwk(private_key("P-384"), "one", key_ops=5),
        jwk(private_key("P-384"), "one", x=5),
        jwk(private_key("P-384"), "one", x=None),
        "one",
        None,
    ],
)
def test_a_key_that_cannot_have_signed_is_passed_over_and_the_right_one_found(
    server: KeyServer, clock: Clock, key: Any
) -> None:
    server.serve(key)
    assert not keys_of(server, clock)("one")
    server.serve(key, jwk(private_key("P-384"), "one"))
    assert keys_of(server, clock)("one")


def test_no_proxy_of_the_environment_is_asked(server: KeyServer, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.serve(jwk(private_key("P-384"), "one"))
    assert keys_of(server, clock)("one")

"""A small FHIR server on this machine: reads, searches with pages, a token, and faults on request."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

Json = dict[str, Any]


@dataclass
class Asked:
    """One request that reached the server."""

    path: str
    headers: dict[str, str]

    @property
    def kind(self) -> str:
        """The resource type in its path; "" for a page by its link."""
        return urlsplit(self.path).path.removeprefix("/fhir").strip("/").split("/")[0]


@dataclass
class FhirServer:
    """What the server holds and how it behaves; `faults` by resource type, `delay` in seconds."""

    port: int = 0
    host: str = "127.0.0.1"
    scheme: str = "http"
    resources: list[Json] = field(default_factory=list)
    token: str | None = None
    page_size: int = 1000
    delay: float = 0.0
    faults: dict[str, str] = field(default_factory=dict)
    elsewhere: str = ""
    asked: list[Asked] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def base(self) -> str:
        """The address that a request names as fhirServer."""
        return f"{self.scheme}://{self.host}:{self.port}/fhir"

    def kinds(self) -> set[str]:
        """The types of resources that were asked for."""
        return {one.kind for one in self.asked}

    def answer(self, asked: Asked) -> tuple[int, bytes]:
        """Status and body, as a server without faults gives them."""
        if self.token is not None and asked.headers.get("authorization") != f"Bearer {self.token}":
            return 401, encoded(outcome("error"))
        if set(asked.path) & set('|,"<> '):
            return 400, b"<html>Invalid character found in the request target</html>"
        url = urlsplit(asked.path)
        steps = url.path.removeprefix("/fhir").strip("/").split("/")
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if len(steps) == 2:
            found = [one for one in self.resources if (one["resourceType"], one["id"]) == tuple(steps)]
            return (200, encoded(found[0])) if found else (404, encoded(outcome("error")))
        return 200, encoded(self._page(query.get("kind", steps[0]), query))

    def _page(self, kind: str, query: dict[str, str]) -> Json:
        found = [one for one in self.resources if one["resourceType"] == kind and _matches(one, query)]
        start, size = int(query.get("offset", 0)), min(self.page_size, int(query.get("_count", 1000)))
        entries = [{"resource": one} for one in found[start : start + size]]
        links = [{"relation": "self", "url": f"{self.base}/{kind}"}]
        if start + size < len(found):
            rest = "&".join(f"{name}={quote(value)}" for name, value in query.items() if name in ("patient", "_id"))
            links.append({"relation": "next", "url": f"{self.base}?kind={kind}&{rest}&offset={start + size}"})
        if fault := self.faults.get(f"{kind} next"):
            links = [{"relation": "next", "url": self.elsewhere if fault == "elsewhere" else f"{self.base}/{fault}"}]
        return {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries}


def _matches(resource: Json, query: dict[str, str]) -> bool:
    if "_id" in query:
        return resource["id"] in query["_id"].split(",")
    owner = (resource.get("subject") or resource.get("patient") or {}).get("reference")
    if owner is not None and owner != f"Patient/{query.get('patient')}":
        return False
    codes = query.get("code")
    named = {coding.get("code") for coding in resource.get("code", {}).get("coding", [])}
    return codes is None or bool(named & set(codes.split(",")))


def outcome(severity: str) -> Json:
    """What a server says of a query."""
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "processing"}]}


def encoded(value: Any) -> bytes:
    """JSON as it goes over the wire."""
    return json.dumps(value).encode()


@contextmanager
def serving(
    resources: Sequence[Json] = (),
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    **behaviour: Any,
) -> Iterator[FhirServer]:
    """A server that runs while the block does, encrypted when it is given `tls`."""
    fhir = FhirServer(host=host, scheme="https" if tls else "http", resources=list(resources), **behaviour)
    listener = ThreadingHTTPServer((host, port), _requests_of(fhir))
    if tls is not None:
        # The handshake is made when a request is read, in the thread of that connection.
        listener.socket = tls.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
    fhir.port = listener.server_address[1]
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield fhir
    finally:
        fhir.released.set()
        listener.shutdown()
        listener.server_close()
        thread.join()


def _requests_of(fhir: FhirServer) -> type[BaseHTTPRequestHandler]:
    class Requests(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()})
            fhir.asked.append(asked)
            time.sleep(fhir.delay)
            _FAULTS.get(fhir.faults.get(asked.kind, ""), _plainly)(self, fhir, asked)

        def handle(self) -> None:
            # A client that does not trust this server, or has no more time for it, hangs up.
            with suppress(OSError):
                super().handle()

        def log_message(self, format: str, *args: Any) -> None:
            return

    return Requests


def _plainly(to: BaseHTTPRequestHandler, fhir: FhirServer, asked: Asked) -> None:
    status, body = fhir.answer(asked)
    _send(to, status, body)


def _send(to: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    to.send_response(status)
    for name, value in {"Content-Type": "application/fhir+json", **headers}.items():
        to.send_header(name.replace("_", "-"), value)
    to.send_header("Content-Length", str(len(body)))
    to.end_headers()
    to.wfile.write(body)


def _drip(to: BaseHTTPRequestHandler, fhir: FhirServer, _: Asked) -> None:
    """Headers without an end, a few bytes at a time: no single wait is long."""
    to.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(1000):
        if fhir.released.wait(0.05):
            break
        to.wfile.write(f"X-{number}: x\r\n".encode())
    to.close_connection = True


def _hang(to: BaseHTTPRequestHandler, fhir: FhirServer, _: Asked) -> None:
    fhir.released.wait(30)
    to.close_connection = True


def _reset(to: BaseHTTPRequestHandler, _: FhirServer, __: Asked) -> None:
    to.close_connection = True


def _stranger(to: BaseHTTPRequestHandler, _: FhirServer, __: Asked) -> None:
    record = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/somebody-else"}}
    _send(to, 200, encoded({"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": record}]}))


_EMPTY = encoded({"resourceType": "Bundle", "type": "searchset"})
_FAULTS: dict[str, Any] = {
    "drip": _drip,
    "hang": _hang,
    "reset": _reset,
    "stranger": _stranger,
    "500": lambda to, fhir, asked: _send(to, 500, b"java.lang.NullPointerException"),
    "403": lambda to, fhir, asked: _send(to, 403, encoded(outcome("error"))),
    "404": lambda to, fhir, asked: _send(to, 404, encoded(outcome("error"))),
    "redirect": lambda to, fhir, asked: _send(to, 302, b"", Location=fhir.elsewhere),
    "garbage": lambda to, fhir, asked: _send(to, 200, b"<html>Sign in</html>"),
    "null": lambda to, fhir, asked: _send(to, 200, b"null"),
    "nested": lambda to, fhir, asked: _send(to, 200, b'{"resourceType":"Bundle","entry":' + b"[" * 50_000),
    "outcome": lambda to, fhir, asked: _send(to, 200, encoded(outcome("error"))),
    "compressed": lambda to, fhir, asked: _send(to, 200, _EMPTY, Content_Encoding="gzip"),
    "huge": lambda to, fhir, asked: _send(to, 200, _EMPTY + b" " * 3_000_000),
}

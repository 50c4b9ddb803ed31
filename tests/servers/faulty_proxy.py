"""A proxy before a FHIR server that makes the faults of real ones: tokens, slowness, errors, broken answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx

OUTCOME = b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"exception"}]}'
FHIR_JSON = "application/fhir+json"


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with a query; what is not said goes well.

    `status` replaces the answer, `delay` is in seconds, `broken` cuts the JSON off in its middle, `count` makes the
    pages of a search that small (FHIR leaves the size to the server), `retry_after` is said in seconds.
    """

    status: int | None = None
    delay: float = 0
    broken: bool = False
    count: int | None = None
    retry_after: int | None = None


@dataclass(slots=True)
class FaultyProxy:
    """A running proxy. `faults` are by the kind of resource that is asked for, "" for all kinds.

    With `token` set, whoever does not bring it is told 401. `asked` is every path with its query, in order.
    """

    base: str
    faults: dict[str, Fault] = field(default_factory=dict)
    token: str | None = None
    asked: list[str] = field(default_factory=list)

    def fault(self, path: str) -> Fault:
        """What goes wrong with a path such as /fhir/Condition?patient=p."""
        [kind, *_] = urlsplit(path).path.removeprefix("/fhir/").split("/")
        return self.faults.get(kind, self.faults.get("", Fault()))


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@contextmanager
def in_front_of(base: str) -> Iterator[FaultyProxy]:
    """A proxy on a port of its own while the block runs; it says its own address wherever the server says its."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as listening, _upstream() as upstream:
        proxy = FaultyProxy(f"http://127.0.0.1:{listening.server_address[1]}/fhir")

        def answer(path: str, authorization: str | None) -> _Answer:
            proxy.asked.append(path)
            if proxy.token is not None and authorization != f"Bearer {proxy.token}":
                return _Answer(401, OUTCOME, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
            return _with(proxy.fault(path), path, base, proxy.base, upstream)

        listening.RequestHandlerClass = _answering(answer)
        thread = threading.Thread(target=listening.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield proxy
        finally:
            listening.shutdown()
            thread.join()


def _upstream() -> httpx.Client:
    return httpx.Client(timeout=60, trust_env=False)


def _with(fault: Fault, path: str, base: str, own: str, upstream: httpx.Client) -> _Answer:
    time.sleep(fault.delay)
    if fault.status is not None:
        after = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        return _Answer(fault.status, OUTCOME, after)
    asked = httpx.URL(f"{base}{path.removeprefix('/fhir')}")
    if fault.count is not None and "_getpages" not in asked.params and "_count" in asked.params:
        asked = asked.copy_set_param("_count", str(fault.count))
    found = upstream.get(asked, headers={"Accept": FHIR_JSON})
    body = found.content.replace(base.encode(), own.encode())
    return _Answer(found.status_code, body[: len(body) // 2] if fault.broken else body)


def _answering(answer: Callable[[str, str | None], _Answer]) -> type[BaseHTTPRequestHandler]:
    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = answer(self.path, self.headers.get("Authorization"))
            try:
                self.send_response(said.status)
                for name, value in {"Content-Type": FHIR_JSON, **said.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(said.body)))
                self.end_headers()
                self.wfile.write(said.body)
            except ConnectionError:
                # Whoever does not wait for a slow answer goes away.
                self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            """Tests read `asked`."""

    return Answering

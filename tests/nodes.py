"""The service as it runs in production: gunicorn with our settings, a real socket, real workers, a log in a file."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from service.settings import PREFIX

ROOT = Path(__file__).parents[1]
OPEN = {"REBOUNDWATCH_AUTH": "off", "REBOUNDWATCH_ALLOW_AS_OF": "1"}
PATH = "/cds-services/denosumab-rebound-patient-view"
PATIENCE = 60  # seconds that a slow machine may take to start

_JSON = {"Content-Type": "application/json"}


@dataclass
class Running:
    """A service on a port of its own; `log` holds what it wrote."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def call(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] = _JSON
    ) -> tuple[int, bytes]:
        """Status and body of one call on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, headers)  # type: ignore[arg-type]
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def workers(self) -> list[int]:
        """The processes that answer."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text(encoding="ascii").split()]

    def stop(self) -> int:
        """Stop as a cluster does; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def environment(**variables: str) -> dict[str, str]:
    """Of this machine, without its settings of the service."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {**bare, **OPEN, "PYTHONPATH": str(ROOT), **variables}


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(folder: Path, workers: int = 1, port: int | None = None, **variables: str) -> Iterator[Running]:
    """A service with so many workers and these variables, until the test is done with it."""
    service = start(folder, workers, port, **variables)
    try:
        wait_until_ready(service)
        yield service
    finally:
        service.stop()


def start(folder: Path, workers: int = 1, port: int | None = None, **variables: str) -> Running:
    """Start a service in a folder; it may not be ready yet."""
    port, log = port or free_port(), folder / "log"
    command = [sys.executable, "-m", "service", "serve", "--port", str(port), "--workers", str(workers)]
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment(**variables), stdout=output, stderr=output)
    return Running(process, port, log)


def wait_until_ready(service: Running) -> None:
    """Return when it answers as it should."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            assert service.call("GET", "/health/ready")[0] == 200
            return
        except ConnectionError:
            assert service.process.poll() is None, service.log.read_text()
            assert time.monotonic() < until, service.log.read_text()
            time.sleep(0.1)

"""A gunicorn with several workers and the settings of production, and callers that keep their connections."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SETTINGS = Path("service/gunicorn.conf.py")
_PATIENCE_S = 60
_PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """One hook request, ready to be sent."""

    service: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Served:
    """A running server."""

    port: int
    arbiter: int

    def workers(self) -> list[int]:
        """The processes that answer."""
        children = Path(f"/proc/{self.arbiter}/task/{self.arbiter}/children")
        return [int(pid) for pid in children.read_text(encoding="ascii").split()]

    def cpu_ms(self) -> float:
        """CPU time of all threads of the workers so far, in ms."""
        threads = (thread for pid in self.workers() for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"))
        return sum(int(thread.read_text(encoding="ascii").split()[0]) for thread in threads) / 1e6

    def resident_kb(self) -> dict[int, int]:
        """Resident memory of each worker, in kB."""
        found: dict[int, int] = {}
        for pid in self.workers():
            try:
                found[pid] = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE_KB
            except OSError:  # it has just ended
                continue
        return found


class Caller:
    """A client that keeps its connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)

    def call(self, asked: Asked) -> int:
        """The status of a call; 0 when there was no answer. A connection that the server closed is opened anew."""
        for attempt in (1, 2):
            try:
                return self._call(asked)
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                # A worker that leaves closes kept connections between two calls, as HTTP allows.
                self._connection.close()
                if attempt == 2:
                    return 0
            except OSError:
                self._connection.close()
                return 0
        return 0

    def _call(self, asked: Asked) -> int:
        path = f"/cds-services/{asked.service}"
        self._connection.request("POST", path, asked.body, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        response.read()
        return response.status

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def quantile(sorted_values: Sequence[float], share: float) -> float:
    """The least value that at least `share` of the values do not exceed."""
    return sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))]


@contextmanager
def serving(application: str, workers: int) -> Iterator[Served]:
    """An application on a free port of loopback, until the caller is done with it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    given = {"AUTH": "off", "ALLOW_AS_OF": "1", "WORKERS": str(workers), "PORT": str(port)}
    # Unlike in production no worker is replaced: what one that is gone took, and how it grew, could not be counted.
    command = [sys.executable, "-m", "gunicorn", "-c", str(SETTINGS), "--max-requests", "0", application]
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory() as folder:
        given["DATABASE_URL"] = f"sqlite:///{folder}/benchmark.sqlite3"
        environment = {**os.environ, **{f"REBOUNDWATCH_{name}": value for name, value in given.items()}}
        process = subprocess.Popen(command, env=environment, stderr=log, stdout=subprocess.DEVNULL)
        try:
            if not _up(process, port):
                log.seek(0)
                sys.exit(f"the server does not come up: {log.read().decode(errors='replace')[-2000:]}")
            yield Served(port, process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=_PATIENCE_S)


def _up(process: subprocess.Popen[bytes], port: int) -> bool:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/health/live")
            if connection.getresponse().status == 200:
                return True
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    return False

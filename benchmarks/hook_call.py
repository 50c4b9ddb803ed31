"""What a hook call costs: CPU of our service against a Flask no-op that only parses the same bytes with orjson.

Both run behind gunicorn with the same settings and one worker, on loopback, and are asked in turns. Run
`python -m benchmarks.hook_call [calls a turn [slack]]`; it exits with 1 when a call costs more than `slack` times a bar
(1 by default; the bars are what is aimed at).
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO

from benchmarks.charts import request

BARS = {10: 4.0, 400: 1.5}
"""How many times the CPU of the no-op a call may cost, by the resources of the chart."""

TURNS = 5
SERVICE = "denosumab-rebound-patient-view"
SETTINGS = Path("service/gunicorn.conf.py")


@dataclass(frozen=True, slots=True)
class Server:
    """A running gunicorn with one worker."""

    name: str
    port: int
    worker: int

    def calls(self, body: bytes, number: int) -> bytes:
        """Make so many calls over one connection; the last answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        answer = b""
        for _ in range(number):
            connection.request("POST", f"/cds-services/{SERVICE}", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
            if response.status != 200:
                sys.exit(f"{self.name} answered {response.status}: {answer[:500].decode(errors='replace')}")
        connection.close()
        return answer

    def cpu_ms(self) -> float:
        """CPU time of all threads of the worker so far, in ms."""
        threads = Path(f"/proc/{self.worker}/task").glob("*/schedstat")
        return sum(int(thread.read_text(encoding="ascii").split()[0]) for thread in threads) / 1e6

    def cost(self, body: bytes, number: int) -> float:
        """CPU of one of so many calls, in ms."""
        before = self.cpu_ms()
        self.calls(body, number)
        return (self.cpu_ms() - before) / number


@contextmanager
def serving(name: str, application: str) -> Iterator[Server]:
    """Gunicorn with the settings of production and one worker, on a free port of loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = {"AUTH": "off", "ALLOW_AS_OF": "1", "WORKERS": "1", "PORT": str(port), "LOG_LEVEL": "info"}
    command = [sys.executable, "-m", "gunicorn", "-c", str(SETTINGS), application]
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory() as folder:
        given["DATABASE_URL"] = f"sqlite:///{folder}/benchmark.sqlite3"
        environment = {**os.environ, **{f"REBOUNDWATCH_{key}": value for key, value in given.items()}}
        process = subprocess.Popen(command, env=environment, stderr=log, stdout=subprocess.DEVNULL)
        try:
            yield Server(name, port, _worker(process, port, log))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def _worker(process: subprocess.Popen[bytes], port: int, log: IO[bytes]) -> int:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            log.seek(0)
            sys.exit(log.read().decode(errors="replace"))
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health/live")
            if connection.getresponse().status == 200:
                children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii")
                return int(children.split()[0])
        except OSError:
            time.sleep(0.1)
    sys.exit("the server does not come up")


def main() -> int:
    """Ask both in turns and print what a call costs."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    slack = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    passed = False
    print(f"{'resources':>9} {'kB':>6} {'service ms':>11} {'no-op ms':>9} {'ratio':>6} {'bar':>5}")
    with serving("the service", "service.wsgi:app") as service, serving("the no-op", "benchmarks.no_op:app") as no_op:
        for resources, bar in BARS.items():
            body = request(resources)
            cards = json.loads(service.calls(body, number))["cards"]
            assert cards[0]["indicator"] == "critical", "the rebound fracture of the chart was not seen"
            no_op.calls(body, number)
            turns = [(service.cost(body, number), no_op.cost(body, number)) for _ in range(TURNS)]
            ours, least = (median(turn[place] for turn in turns) for place in (0, 1))
            ratio = median(one / other for one, other in turns)
            passed |= ratio > slack * bar
            print(f"{resources:>9} {len(body) / 1000:>6.0f} {ours:>11.2f} {least:>9.2f} {ratio:>6.2f} {bar:>5.1f}")
    return 1 if passed else 0


if __name__ == "__main__":
    raise SystemExit(main())

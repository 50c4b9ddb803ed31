"""Run inside the image: serve, pass the image's own health check, give the card that started it all, end under load."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

REQUEST = Path("/given/request.json")
CALLERS = 8
TIMES_LARGER = 60
"""How often the diagnoses of the request are repeated, so that calls are under way when the end comes."""
ACCEPTED_S = 0.02
"""Within this time a connection has left the hands of the kernel."""


def main() -> int:
    """Serve on a free port of loopback and try it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    given = {"REBOUNDWATCH_AUTH": "off", "REBOUNDWATCH_ALLOW_AS_OF": "1", "REBOUNDWATCH_PORT": port}
    os.environ.update(given)
    server = subprocess.Popen(["reboundwatch", "serve", "--host", "127.0.0.1"])
    try:
        check_health()
        service = patient_view(f"http://127.0.0.1:{port}/cds-services")
        [card, *_] = json.loads(call(service, REQUEST.read_bytes()))["cards"]
        under_way, lost = end_under_load(server, service)
    finally:
        server.kill()
    print(f"{card['indicator']}: {card['summary']}")
    print(f"told to end while {under_way} calls were under way: {lost} of them not answered")
    return 0 if card["indicator"] == "critical" and under_way and not lost and server.returncode == 0 else 1


def check_health() -> None:
    """Run the HEALTHCHECK of the image until it passes; it has 30 seconds."""
    command = [word for word in json.loads(os.environ["HEALTHCHECK"]) if word != "CMD"]
    deadline = time.monotonic() + 30
    while subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode:
        if time.monotonic() > deadline:
            sys.exit("the health check does not pass")
        time.sleep(0.2)


def patient_view(services: str) -> str:
    """The address of the service for patient-view."""
    with urllib.request.urlopen(services, timeout=10) as answer:
        [service] = [one["id"] for one in json.load(answer)["services"] if one["hook"] == "patient-view"]
    return f"{services}/{service}"


def call(service: str, body: bytes) -> bytes:
    """The answer to a hook call."""
    asked = urllib.request.Request(service, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        read: bytes = answer.read()
    return read


def end_under_load(server: subprocess.Popen[bytes], service: str) -> tuple[int, int]:
    """Tell the server to end while it is called: how many calls were under way, and how many of them it lost."""
    request: dict[str, Any] = json.loads(REQUEST.read_bytes())
    request["prefetch"]["conditions"]["entry"] *= TIMES_LARGER
    body = json.dumps(request).encode()
    found: list[tuple[float, float, bool]] = []

    def keep_calling() -> None:
        answered = True
        while answered:
            began = time.monotonic()
            try:
                call(service, body)
            except (OSError, urllib.error.URLError):
                answered = False
            found.append((began, time.monotonic(), answered))

    callers = [threading.Thread(target=keep_calling) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    time.sleep(2)
    told = time.monotonic()
    server.send_signal(signal.SIGTERM)
    server.wait(timeout=60)
    for caller in callers:
        caller.join()
    under_way = [answered for began, ended, answered in found if began < told - ACCEPTED_S and ended > told]
    return len(under_way), under_way.count(False)


if __name__ == "__main__":
    raise SystemExit(main())

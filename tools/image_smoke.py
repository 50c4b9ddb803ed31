"""Run inside the image: serve, pass the image's own health check, ask for the card that started it all, and end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

REQUEST = Path("/given/request.json")


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
        card = first_card(f"http://127.0.0.1:{port}/cds-services")
    finally:
        server.send_signal(signal.SIGTERM)
        status = server.wait(timeout=30)
    print(f"{card['indicator']}: {card['summary']}")
    return 0 if card["indicator"] == "critical" and status == 0 else 1


def check_health() -> None:
    """Run the HEALTHCHECK of the image until it passes; it has 30 seconds."""
    command = [word for word in json.loads(os.environ["HEALTHCHECK"]) if word != "CMD"]
    deadline = time.monotonic() + 30
    while subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode:
        if time.monotonic() > deadline:
            sys.exit("the health check does not pass")
        time.sleep(0.2)


def first_card(services: str) -> dict[str, str]:
    """The first card that the service for patient-view gives."""
    with urllib.request.urlopen(services, timeout=10) as answer:
        [service] = [one["id"] for one in json.load(answer)["services"] if one["hook"] == "patient-view"]
    call = urllib.request.Request(f"{services}/{service}", REQUEST.read_bytes(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(call, timeout=10) as answer:
        cards: list[dict[str, str]] = json.load(answer)["cards"]
    return cards[0]


if __name__ == "__main__":
    raise SystemExit(main())

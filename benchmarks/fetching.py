"""What it costs to fetch a whole record: the time of many slow queries against one, and CPU against a full prefetch.

The FHIR server runs in a process of its own and takes its time for each answer. Run `python -m benchmarks.fetching`; it
exits with 1 when a bar is passed.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

from flask.testing import FlaskClient

from service.app import application
from service.clients import Anonymous, Clients, FhirAccess
from service.deployment import deploy
from service.settings import Settings
from tests.access.fhir_server import serving

FIXTURE = Path("fhir_fixtures/hooks/patient-view/five-fractures-ten-months-after-seven-doses.json")
SERVICE = "/cds-services/denosumab-rebound-patient-view"
DELAY_SECONDS = 0.2
TIMES_OF_ONE = 1.5
"""How many times the time of one query the whole record may take."""

CPU_MS = 30.0
"""CPU that fetching a whole record may cost, in ms."""

TURNS = 15


def main() -> None:
    """Measure, print, and compare with the bars."""
    full = json.loads(FIXTURE.read_bytes())
    with fhir_server(full, DELAY_SECONDS) as slow, fhir_server(full, 0.0) as quick, clinic(slow, quick) as service:
        whole = {**full, "prefetch": {}}
        one = {**full, "prefetch": {key: value for key, value in full["prefetch"].items() if key != "conditions"}}
        parts = len(full["prefetch"])
        wall_one = seconds(lambda: call(service, {**one, "fhirServer": slow}), time.perf_counter)
        wall_whole = seconds(lambda: call(service, {**whole, "fhirServer": slow}), time.perf_counter)
        cpu_sent = seconds(lambda: call(service, full), time.process_time)
        cpu_fetched = seconds(lambda: call(service, {**whole, "fhirServer": quick}), time.process_time)
    ratio, cost = wall_whole / wall_one, (cpu_fetched - cpu_sent) * 1000
    print(f"one query of {DELAY_SECONDS * 1000:.0f} ms: {wall_one * 1000:7.1f} ms a call")
    print(f"{parts} such queries:    {wall_whole * 1000:7.1f} ms a call, {ratio:.2f} times one (bar {TIMES_OF_ONE})")
    print(f"CPU, all sent:       {cpu_sent * 1000:7.1f} ms a call")
    print(f"CPU, all fetched:    {cpu_fetched * 1000:7.1f} ms a call, {cost:.1f} ms for fetching (bar {CPU_MS:.0f})")
    sys.exit(ratio > TIMES_OF_ONE or cost > CPU_MS)


def seconds(action: Callable[[], None], clock: Callable[[], float]) -> float:
    """The median of what one action takes by a clock, after a first time that does not count."""
    action()
    taken = []
    for _ in range(TURNS):
        began = clock()
        action()
        taken.append(clock() - began)
    return median(taken)


def call(service: FlaskClient, request: dict[str, Any]) -> None:
    """One hook call, which must give cards from a complete record."""
    response = service.post(SERVICE, json=request)
    if response.status_code != 200 or b"incomplete" in response.data or b"RVFX_PROBABLE" not in response.data:
        sys.exit(f"answered {response.status_code}: {response.text[:500]}")


@contextmanager
def clinic(*servers: str) -> Iterator[FlaskClient]:
    """The service, with these FHIR servers registered."""
    known = Clients(anonymous=Anonymous(fhir=FhirAccess(servers=servers)))
    deployed = replace(deploy(Settings(auth="off", allow_as_of=True, time_budget_ms=20_000)), clients=known)
    try:
        yield application(deployed).test_client()
    finally:
        deployed.fhir.close()


@contextmanager
def fhir_server(request: dict[str, Any], delay: float) -> Iterator[str]:
    """The address of a FHIR server in another process that holds what a request brings along."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, request["prefetch"], delay), daemon=True)
    process.start()
    try:
        yield str(here.recv())
    finally:
        here.send("stop")
        process.join()


def _serve(parent: Connection, prefetch: dict[str, Any], delay: float) -> None:
    bundles = [value for value in prefetch.values() if value and value["resourceType"] == "Bundle"]
    held = [entry["resource"] for bundle in bundles for entry in bundle.get("entry", ())]
    with serving([prefetch["patient"], *held], delay=delay) as fhir:
        parent.send(fhir.base)
        parent.recv()


if __name__ == "__main__":
    main()

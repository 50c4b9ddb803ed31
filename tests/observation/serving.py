"""The service as it runs in production, for a test: gunicorn, real workers, a log in a file."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.contract.test_gunicorn import PATIENCE, Running, environment, free_port, wait_until_ready


@contextmanager
def served(folder: Path, workers: int = 1, **variables: str) -> Iterator[Running]:
    """A service with so many workers and these variables, until the test is done with it."""
    port, log = free_port(), folder / "log"
    command = [sys.executable, "-m", "service", "serve", "--port", str(port), "--workers", str(workers)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment(**variables), stdout=output, stderr=output)
        service = Running(process, port, log)
        try:
            wait_until_ready(service)
            yield service
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)

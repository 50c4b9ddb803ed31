"""The TLS proxy that stands in front of ReboundWatch, as `deploy/compose` sets it up, on this machine without TLS."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.nodes import PATIENCE, ROOT, free_port

SHIPPED = ROOT / "deploy/compose/nginx.conf"


class Proxy:
    """A running nginx; `to` changes the nodes behind it without breaking a call."""

    def __init__(self, folder: Path, program: str, ports: Sequence[int]) -> None:
        self._folder, self.port = folder, free_port()
        self._configure(ports)
        # Of root's nginx the workers would be somebody else, who may not write in the folder.
        user = "user root;" if os.geteuid() == 0 else ""
        command: list[str | Path] = [program, "-p", folder, "-c", self._file, "-g", f"daemon off; {user}"]
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def to(self, *ports: int) -> None:
        """Send calls to these nodes from now on."""
        self._configure(ports)
        self.process.send_signal(signal.SIGHUP)
        time.sleep(1)  # until the old workers take nothing new

    @property
    def _file(self) -> Path:
        return self._folder / "nginx.conf"

    def _configure(self, ports: Sequence[int]) -> None:
        """What is shipped, with addresses of this machine."""
        text = SHIPPED.read_text(encoding="utf-8")
        nodes = "\n        ".join(f"server 127.0.0.1:{port};" for port in ports)
        text = text.replace("server service:8080;", nodes).replace("listen 8443 ssl;", f"listen 127.0.0.1:{self.port};")
        text = re.sub(r"\n *ssl_[^;]+;", "", text).replace("/tmp/", f"{self._folder}/")
        self._file.write_text(text, encoding="utf-8")


@contextmanager
def proxied(folder: Path, *ports: int) -> Iterator[Proxy]:
    """An nginx in front of these nodes; the test is skipped by name where there is no nginx."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if program is None:
        pytest.skip("needs nginx (Debian: apt-get install nginx-light)")
    folder.mkdir()
    proxy = Proxy(folder, program, ports)
    try:
        time.sleep(0.5)
        assert proxy.process.poll() is None, (folder / "log").read_text()
        yield proxy
    finally:
        proxy.process.terminate()
        proxy.process.wait(PATIENCE)

"""A real PostgreSQL of the tests' own, which can be stopped and started."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

_INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
_OWNER = "postgres"


def programs() -> Path:
    """Where PostgreSQL's programs are; a test is skipped by name where they are not."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    if not _INSTALLED:
        pytest.skip("needs PostgreSQL (Debian: apt-get install postgresql)")
    return _INSTALLED[-1]


class Postgres:
    """A server on a port of its own; `url` is an empty database of it."""

    def __init__(self, folder: Path, bin_folder: Path) -> None:
        self._folder, self._bin = folder, bin_folder
        self.port = _free_port()
        self._run("initdb", "--auth=trust", "--encoding=UTF8", f"--username={_OWNER}", "--no-sync", "-D", self._data)
        self.start()
        self._made = 0

    def database(self, encoding: str = "UTF8") -> str:
        """The address of a new database."""
        self._made += 1
        name = f"clinic{self._made}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 LOCALE 'C' ENCODING '{encoding}'")
        return self._address(name).replace("postgresql://", "postgresql+psycopg://")

    def start(self) -> None:
        """Start; returns when it answers."""
        options = f"-p {self.port} -k {self._folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._run("pg_ctl", "-w", "-D", self._data, "-l", str(self._folder / "log"), "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop; connections are cut."""
        self._run("pg_ctl", "-w", "-D", self._data, "-m", mode, "stop")

    def pause(self) -> None:
        """Let it take connections and say nothing, as behind a network that drops packets."""
        self._signal("STOP")

    def resume(self) -> None:
        """Let it go on."""
        self._signal("CONT")

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _signal(self, name: str) -> None:
        leader = (Path(self._data) / "postmaster.pid").read_text().split()[0]
        children = subprocess.run(["pgrep", "-P", leader], capture_output=True, text=True, check=False).stdout.split()
        subprocess.run(["kill", f"-{name}", leader, *children], check=False)

    def _address(self, name: str) -> str:
        return f"postgresql://{_OWNER}@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        user = _OWNER if os.geteuid() == 0 else None
        done = subprocess.run(
            [self._bin / program, *arguments],
            user=user,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            check=False,
            text=True,
        )
        assert done.returncode == 0, f"{program}: {done.stderr}"


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """A server that lives as long as the context."""
    found = programs()
    folder = Path(tempfile.mkdtemp(prefix="reboundwatch-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, _OWNER)
    server = Postgres(folder, found)
    try:
        yield server
    finally:
        server.resume()
        server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

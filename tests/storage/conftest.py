"""Both databases, real ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.storage.schema import upgrade
from service.storage.sql import SqlStore
from tests.storage.postgres import Postgres, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL that every test leaves running."""
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql", "postgresql of no encoding"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database without tables, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'clinic.sqlite3'}"
    server: Postgres = request.getfixturevalue("postgres")
    # What initdb makes where no locale is set.
    return server.database("SQL_ASCII" if request.param.endswith("no encoding") else "UTF8")


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    """A store with the tables of this version."""
    upgrade(url)
    opened = SqlStore(url)
    yield opened
    opened.close()

"""Whether a database has the tables of this version, and how it comes to them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from service.storage.port import StoreUnavailable
from service.storage.sql import database_url, open_engine, told_apart

_MIGRATIONS = Path(__file__).with_name("migrations")
_UPGRADE_LOCK = 7_261_953_120
"""A number of our own under which PostgreSQL lets one upgrade run at a time."""


class SchemaOutdated(Exception):
    """The database has no tables, or older ones; the message names the command that helps."""


REFUSED = "does not allow it to be read, or is none"
"""What is said of a file that is no database, and of a database that turns us away."""


class Standing(Enum):
    """How the tables stand to this version of the software."""

    CURRENT = "current"
    OLDER = "older than this version, or not there: run `reboundwatch db upgrade`"
    NEWER = "newer than this version"


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite database; None for PostgreSQL."""
    found = database_url(url)
    return Path(found.database or "") if found.get_backend_name() == "sqlite" else None


def standing(url: str) -> Standing:
    """How the tables stand to this version; a file that is not there is not made.

    Raises:
        StoreUnavailable: the database does not answer.
        StoreRefused: it does not allow it, or the file is no database.
    """
    path = sqlite_file(url)
    if path is not None and not path.exists():
        return Standing.OLDER
    with _connected(url) as connection:
        return _standing(connection)


def upgrade(url: str) -> bool:
    """Bring the tables to this version; whether anything had to be done.

    Raises:
        StoreUnavailable: the database does not answer, or its folder cannot be written.
        StoreRefused: the database did not allow it.
    """
    path = sqlite_file(url)
    with _alone(path), _connected(url) as connection:
        if path is None:
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _UPGRADE_LOCK})
        if _standing(connection) is not Standing.OLDER:
            return False
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return True


def prepare(url: str) -> bool:
    """Make ready to serve: SQLite is upgraded, PostgreSQL must be current; whether the database answers.

    Raises:
        SchemaOutdated: PostgreSQL has older tables.
        StoreRefused: the database does not allow it, or the file is no database.
    """
    try:
        if standing(url) is Standing.OLDER:
            if sqlite_file(url) is None:
                raise SchemaOutdated(f"the schema of the database is {Standing.OLDER.value}")
            upgrade(url)
    except StoreUnavailable:
        return False
    return True


def _standing(connection: Connection) -> Standing:
    if not inspect(connection).has_table("alembic_version"):
        return Standing.OLDER
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    script = ScriptDirectory.from_config(_config())
    if found == script.get_current_head():
        return Standing.CURRENT
    known = {one.revision for one in script.walk_revisions()}
    return Standing.OLDER if found is None or found in known else Standing.NEWER


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = open_engine(database_url(url))
    try:
        with told_apart(), engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def _alone(path: Path | None) -> Iterator[None]:
    """One upgrade of an SQLite file at a time, whichever process begins it: its folder is locked meanwhile."""
    if path is None:
        yield
        return
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise StoreUnavailable(type(error).__name__) from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        # Made here, so that nobody but its owner can read it from the first byte on.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        yield
    except OSError as error:
        raise StoreUnavailable(type(error).__name__) from None
    finally:
        os.close(folder)

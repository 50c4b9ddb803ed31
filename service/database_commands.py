"""The commands `db upgrade` and `db purge`: the tables of this version, and what is older than it may be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import click

from service.record_run import NOTHING_DONE
from service.settings import Settings, SettingsError, read_settings
from service.storage import schema
from service.storage.port import StoreRefused, StoreUnavailable
from service.storage.schema import Standing
from service.storage.sql import SqlStore


class Undone(click.ClickException):
    """The database did not take it; nothing was changed."""

    exit_code = NOTHING_DONE


@click.group("db")
def database() -> None:
    """Look after the database of evaluations and feedback.

    \b
    Examples:
      reboundwatch db upgrade
      reboundwatch db purge

    Which database: REBOUNDWATCH_DATABASE_URL.
    """


@database.command()
def upgrade() -> None:
    """Bring the tables to this version, before this version serves.

    Can be repeated, also by several nodes at once: one upgrade runs, the others wait for it. An SQLite file is also
    upgraded by `serve` itself.
    """
    url = _settings().database_url.get_secret_value()
    with _told():
        changed = schema.upgrade(url)
        found = schema.standing(url)
    if found is Standing.NEWER:
        raise Undone("The tables are newer than this version: nothing was changed.")
    click.echo("The tables were brought to this version." if changed else "The tables are those of this version.")


@database.command()
@click.option(
    "--days", type=click.IntRange(min=1), metavar="N", help="Keep so many days; default REBOUNDWATCH_RETENTION_DAYS."
)
def purge(days: int | None) -> None:
    """Delete evaluations, cards and feedback that are older than they may be, and tokens that have expired.

    The service does the same once a day.
    """
    settings = _settings()
    now = datetime.now(UTC)
    kept = days or settings.retention_days
    with _told():
        store = SqlStore(settings.database_url.get_secret_value())
        try:
            gone = store.purge(now - timedelta(days=kept), now)
        finally:
            store.close()
    click.echo(f"{gone} row(s) deleted that were older than {kept} days or had expired.")


def _settings() -> Settings:
    try:
        return read_settings()
    except SettingsError as error:
        raise Undone(str(error)) from None


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except StoreUnavailable as error:
        raise Undone(
            f"The database of REBOUNDWATCH_DATABASE_URL does not answer, or has no tables ({error}). Is it running, "
            "and was `reboundwatch db upgrade` run?"
        ) from None
    except StoreRefused as error:
        raise Undone(f"The database of REBOUNDWATCH_DATABASE_URL did not allow it ({error}).") from None

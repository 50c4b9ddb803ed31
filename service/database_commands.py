"""The commands about the database: `db upgrade`, `db purge` and `feedback report`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, time, timedelta

import click

from rules.knowledge_base import load_knowledge
from service import words
from service.command_types import Day
from service.record_run import NOTHING_DONE
from service.reports import feedback_report
from service.settings import Settings, SettingsError, read_settings
from service.storage import schema
from service.storage.port import StoreRefused, StoreUnavailable
from service.storage.schema import Standing
from service.storage.sql import SqlStore


class Undone(click.ClickException):
    """The database did not take it; nothing was changed."""

    exit_code = NOTHING_DONE


@click.group("db", short_help="Look after the database of evaluations and feedback.")
def database() -> None:
    """Look after the database of evaluations and feedback.

    \b
    Examples:
      reboundwatch db upgrade
      reboundwatch db purge

    Which database: REBOUNDWATCH_DATABASE_URL.
    """


@database.command(short_help="Bring the tables to this version.")
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


@database.command(short_help="Delete what is older than it may be.")
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
    with _store(settings) as store:
        gone = store.purge(now - timedelta(days=kept), now)
    click.echo(
        f"{words.counted(gone, 'row')} deleted that were older than {words.counted(kept, 'day')} or had expired."
    )


@click.group("feedback", short_help="Say what clinicians did with the cards.")
def feedback() -> None:
    """What clinicians did with the cards."""


@feedback.command(short_help="Say rule by rule what became of the cards.")
@click.option("--since", type=Day(), metavar="DATE", help="Cards shown since this day (2026-03-01); default: all.")
@click.option("--format", "form", type=click.Choice(["text", "json", "csv"]), default="text", show_default=True)
def report(since: date | None, form: str) -> None:
    """Say for each rule how often its cards were shown, accepted and overridden, and why.

    A card counts once, however often it was reported on. Cards of silent mode were shown to nobody and do not count.

    \b
    Examples:
      reboundwatch feedback report --since 2026-03-01
      reboundwatch feedback report --format csv > feedback.csv
    """
    settings = _settings()
    begin = datetime.combine(since, time(), UTC) if since else None
    with _store(settings) as store:
        tallies = store.tallies(begin)
    titles = {entry.id: entry.title for entry in load_knowledge().rules}
    match form:
        case "json":
            click.echo(json.dumps(feedback_report.as_data(tallies, titles), ensure_ascii=False))
        case "csv":
            click.echo(feedback_report.as_csv(tallies, titles), nl=False)
        case _:
            click.echo("\n".join(feedback_report.as_text(tallies, titles)))


def _settings() -> Settings:
    try:
        return read_settings()
    except SettingsError as error:
        raise Undone(str(error)) from None


@contextmanager
def _store(settings: Settings) -> Iterator[SqlStore]:
    """The database, if it has the tables; a file that is not there is not made by asking."""
    url = settings.database_url.get_secret_value()
    with _told():
        if schema.standing(url) is Standing.OLDER:
            raise StoreUnavailable("no tables of this version")
        with closing(SqlStore(url)) as store:
            yield store


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
        raise Undone(f"The database of REBOUNDWATCH_DATABASE_URL {schema.REFUSED} ({error}).") from None

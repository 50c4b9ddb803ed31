"""`reboundwatch db` looks after the database, `check-config` and `/health/ready` say how it stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from service.commands import main
from service.settings import SettingsError, read_settings
from service.storage.memory import open_memory
from service.storage.schema import Standing, standing, upgrade
from service.storage.sql import SqlStore
from tests.storage.postgres import Postgres
from tests.storage.records import evaluation

KEY = "a key that is long enough for its purpose"


@pytest.fixture
def site(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A site with an empty database of each kind."""
    settings = {"DATABASE_URL": url, "PSEUDONYM_KEY": KEY, "AUTH": "off", "SPOOL_DIR": str(tmp_path / "spool")}
    for name, value in settings.items():
        monkeypatch.setenv(f"REBOUNDWATCH_{name}", value)
    return url


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_an_upgrade_makes_the_tables_and_can_be_repeated(site: str) -> None:
    first, again = run("db", "upgrade"), run("db", "upgrade")
    assert (first.exit_code, first.output) == (0, "The tables were brought to this version.\n")
    assert (again.exit_code, again.output) == (0, "The tables are those of this version.\n")
    assert standing(site) is Standing.CURRENT


def test_a_purge_says_how_much_it_deleted(site: str) -> None:
    upgrade(site)
    store = SqlStore(site)
    now = datetime.now(UTC)
    store.write([evaluation(at=now - timedelta(days=days)) for days in (1, 40, 400)])
    assert run("db", "purge").output == "1 row deleted that were older than 365 days or had expired.\n"
    assert run("db", "purge", "--days", "30").output.startswith("1 row deleted that were older than 30 days")
    store.close()


def test_without_tables_a_purge_says_what_to_do(site: str) -> None:
    result = run("db", "purge")
    assert result.exit_code == 2
    assert "was `reboundwatch db upgrade` run?" in result.output
    assert site not in result.output


def test_check_config_finds_tables_that_are_missing(site: str) -> None:
    missing = run("check-config")
    if site.startswith("sqlite"):
        assert (missing.exit_code, "Ready to serve." in missing.output) == (0, True)
        assert standing(site) is Standing.OLDER, "checking must make nothing"
    else:
        assert missing.exit_code == 2
        assert "run `reboundwatch db upgrade`" in missing.output
        run("db", "upgrade")
        assert run("check-config").exit_code == 0


def test_a_file_that_is_no_database_is_refused_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear colleague, this is a letter and no database.\n" * 100)
    monkeypatch.setenv("REBOUNDWATCH_DATABASE_URL", f"sqlite:///{tmp_path / 'letter.txt'}")
    monkeypatch.setenv("REBOUNDWATCH_AUTH", "off")
    for command in (["check-config"], ["db", "upgrade"], ["feedback", "report"]):
        result = run(*command)
        assert result.exit_code == 2
        assert "does not allow it to be read, or is none" in result.output
    with pytest.raises(SettingsError, match="REBOUNDWATCH_DATABASE_URL: the database does not allow"):
        open_memory(read_settings())


def test_check_config_says_when_a_database_does_not_answer(monkeypatch: pytest.MonkeyPatch, site: str) -> None:
    monkeypatch.setenv("REBOUNDWATCH_DATABASE_URL", "postgresql://clinic:hunter2@127.0.0.1:1/clinic")
    result = run("check-config")
    assert result.exit_code == 1
    assert "the database does not answer" in result.output
    assert "hunter2" not in result.output


def test_check_config_wants_a_key_that_all_nodes_share(monkeypatch: pytest.MonkeyPatch, postgres: Postgres) -> None:
    url = postgres.database()
    upgrade(url)
    monkeypatch.setenv("REBOUNDWATCH_DATABASE_URL", url)
    monkeypatch.setenv("REBOUNDWATCH_AUTH", "off")
    result = run("check-config")
    assert result.exit_code == 2
    assert "REBOUNDWATCH_PSEUDONYM_KEY is not set" in result.output


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y"])
def test_a_database_that_workers_cannot_share_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("REBOUNDWATCH_DATABASE_URL", url)
    result = run("db", "upgrade")
    assert result.exit_code == 2
    assert "REBOUNDWATCH_DATABASE_URL must" in result.output

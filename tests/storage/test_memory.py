"""Records reach the database whatever becomes of it, of the disk, and of the process."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from service.settings import Settings, SettingsError
from service.storage.memory import Memory, open_memory
from service.storage.node_tokens import NodeTokens
from service.storage.port import StoreUnavailable
from service.storage.pseudonyms import Pseudonyms, key_file
from service.storage.recorder import Recorder
from service.storage.schema import upgrade
from service.storage.spool import REFUSED, Spool, SpoolFull
from service.storage.sql import SqlStore, database_url
from tests.storage.postgres import Postgres, postgres_server
from tests.storage.records import NOON, PATIENT, card, evaluation, feedback

SOON = 20.0
KEY = "a key that is long enough for its purpose"


def within(seconds: float, done: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def counted(url: str, table: str = "evaluations") -> int:
    engine = create_engine(database_url(url))
    try:
        with engine.connect() as connection:
            found: int = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            return found
    finally:
        engine.dispose()


def settings(url: str, folder: Path, **changed: object) -> Settings:
    whole = {"auth": "off", "database_url": url, "spool_dir": folder / "spool", "pseudonym_key": KEY} | changed
    return Settings(**whole)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def stoppable() -> Iterator[Postgres]:
    """A PostgreSQL that tests stop and start."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def clinic(stoppable: Postgres, tmp_path: Path) -> Iterator[tuple[Memory, str]]:
    """A memory on a PostgreSQL that can be stopped, and its address."""
    url = stoppable.database()
    upgrade(url)
    memory = open_memory(settings(url, tmp_path))
    yield memory, url
    memory.close()


def test_a_record_is_in_the_database_soon(url: str, tmp_path: Path) -> None:
    upgrade(url)
    memory = open_memory(settings(url, tmp_path))
    memory.keep(evaluation(card()))
    assert within(SOON, lambda: counted(url) == 1)
    memory.close()
    assert list((tmp_path / "spool").glob("*.records")) == []


def test_what_came_in_the_last_moment_is_written_on_closing(url: str, tmp_path: Path) -> None:
    upgrade(url)
    memory = open_memory(settings(url, tmp_path))
    for _ in range(50):
        memory.keep(evaluation(card()))
    memory.close()
    assert (counted(url), counted(url, "cards")) == (50, 50)


def test_while_the_database_is_stopped_records_wait_and_none_is_lost_or_doubled(
    stoppable: Postgres, clinic: tuple[Memory, str]
) -> None:
    memory, url = clinic
    memory.keep(evaluation())
    assert within(SOON, lambda: counted(url) == 1)
    stoppable.stop()
    try:
        began = time.monotonic()
        for _ in range(200):
            shown = card()
            memory.keep(evaluation(shown))
            memory.keep(feedback(shown.id))
        assert time.monotonic() - began < 1, "a caller must not wait for a database that is away"
        assert within(SOON, lambda: memory.degraded)
        assert memory.overrides(PATIENT, "Practitioner", NOON) == ()
    finally:
        stoppable.start()
    assert within(SOON, lambda: not memory.degraded and counted(url, "feedback_events") == 200)
    assert counted(url) == 201
    assert within(SOON, lambda: len(memory.overrides(PATIENT, "Practitioner", NOON)) == 200)


def test_a_file_that_somebody_keeps_for_himself_holds_nobody_up(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'clinic.sqlite3'}"
    memory = open_memory(settings(url, tmp_path))
    memory.start()
    holder = sqlite3.connect(tmp_path / "clinic.sqlite3", isolation_level=None)
    try:
        holder.execute("PRAGMA locking_mode=EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        for _ in range(20):
            assert memory.overrides(PATIENT, "Practitioner", NOON) == ()
        assert time.monotonic() - began < 2, "the first question waits a tenth of a second, the others not at all"
        assert memory.degraded
    finally:
        holder.close()
    assert within(SOON, lambda: not memory.degraded)
    memory.close()


def test_a_database_that_says_nothing_holds_nobody_up(stoppable: Postgres, clinic: tuple[Memory, str]) -> None:
    memory, url = clinic
    shown = card()
    memory.keep(evaluation(shown))
    memory.keep(feedback(shown.id))
    assert within(SOON, lambda: counted(url, "feedback_events") == 1)
    stoppable.pause()
    try:
        began = time.monotonic()
        for _ in range(20):
            assert memory.overrides(PATIENT, "Practitioner", NOON) == ()
            memory.keep(evaluation())
        assert time.monotonic() - began < 2, "the first question waits a tenth of a second, the others not at all"
        assert not memory.degraded, "late is not away"
        assert memory.first_use("iss", "while it says nothing", datetime.now(UTC) + timedelta(minutes=5))
        assert memory.degraded
    finally:
        stoppable.resume()
    assert within(SOON, lambda: not memory.degraded and counted(url) == 21)


def test_a_token_used_while_the_database_was_away_stays_used(stoppable: Postgres, clinic: tuple[Memory, str]) -> None:
    memory, _ = clinic
    later = datetime.now(UTC) + timedelta(minutes=5)
    assert memory.first_use("iss", "before", later)
    stoppable.stop()
    try:
        assert memory.first_use("iss", "during", later)
        assert not memory.first_use("iss", "during", later)
    finally:
        stoppable.start()
    memory.keep(evaluation())
    assert within(SOON, lambda: not memory.degraded)
    assert not memory.first_use("iss", "before", later)
    assert not memory.first_use("iss", "during", later)
    assert memory.first_use("iss", "after", later)
    assert not memory.first_use("iss", "after", later)


def test_without_a_database_from_the_start_it_serves_and_catches_up(stoppable: Postgres, tmp_path: Path) -> None:
    url = stoppable.database()
    upgrade(url)
    stoppable.stop()
    try:
        memory = open_memory(settings(url, tmp_path))
        assert memory.degraded
        memory.keep(evaluation())
    finally:
        stoppable.start()
    assert within(SOON, lambda: counted(url) == 1 and not memory.degraded)
    memory.close()


KILLED = """
import os, signal, sys
from pathlib import Path
from service.storage.memory import open_memory
from tests.storage.records import card, evaluation
from tests.storage.test_memory import settings
memory = open_memory(settings(sys.argv[1], Path(sys.argv[2])))
for _ in range(300):
    memory.keep(evaluation(card()))
print("kept", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_records_of_a_process_that_was_killed_are_written_by_the_next(url: str, tmp_path: Path) -> None:
    upgrade(url)
    killed = subprocess.run([sys.executable, "-c", KILLED, url, tmp_path], stdout=subprocess.PIPE, check=False)
    assert (killed.stdout, killed.returncode) == (b"kept\n", -signal.SIGKILL)
    memory = open_memory(settings(url, tmp_path))
    memory.start()
    assert within(SOON, lambda: counted(url) == 300)
    assert within(SOON, lambda: len(list((tmp_path / "spool").glob("*.records"))) == 1)
    memory.close()
    assert counted(url, "cards") == 300


def spool(folder: Path, max_bytes: int = 1_000_000) -> Spool:
    return Spool(folder / "spool", max_bytes)


def test_nobody_takes_the_file_of_a_process_that_lives(tmp_path: Path) -> None:
    first, second = spool(tmp_path), spool(tmp_path)
    first.append(evaluation())
    assert list(second.abandoned(9)) == []
    first.close()
    [[record]] = second.abandoned(9)
    assert record.hook == "patient-view"  # type: ignore[union-attr]
    assert list(second.abandoned(9)) == []
    second.close()


def test_a_record_that_was_cut_off_does_not_hide_the_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    gone = spool(tmp_path)
    for _ in range(3):
        gone.append(evaluation())
    gone.close()
    [path] = (tmp_path / "spool").glob("*.records")
    path.write_bytes(path.read_bytes()[:-40])
    later = spool(tmp_path)
    [records] = later.abandoned(9)
    assert len(records) == 2
    assert "1 record(s) could not be read again" in caplog.text
    later.close()


def test_what_waits_is_handed_out_in_order_and_by_the_batch(tmp_path: Path) -> None:
    waiting = spool(tmp_path, max_bytes=10_000_000)
    names = [f"clinic-{number}" for number in range(25)]
    for name in names:
        # Longer than a record is thought to be at first.
        waiting.append(evaluation(client=name, tenant="x" * 9000))
    handed: list[str] = []
    while waiting.depth:
        records, length = waiting.batch(10)
        assert 1 <= len(records) <= 10
        handed += [record.client for record in records]
        waiting.written(length, len(records))
    assert handed == names
    waiting.close()


def test_what_was_left_behind_is_handed_out_by_the_batch(tmp_path: Path) -> None:
    gone = spool(tmp_path)
    for _ in range(5):
        gone.append(evaluation())
    gone.close()
    later = spool(tmp_path)
    assert [len(records) for records in later.abandoned(2)] == [2, 2, 1]
    assert list(later.abandoned(2)) == []
    later.close()


def test_a_slow_answer_about_overrides_is_no_outage(clinic: tuple[Memory, str]) -> None:
    memory, url = clinic
    engine = create_engine(database_url(url))
    with engine.begin() as connection:
        connection.execute(text("LOCK TABLE overrides IN ACCESS EXCLUSIVE MODE"))
        assert memory.overrides(PATIENT, "Practitioner", NOON) == ()
    engine.dispose()
    assert not memory.degraded
    assert memory._late is not None
    assert memory._late.result(SOON) == ()


def test_a_purge_that_failed_is_tried_again_before_a_day_is_over(tmp_path: Path) -> None:
    class Refusing:
        """A database of which only the purge fails, the first time."""

        purged = 0

        def ping(self) -> None: ...

        def purge(self, before: datetime, now: datetime) -> int:
            del before, now
            self.purged += 1
            raise StoreUnavailable

    store = Refusing()
    recorder = Recorder(store, spool(tmp_path), timedelta(days=30), first_purge=timedelta(0))  # type: ignore[arg-type]
    recorder._round()
    assert store.purged == 1
    assert recorder._next_purge < datetime.now(UTC) + timedelta(hours=2)
    recorder.close()


def test_tokens_of_a_node_that_have_expired_are_forgotten_at_the_next_start(tmp_path: Path) -> None:
    first = NodeTokens(tmp_path)
    assert first.first_use("iss", "old", datetime.now(UTC) - timedelta(hours=1))
    assert first.first_use("iss", "new", datetime.now(UTC) + timedelta(hours=1))
    first.close()
    second = NodeTokens(tmp_path)
    assert second.knows("iss", "new")
    second.close()
    assert counted(f"sqlite:///{tmp_path / 'tokens.sqlite3'}", "seen_tokens") == 1


def test_a_full_spool_takes_no_more_until_it_was_emptied(tmp_path: Path) -> None:
    small = spool(tmp_path, max_bytes=2000)
    small.append(evaluation())
    small.append(evaluation())
    with pytest.raises(SpoolFull):
        small.append(evaluation(tenant="x" * 2000))
    records, length = small.batch(1000)
    assert len(records) == small.depth == 2
    small.written(length, len(records))
    small.append(evaluation())
    assert small.depth == 1
    small.close()


def test_with_a_full_spool_records_wait_in_memory(stoppable: Postgres, tmp_path: Path) -> None:
    url = stoppable.database()
    upgrade(url)
    store = SqlStore(url)
    tiny = Recorder(store, spool(tmp_path, max_bytes=1000), timedelta(days=365))
    stoppable.stop()
    try:
        for _ in range(20):
            tiny.keep(evaluation())
        assert within(SOON, lambda: not tiny.reachable)
        assert tiny.depth == 20
    finally:
        stoppable.start()
    assert within(SOON, lambda: counted(url) == 20)
    tiny.close()
    store.close()


def test_a_record_that_the_database_refuses_is_laid_aside_and_the_rest_is_written(
    postgres: Postgres, tmp_path: Path
) -> None:
    url = postgres.database()
    upgrade(url)
    memory = open_memory(settings(url, tmp_path))
    # PostgreSQL keeps no NUL in a text.
    memory.keep(evaluation())
    memory.keep(evaluation(tenant="a\x00b"))
    memory.keep(evaluation())
    assert within(SOON, lambda: counted(url) == 2)
    memory.close()
    [refused] = (tmp_path / "spool" / REFUSED).read_text().splitlines()
    assert '"tenant":"a\\u0000b"' in refused


def test_others_cannot_read_what_waits(tmp_path: Path) -> None:
    waiting = spool(tmp_path)
    waiting.append(evaluation())
    [path] = (tmp_path / "spool").glob("*.records")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    waiting.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make the folder of somebody else")
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    foreign = tmp_path / "spool"
    foreign.mkdir()
    os.chown(foreign, 65534, 65534)
    with pytest.raises(
        SettingsError, match=r"REBOUNDWATCH_SPOOL_DIR: .*spool cannot be used: belongs to somebody else"
    ):
        open_memory(settings(f"sqlite:///{tmp_path / 'a.sqlite3'}", tmp_path))


def test_old_records_go_by_themselves(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.sqlite3'}"
    upgrade(url)
    store = SqlStore(url)
    store.write([evaluation(at=datetime.now(UTC) - timedelta(days=31)), evaluation(at=datetime.now(UTC))])
    recorder = Recorder(store, spool(tmp_path), timedelta(days=30), first_purge=timedelta(0))
    recorder.start()
    assert within(SOON, lambda: counted(url) == 1)
    recorder.close()
    store.close()


def test_a_pseudonym_is_the_same_for_the_same_patient_only(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.sqlite3'}"
    one, same = open_memory(settings(url, tmp_path)), open_memory(settings(url, tmp_path))
    found = one.pseudonym("iss", None, "anna")
    assert len(found) == 64
    assert found == same.pseudonym("iss", None, "anna")
    others = [("iss", None, "bert"), ("iss", "ward", "anna"), ("other", None, "anna")]
    assert found not in [one.pseudonym(*other) for other in others]
    assert found != Pseudonyms(b"another key").of("iss", None, "anna")
    one.close()
    same.close()


def test_without_a_key_one_is_made_once_beside_the_file(tmp_path: Path) -> None:
    database = tmp_path / "a.sqlite3"
    chosen = settings(f"sqlite:///{database}", tmp_path, pseudonym_key=None)
    one, same = open_memory(chosen), open_memory(chosen)
    assert one.pseudonym("iss", None, "anna") == same.pseudonym("iss", None, "anna")
    assert stat.S_IMODE(key_file(database).stat().st_mode) == 0o600
    assert key_file(database).name in os.listdir(tmp_path)
    one.close()
    same.close()
    key_file(database).write_bytes(b"short")
    with pytest.raises(SettingsError, match="must hold 32 bytes"):
        open_memory(chosen)


def test_others_cannot_read_an_sqlite_file(tmp_path: Path) -> None:
    database = tmp_path / "a.sqlite3"
    upgrade(f"sqlite:///{database}")
    assert stat.S_IMODE(database.stat().st_mode) == 0o600


def test_nodes_that_share_a_postgresql_must_share_a_key(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.database()
    upgrade(url)
    with pytest.raises(SettingsError, match="REBOUNDWATCH_PSEUDONYM_KEY is not set"):
        open_memory(settings(url, tmp_path, pseudonym_key=None))


def test_tokens_of_a_node_are_unknown_where_there_was_no_outage(tmp_path: Path) -> None:
    node = NodeTokens(tmp_path)
    assert not node.knows("iss", "one")
    assert list(tmp_path.iterdir()) == [], "asking must make no file"
    with pytest.raises(StoreUnavailable):
        NodeTokens(tmp_path / "nowhere").first_use("iss", "one", NOON)


def test_what_is_amiss_is_logged_once_and_without_an_address(
    stoppable: Postgres, clinic: tuple[Memory, str], caplog: pytest.LogCaptureFixture
) -> None:
    memory, url = clinic
    caplog.set_level(logging.WARNING)
    stoppable.stop()
    try:
        memory.keep(evaluation())
        assert within(SOON, lambda: memory.degraded)
        time.sleep(2)
    finally:
        stoppable.start()
    assert within(SOON, lambda: not memory.degraded)
    said = [record.getMessage() for record in caplog.records if record.name == "service.storage.recorder"]
    assert said == [
        "the database does not answer (OperationalError): records wait in the spool",
        "the database answers again",
    ]
    assert str(database_url(url).port) not in caplog.text

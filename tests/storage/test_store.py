"""What a database must do, on each database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from service.storage import schema
from service.storage.port import StoreRefused, StoreUnavailable
from service.storage.recorder import Recorder
from service.storage.schema import SchemaOutdated, Standing, standing
from service.storage.spool import Spool
from service.storage.sql import SqlStore, database_url
from service.storage.tables import metadata
from tests.storage.records import NOON, PATIENT, REASON, card, evaluation, feedback

EVER = datetime(2000, 1, 1, tzinfo=UTC)


def rows(url: str, table: str) -> int:
    engine = create_engine(database_url(url))
    with engine.connect() as connection:
        found: int = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
    engine.dispose()
    return found


def test_a_record_written_twice_is_there_once(store: SqlStore, url: str) -> None:
    shown = card()
    said = feedback(shown.id)
    whole = evaluation(shown)
    store.write([whole, said])
    store.write([said, whole, said])
    assert (rows(url, "evaluations"), rows(url, "cards"), rows(url, "feedback_events")) == (1, 1, 1)


def test_nothing_is_overwritten(store: SqlStore) -> None:
    shown = card()
    first = feedback(shown.id)
    store.write([evaluation(shown), first])
    store.write([feedback(shown.id, id=first.id, reason="another")])
    [override] = store.overrides(PATIENT, "Practitioner", EVER)
    assert override.reason == REASON


def test_all_records_of_a_batch_are_written_or_none(store: SqlStore, url: str) -> None:
    with pytest.raises(StoreRefused):
        store.write([evaluation(card()), evaluation(rules={1, 2})])
    assert rows(url, "evaluations") == 0


def test_an_override_is_found_by_patient_and_role(store: SqlStore) -> None:
    shown = card()
    store.write([evaluation(shown), feedback(shown.id)])
    [override] = store.overrides(PATIENT, "Practitioner", EVER)
    assert (override.fingerprint, override.reason, override.at) == (
        shown.fingerprint,
        REASON,
        NOON + timedelta(hours=1),
    )
    assert store.overrides("b" * 64, "Practitioner", EVER) == ()
    assert store.overrides(PATIENT, "Patient", EVER) == ()


@pytest.mark.parametrize(
    "changed",
    [{"reason": None}, {"outcome": "accepted"}, {"client": "other"}, {"issuer": "https://o"}, {"tenant": "t"}],
)
def test_other_feedback_is_no_override(store: SqlStore, changed: dict[str, str]) -> None:
    shown = card()
    store.write([evaluation(shown), feedback(shown.id, **changed)])
    assert store.overrides(PATIENT, "Practitioner", EVER) == ()


def test_an_older_override_is_not_asked_for(store: SqlStore) -> None:
    shown = card()
    store.write([evaluation(shown), feedback(shown.id)])
    assert len(store.overrides(PATIENT, "Practitioner", NOON)) == 1
    assert store.overrides(PATIENT, "Practitioner", NOON + timedelta(hours=2)) == ()


def test_feedback_may_come_before_its_card(store: SqlStore) -> None:
    shown = card()
    store.write([feedback(shown.id)])
    store.write([evaluation(shown)])
    assert len(store.overrides(PATIENT, "Practitioner", EVER)) == 1


def test_a_card_and_what_was_said_of_it_may_be_written_at_the_same_moment(store: SqlStore) -> None:
    shown = [card() for _ in range(40)]
    said = [feedback(one.id) for one in shown]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda record: store.write([record]), [*map(evaluation, shown), *said]))
    assert len(store.overrides(PATIENT, "Practitioner", EVER)) == len(shown)


def test_times_keep_their_moment_whatever_their_zone(store: SqlStore) -> None:
    shown = card()
    tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    store.write([evaluation(shown, at=tokyo), feedback(shown.id, outcome_at=tokyo)])
    [override] = store.overrides(PATIENT, "Practitioner", NOON)
    assert override.at == NOON


def test_a_token_is_used_once(store: SqlStore) -> None:
    later = NOON + timedelta(minutes=5)
    assert store.first_use("iss", "one", later)
    assert not store.first_use("iss", "one", later)
    assert store.first_use("iss", "two", later)
    assert store.first_use("other", "one", later)
    assert store.used("iss", "one")
    assert not store.used("iss", "three")


def test_of_many_who_use_a_token_at_once_one_is_the_first(store: SqlStore) -> None:
    with ThreadPoolExecutor(8) as threads:
        firsts = list(threads.map(lambda _: store.first_use("iss", "race", NOON), range(24)))
    assert firsts.count(True) == 1


def test_a_long_token_name_is_told_from_its_neighbour(store: SqlStore) -> None:
    assert store.first_use("iss", "x" * 2000, NOON)
    assert store.first_use("iss", "x" * 1999 + "y", NOON)
    assert not store.first_use("iss", "x" * 2000, NOON)


def test_the_report_counts_cards_not_messages(store: SqlStore) -> None:
    taken, refused = card(), card(rules=["RVFX-01"])
    store.write([evaluation(taken), evaluation(refused), evaluation(card(), mode="silent")])
    store.write([feedback(taken.id, outcome="accepted", accepted=["s1"], reason=None)])
    store.write([feedback(refused.id), feedback(refused.id, comment="said again"), feedback("nobody-knows-it")])
    found = store.tallies(None)
    assert found.unknown_cards == 1
    first, second = found.rules
    assert (first.rule, first.shown, first.accepted, first.overridden) == ("RVFX-01", 2, 1, 1)
    assert (first.reasons, first.suggestions) == ({REASON: 1}, {"Zoledronic acid 5 mg": 1})
    assert (second.rule, second.shown, second.accepted, second.overridden) == ("RVFX-02", 1, 1, 0)
    assert store.tallies(NOON + timedelta(days=1)).rules == ()


def test_what_another_caller_says_of_a_card_is_not_counted(store: SqlStore) -> None:
    shown = card(rules=["RVFX-01"])
    store.write([evaluation(shown)])
    store.write([feedback(shown.id, issuer="https://elsewhere.example.org"), feedback(shown.id, tenant="ward")])
    found = store.tallies(None)
    assert (found.rules[0].overridden, found.unknown_cards) == (0, 1)


def test_more_cards_than_a_statement_takes_values_are_written_a_batch_at_a_time(
    store: SqlStore, url: str, tmp_path: Path
) -> None:
    gone = Spool(tmp_path / "spool", 100_000_000)
    for _ in range(22_000):
        gone.append(evaluation(card(), card(), card()))
    gone.close()
    recorder = Recorder(store, Spool(tmp_path / "spool", 100_000_000), timedelta(days=100_000))
    recorder.start()
    recorder.close(seconds=120)
    assert (rows(url, "evaluations"), rows(url, "cards")) == (22_000, 66_000)


def test_what_was_said_of_a_card_goes_with_it(store: SqlStore, url: str) -> None:
    old = card()
    store.write([evaluation(old, at=NOON - timedelta(days=366)), feedback(old.id, received=NOON)])
    store.purge(NOON - timedelta(days=365), NOON)
    assert rows(url, "feedback_events") == 0


def test_what_is_too_old_goes_and_the_rest_stays(store: SqlStore, url: str) -> None:
    old, new = card(), card()
    store.write([evaluation(old, at=NOON - timedelta(days=400)), evaluation(new)])
    store.write([feedback(old.id, received=NOON - timedelta(days=399), outcome_at=NOON - timedelta(days=399))])
    store.write([feedback(new.id)])
    store.first_use("iss", "old", NOON - timedelta(hours=1))
    store.first_use("iss", "new", NOON + timedelta(hours=1))
    assert store.purge(NOON - timedelta(days=365), NOON) == len(metadata.tables)
    assert [rows(url, table) for table in metadata.tables] == [1] * len(metadata.tables)


def test_the_migrations_make_the_tables_that_the_store_uses(store: SqlStore, url: str) -> None:
    engine = create_engine(database_url(url))
    seen = inspect(engine)
    for table in metadata.sorted_tables:
        made = {column["name"]: column["nullable"] for column in seen.get_columns(table.name)}
        assert made == {column.name: column.nullable for column in table.columns}
        indexed = {tuple(index["column_names"]) for index in seen.get_indexes(table.name)}
        assert indexed == {tuple(index.columns.keys()) for index in table.indexes}
    engine.dispose()


def test_an_upgrade_can_be_repeated(url: str) -> None:
    assert standing(url) is Standing.OLDER
    assert schema.upgrade(url) is True
    assert standing(url) is Standing.CURRENT
    assert schema.upgrade(url) is False


def test_an_upgrade_of_the_first_version_finds_what_was_overridden_before(store: SqlStore, url: str) -> None:
    shown, other = card(), card()
    store.write([evaluation(shown), evaluation(other), feedback(shown.id), feedback(other.id, client="other")])
    engine = create_engine(database_url(url))
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE overrides"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    engine.dispose()
    assert standing(url) is Standing.OLDER
    assert schema.upgrade(url) is True
    [override] = store.overrides(PATIENT, "Practitioner", EVER)
    assert (override.fingerprint, override.at) == (shown.fingerprint, NOON + timedelta(hours=1))


def test_upgrades_at_the_same_time_are_one(url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda _: schema.upgrade(url), range(4)))
    assert done.count(True) == 1


def test_tables_of_a_later_version_are_left_alone(url: str) -> None:
    schema.upgrade(url)
    engine = create_engine(database_url(url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    assert standing(url) is Standing.NEWER
    assert schema.upgrade(url) is False
    assert schema.prepare(url) is True


def test_postgresql_is_not_upgraded_in_passing_and_sqlite_is(url: str) -> None:
    if url.startswith("sqlite"):
        assert schema.prepare(url) is True
        assert standing(url) is Standing.CURRENT
    else:
        with pytest.raises(SchemaOutdated, match="reboundwatch db upgrade"):
            schema.prepare(url)


def test_a_database_without_tables_is_one_that_does_not_answer(url: str) -> None:
    found = SqlStore(url)
    with pytest.raises(StoreUnavailable):
        found.ping()
    with pytest.raises(StoreUnavailable):
        found.write([evaluation()])
    found.close()


def test_an_error_quotes_no_value(store: SqlStore) -> None:
    with pytest.raises(StoreRefused) as refused:
        store.write([evaluation(tenant="x" + "\x00", rules={"secret"})])
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None

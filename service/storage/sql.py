"""The store in SQL: SQLite for one node, PostgreSQL for several."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Insert, Table, bindparam, create_engine, delete, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from service.storage.port import (
    EvaluationRecord,
    FeedbackRecord,
    Override,
    Record,
    RuleTally,
    StoreRefused,
    StoreUnavailable,
    Tallies,
)
from service.storage.tables import cards, evaluations, feedback_events, overrides, seen_tokens

_LONGEST_KEY = 500
_SQLITE_WAIT = 5.0
"""Seconds to wait for another process that writes."""
_SQLITE_RECALL = 0.1
"""Seconds that a hook call waits for a file that somebody holds for himself; readers do not wait for writers."""
_POSTGRES = {
    "connect_timeout": 2,
    "tcp_user_timeout": 5000,
    "keepalives_idle": 5,
    "options": "-c statement_timeout=5000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=10000",
}
"""A database that hangs is given up after seconds, so that records go to the spool meanwhile."""


def database_url(text: str) -> URL:
    """The address with the driver that is shipped, whatever driver it names."""
    url = make_url(text)
    if url.get_backend_name() == "sqlite":
        return url.set(drivername="sqlite")
    # A database that was made without a locale has no encoding of its own, and would give bytes for text.
    return url.set(drivername="postgresql+psycopg").update_query_dict({"client_encoding": "utf8"})


def open_engine(url: URL, sqlite_wait: float = _SQLITE_WAIT) -> Engine:
    """An engine that never shows values of statements; nothing is connected before it is used."""
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": sqlite_wait}, hide_parameters=True)
        event.listen(engine, "connect", _sqlite_connected)
        return engine
    return create_engine(url, connect_args=_POSTGRES, pool_size=4, max_overflow=2, pool_timeout=2, hide_parameters=True)


def _sqlite_connected(connection: Any, _: object) -> None:
    # Readers do not wait for the writer; what a power cut can take is the last moment, not the file.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


@contextmanager
def told_apart() -> Iterator[None]:
    """Errors of the driver as those of the port; their messages, which hold addresses and values, are left behind.

    Raises:
        StoreUnavailable: the database does not answer, or is too busy to.
        StoreRefused: it does not take what it was given.
    """
    try:
        yield
    except (OperationalError, InterfaceError, ProgrammingError, PoolTimeout) as error:
        # A programming error is a table that is not there: the fault of the database, not of the record.
        raise StoreUnavailable(type(error).__name__) from None
    except DBAPIError as error:
        if error.connection_invalidated:
            raise StoreUnavailable(type(error).__name__) from None
        raise StoreRefused(type(error.orig).__name__) from None
    except (SQLAlchemyError, ValueError, TypeError) as error:
        raise StoreRefused(type(error).__name__) from None


_ASIDE = select(overrides.c.fingerprint, overrides.c.reason, overrides.c.at).where(
    overrides.c.patient == bindparam("of_patient"),
    overrides.c.role == bindparam("in_role"),
    overrides.c.at >= bindparam("since"),
)
_OF_ITS_CALLER = (
    feedback_events.c.issuer == evaluations.c.issuer,
    feedback_events.c.client == evaluations.c.client,
    feedback_events.c.tenant.is_not_distinct_from(evaluations.c.tenant),
)
"""Only who was shown a card has a say on it."""
_FOUND_TOGETHER = (
    select(
        feedback_events.c.id,
        evaluations.c.patient,
        evaluations.c.role,
        cards.c.fingerprint,
        feedback_events.c.reason,
        feedback_events.c.outcome_at,
    )
    .join(cards, cards.c.id == feedback_events.c.card)
    .join(evaluations, evaluations.c.id == cards.c.evaluation)
    .where(
        feedback_events.c.card.in_(bindparam("of_cards", expanding=True)),
        *_OF_ITS_CALLER,
        feedback_events.c.outcome == "overridden",
        feedback_events.c.reason.is_not(None),
    )
)
"""Overrides of some cards, whichever came first: the card or what was said of it."""


class SqlStore:
    """`Store` in a database that SQLAlchemy reaches; shared by all threads of a process."""

    def __init__(self, url: str) -> None:
        self._engine = open_engine(database_url(url))
        self._recalling = open_engine(database_url(url), _SQLITE_RECALL) if self.local else self._engine
        self._insert: Any = sqlite.insert if self._engine.dialect.name == "sqlite" else postgresql.insert
        # Written once: to put a statement together costs more than to carry it out.
        self._use = self._or_ignore(seen_tokens).returning(seen_tokens.c.jti)
        columns = [column.name for column in overrides.columns]
        self._set_aside = self._insert(overrides).from_select(columns, _FOUND_TOGETHER).on_conflict_do_nothing()

    @property
    def local(self) -> bool:
        """Whether it is a file of this node, which answers at once or not at all."""
        return self._engine.dialect.name == "sqlite"

    def write(self, records: Sequence[Record]) -> None:
        """Keep the records, all or none; one that is there already stays as it is."""
        rows: dict[Table, list[dict[str, Any]]] = {evaluations: [], cards: [], feedback_events: []}
        for record in records:
            match record:
                case EvaluationRecord():
                    rows[evaluations].append(_evaluation_row(record))
                    rows[cards] += _card_rows(record)
                case FeedbackRecord():
                    rows[feedback_events].append({name: getattr(record, name) for name in record.__struct_fields__})
        with self._transaction() as connection:
            for table, found in rows.items():
                if found:
                    connection.execute(self._or_ignore(table), found)
        of_cards = [row["id"] for row in rows[cards]] + [row["card"] for row in rows[feedback_events]]
        if of_cards:
            # In its own transaction: of two nodes that write a card and what was said of it at the same moment, at
            # least the one that comes second sees both.
            with self._transaction() as connection:
                connection.execute(self._set_aside, {"of_cards": of_cards})

    def overrides(self, patient: str, role: str, since: datetime) -> tuple[Override, ...]:
        """The cards on a patient that users of a role have overridden with a reason since then."""
        given = {"of_patient": patient, "in_role": role, "since": since}
        with told_apart(), self._recalling.connect() as connection:
            return tuple(
                Override(fingerprint, reason, at) for fingerprint, reason, at in connection.execute(_ASIDE, given)
            )

    def first_use(self, issuer: str, jti: str, expires: datetime) -> bool:
        """Whether a token was not used before, on any worker or node; from now on it was."""
        row = {"issuer": _key(issuer), "jti": _key(jti), "expires": expires}
        with self._transaction() as connection:
            # What was written comes back; the number of rows is not the same on every driver.
            return connection.execute(self._use, row).first() is not None

    def used(self, issuer: str, jti: str) -> bool:
        """Whether a token is among those that were used."""
        asked = select(seen_tokens.c.jti).where(seen_tokens.c.issuer == _key(issuer), seen_tokens.c.jti == _key(jti))
        with self._transaction() as connection:
            return connection.execute(asked).first() is not None

    def tallies(self, since: datetime | None) -> Tallies:
        """What became of the cards shown since then, or ever, rule by rule."""
        shown = select(cards.c.id, cards.c.rules, cards.c.suggestions).join(
            evaluations, evaluations.c.id == cards.c.evaluation
        )
        shown = shown.where(evaluations.c.mode == "active")
        reported = select(feedback_events).order_by(feedback_events.c.outcome_at)
        reported = reported.join(cards, cards.c.id == feedback_events.c.card)
        reported = reported.join(evaluations, evaluations.c.id == cards.c.evaluation).where(*_OF_ITS_CALLER)
        known = select(cards.c.id).join(evaluations, evaluations.c.id == cards.c.evaluation)
        known = known.where(cards.c.id == feedback_events.c.card, *_OF_ITS_CALLER)
        unknown = select(func.count(feedback_events.c.card.distinct())).where(~known.exists())
        if since is not None:
            shown = shown.where(cards.c.at >= since)
            unknown = unknown.where(feedback_events.c.received >= since)
        with self._transaction() as connection:
            count = _Count()
            for card, rules, suggestions in connection.execute(shown):
                count.show(card, rules, suggestions)
            for one in connection.execute(reported):
                count.report(one.card, one.outcome, one.reason, one.accepted)
            return Tallies(count.tallies(), connection.execute(unknown).scalar_one())

    def purge(self, before: datetime, now: datetime) -> int:
        """Delete what is older than `before`, what was said of such cards, and tokens expired by `now`.

        The number of rows comes back.
        """
        old_cards = select(cards.c.id).where(cards.c.at < before)
        statements = (
            delete(feedback_events).where(feedback_events.c.card.in_(old_cards)),
            delete(evaluations).where(evaluations.c.at < before),
            delete(cards).where(cards.c.at < before),
            delete(feedback_events).where(feedback_events.c.received < before),
            delete(overrides).where(overrides.c.at < before),
            delete(seen_tokens).where(seen_tokens.c.expires < now),
        )
        with self._transaction() as connection:
            return sum(connection.execute(statement).rowcount for statement in statements)

    def ping(self) -> None:
        """Return when the database answers and has the tables."""
        with self._transaction() as connection:
            connection.execute(select(evaluations.c.id).limit(1)).all()

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()
        self._recalling.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with told_apart(), self._engine.begin() as connection:
            yield connection

    def _or_ignore(self, table: Table) -> Insert:
        statement: Insert = self._insert(table).on_conflict_do_nothing()
        return statement


class _Count:
    """Cards and what was reported of them, gathered by rule; each card counts once an outcome, reason, suggestion."""

    def __init__(self) -> None:
        self._cards: dict[str, tuple[list[str], dict[str, str]]] = {}
        self._shown: Counter[str] = Counter()
        self._reported: dict[str, set[tuple[str, str, str]]] = defaultdict(set)

    def show(self, card: str, rules: list[str], suggestions: dict[str, str]) -> None:
        self._cards[card] = (rules, suggestions)
        self._shown.update(rules)

    def report(self, card: str, outcome: str, reason: str | None, accepted: list[str]) -> None:
        if card not in self._cards:
            return
        rules, labels = self._cards[card]
        for rule in rules:
            said = self._reported[rule]
            said.add((outcome, "", card))
            if reason is not None:
                said.add(("reason", reason, card))
            said |= {("suggestion", labels.get(one, "(unknown suggestion)"), card) for one in accepted}

    def tallies(self) -> tuple[RuleTally, ...]:
        return tuple(self._tally(rule) for rule in sorted(self._shown))

    def _tally(self, rule: str) -> RuleTally:
        numbers = Counter((kind, name) for kind, name, _ in self._reported[rule])
        return RuleTally(
            rule=rule,
            shown=self._shown[rule],
            accepted=numbers["accepted", ""],
            overridden=numbers["overridden", ""],
            reasons={name: number for (kind, name), number in sorted(numbers.items()) if kind == "reason"},
            suggestions={name: number for (kind, name), number in sorted(numbers.items()) if kind == "suggestion"},
        )


def _evaluation_row(record: EvaluationRecord) -> dict[str, Any]:
    row = {name: getattr(record, name) for name in record.__struct_fields__ if name != "cards"}
    return {**row, "indicators": [card.indicator for card in record.cards]}


def _card_rows(record: EvaluationRecord) -> list[dict[str, Any]]:
    about = {"evaluation": record.id, "at": record.at}
    return [{name: getattr(card, name) for name in card.__struct_fields__} | about for card in record.cards]


def _key(text: str) -> str:
    """A key that fits the column; a longer one by its hash."""
    return text if len(text) <= _LONGEST_KEY else f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"

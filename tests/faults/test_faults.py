"""What happens when a part fails while callers call: the real service, the real database, the real proxy."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import create_engine, text

from service.storage.schema import upgrade
from service.storage.sql import database_url
from tests.faults.callers import BODY, calling, one_call
from tests.faults.proxy import proxied
from tests.nodes import PATH, PATIENCE, ROOT, Running, environment, served, start, wait_until_ready
from tests.storage.postgres import Postgres, postgres_server
from tests.trust.issuing import BASE, SERVICE, Ehr

KEY = "a key that is long enough for its purpose"
FEEDBACK = f"{PATH}/feedback"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL that tests stop and start."""
    with postgres_server() as server:
        yield server


def on(url: str, **more: str) -> dict[str, Any]:
    """The variables of a node on a database."""
    return {"REBOUNDWATCH_DATABASE_URL": url, "REBOUNDWATCH_PSEUDONYM_KEY": KEY, **more}


def counted(url: str, table: str) -> int:
    engine = create_engine(database_url(url))
    try:
        with engine.connect() as connection:
            found: int = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            return found
    finally:
        engine.dispose()


def within(seconds: float, done: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def storage(node: Running) -> str:
    said: str = json.loads(node.call("GET", "/health/ready")[1])["storage"]
    return said


def report(card: str | None = None) -> bytes:
    about = {"card": card or str(uuid.uuid4()), "outcome": "overridden", "outcomeTimestamp": "2026-11-01T09:00:00Z"}
    return json.dumps({"feedback": [about]}).encode()


def command(*words: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "service", *words],
        cwd=ROOT / "tests",
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_worker_that_is_killed_takes_only_its_own_calls_with_it(tmp_path: Path) -> None:
    callers = 4
    with served(tmp_path, workers=2) as node, calling(node.port, callers) as calls:
        calls.more(20)
        victim = node.workers()[0]
        os.kill(victim, signal.SIGKILL)
        calls.more(40)
        lost = calls.failed
        assert lost <= callers
        assert within(PATIENCE, lambda: len(node.workers()) == 2 and victim not in node.workers())
        calls.more(40)
        assert calls.failed == lost, "after the moment itself every call must be answered"


def test_with_its_database_stopped_it_answers_and_nothing_is_lost_or_doubled(
    postgres: Postgres, tmp_path: Path
) -> None:
    url = postgres.database()
    upgrade(url)
    with served(tmp_path, workers=2, **on(url)) as node:
        with calling(node.port) as calls:
            calls.more(10)
            assert storage(node) == "ok"
            postgres.stop()
            try:
                reports = [one_call(node.port, FEEDBACK, report()) for _ in range(20)]
                calls.more(60)
                assert set(reports) == {200}
                assert within(PATIENCE, lambda: storage(node) == "degraded")
            finally:
                postgres.start()
            calls.more(10)
        assert calls.failed == 0
        answered = len(calls.statuses)
        assert within(PATIENCE, lambda: counted(url, "evaluations") >= answered)
        assert within(PATIENCE, lambda: all(storage(node) == "ok" for _ in range(8)))
        time.sleep(1)
        assert (counted(url, "evaluations"), counted(url, "feedback_events")) == (answered, 20)
    assert list((tmp_path).rglob("*.records")) == []


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of its own."""
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("needs the right to mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_with_the_disk_full_it_answers_and_writes_when_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4) as disk:
        url = f"sqlite:///{disk / 'clinic.sqlite3'}"
        with served(tmp_path, workers=2, **on(url)) as node:
            assert one_call(node.port) == 200
            assert within(PATIENCE, lambda: counted(url, "evaluations") == 1)
            ballast = disk / "ballast"
            filled = subprocess.run(
                ["dd", "if=/dev/zero", f"of={ballast}", "bs=4096"], capture_output=True, check=False
            )
            assert b"No space left" in filled.stderr
            statuses = [one_call(node.port) for _ in range(60)]
            assert set(statuses) == {200}
            assert one_call(node.port, FEEDBACK, report()) == 200
            assert within(PATIENCE, lambda: storage(node) == "degraded")
            ballast.unlink()
            assert within(PATIENCE, lambda: counted(url, "evaluations") == 61)
            assert within(PATIENCE, lambda: counted(url, "feedback_events") == 1)


def test_a_thousand_slow_connections_hold_up_nobody(tmp_path: Path) -> None:
    with served(tmp_path, workers=2) as node, proxied(tmp_path / "proxy", node.port) as proxy, ExitStack() as held:
        slow = [held.enter_context(socket.create_connection(("127.0.0.1", proxy.port))) for _ in range(1000)]
        for number, one in enumerate(slow):
            one.sendall(b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: x\r\n")
            if number % 2:
                one.sendall(b"Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n{")
        statuses = [one_call(proxy.port) for _ in range(40)]
        assert set(statuses) == {200}
        for one in slow:
            one.sendall(b"X")
        assert one_call(proxy.port) == 200


def test_what_is_too_large_or_compressed_is_refused_through_the_proxy(tmp_path: Path) -> None:
    with (
        served(tmp_path, workers=2, REBOUNDWATCH_MAX_BODY_BYTES="100000") as node,
        proxied(tmp_path / "proxy", node.port) as proxy,
    ):
        assert one_call(proxy.port, body=b" " * 200_000) == 413
        assert one_call(proxy.port, body=b" " * 20_000_000) == 413
        assert one_call(proxy.port, encoding="gzip") == 415
        assert one_call(proxy.port) == 200


@pytest.fixture
def nodes(postgres: Postgres, tmp_path: Path) -> Iterator[tuple[str, list[Running]]]:
    """Two nodes on one database, which want to know who calls."""
    url = postgres.database()
    upgrade(url)
    clients = tmp_path / "clients.yaml"
    clients.write_text(yaml.safe_dump({"clients": [Ehr().entry]}), encoding="utf-8")
    wanting = {
        "REBOUNDWATCH_AUTH": "required",
        "REBOUNDWATCH_ALLOW_AS_OF": "0",
        "REBOUNDWATCH_PUBLIC_BASE_URL": BASE,
        "REBOUNDWATCH_CLIENTS_FILE": str(clients),
    }
    with ExitStack() as running:
        made = []
        for name in ("one", "two"):
            folder = tmp_path / name
            folder.mkdir()
            spool = str(folder / "spool")
            variables = on(url, REBOUNDWATCH_SPOOL_DIR=spool, **wanting)
            made.append(running.enter_context(served(folder, 2, **variables)))
        yield url, made


def today() -> bytes:
    """The request of the example without a day of its own."""
    request = json.loads(BODY)
    request.pop("extension", None)
    return json.dumps(request).encode()


def test_a_token_is_used_once_on_all_workers_of_all_nodes(nodes: tuple[str, list[Running]]) -> None:
    _, running = nodes
    token = Ehr().token(SERVICE)
    ports = [node.port for node in running for _ in range(6)]
    statuses = [one_call(port, body=today(), Authorization=f"Bearer {token}") for port in ports]
    assert sorted(statuses) == [200] + [401] * 11
    assert [one_call(port, body=today()) for port in ports[::6]] == [401, 401]


def test_feedback_that_comes_again_on_another_node_is_one_event(nodes: tuple[str, list[Running]]) -> None:
    url, running = nodes
    said = report()
    for node in (*running, *running):
        token = Ehr().token(f"{SERVICE}/feedback")
        assert one_call(node.port, FEEDBACK, said, Authorization=f"Bearer {token}") == 200
    assert within(PATIENCE, lambda: counted(url, "feedback_events") == 1)
    time.sleep(1)
    assert counted(url, "feedback_events") == 1


def test_a_card_set_aside_on_one_node_rests_on_the_other(nodes: tuple[str, list[Running]]) -> None:
    url, (one, two) = nodes

    def cards(node: Running) -> list[dict[str, str]]:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {Ehr().token(SERVICE)}"}
        status, body = node.call("POST", PATH, today(), headers)
        assert status == 200
        found: list[dict[str, str]] = json.loads(body)["cards"]
        return found

    [first, *_] = cards(one)
    why = {"reason": {"code": "specialist-managing", "system": "urn:reboundwatch:override-reason"}}
    said = json.loads(report(first["uuid"]))
    now = datetime.now(UTC).isoformat()
    said["feedback"][0] |= {"overrideReason": why, "outcomeTimestamp": now}
    token = Ehr().token(f"{SERVICE}/feedback")
    assert one_call(one.port, FEEDBACK, json.dumps(said).encode(), Authorization=f"Bearer {token}") == 200
    assert within(PATIENCE, lambda: counted(url, "overrides") == 1)
    assert first["summary"] not in [card["summary"] for card in cards(two)]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_restored_backup_gives_the_same_report(kind: str, postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.database() if kind == "postgresql" else f"sqlite:///{tmp_path / 'clinic.sqlite3'}"
    upgrade(url)
    with served(tmp_path, **on(url)) as node:
        cards = json.loads(node.call("POST", PATH, BODY)[1])["cards"]
        assert all(one_call(node.port, FEEDBACK, report(card["uuid"])) == 200 for card in cards)
        assert within(PATIENCE, lambda: counted(url, "feedback_events") == len(cards) > 0)
        restored = _restored(kind, url, postgres, tmp_path)
    wanted = command("feedback", "report", "--format", "json", **on(url))
    assert json.loads(wanted)["rules"]
    assert command("feedback", "report", "--format", "json", **on(restored)) == wanted


def _restored(kind: str, url: str, postgres: Postgres, folder: Path) -> str:
    """The address of a database made from a backup of another, with the commands of docs/operations.md."""
    backup = folder / "backup"
    if kind == "sqlite":
        copy = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('VACUUM INTO ?', (sys.argv[2],))"
        subprocess.run([sys.executable, "-c", copy, folder / "clinic.sqlite3", backup], check=True)
        shutil.copy(backup, folder / "restored.sqlite3")
        return f"sqlite:///{folder / 'restored.sqlite3'}"
    plain = database_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    subprocess.run(["pg_dump", "--format=custom", f"--file={backup}", plain], check=True)
    other = postgres.database()
    target = database_url(other).set(drivername="postgresql").render_as_string(hide_password=False)
    subprocess.run(["pg_restore", "--no-owner", "--dbname", target, backup], check=True)
    return other


@pytest.fixture(scope="module")
def version_before(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variable with which the software runs that knew the tables before the last change of them."""
    versions = "service/storage/migrations/versions"
    newest = max(path.name for path in (ROOT / versions).glob("m[0-9]*.py"))
    asked = ["git", "-C", str(ROOT), "log", "--diff-filter=A", "--format=%P", "--", f"{versions}/{newest}"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False)
    folder = tmp_path_factory.mktemp("before")
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", *found.stdout.split()[-1:], "service", "rules", "fhir_fixtures"],
        capture_output=True,
        check=False,
    )
    if found.returncode or not found.stdout.strip() or archive.returncode:
        pytest.skip("needs the history of the repository, in which the version before is")
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
    assert not (folder / versions / newest).exists()
    return {"PYTHONPATH": str(folder)}


def software_of(node: Running) -> str:
    """The folder of the software that a node runs."""
    settings = Path(f"/proc/{node.process.pid}/cmdline").read_text(encoding="utf-8").split("\0")[-2]
    return str(Path(settings).parents[1])


def test_an_upgrade_with_calls_running_fails_none_and_neither_does_the_way_back(
    postgres: Postgres, version_before: dict[str, str], tmp_path: Path
) -> None:
    url = postgres.database()
    before, after = on(url, **version_before), on(url, PYTHONPATH=str(ROOT))
    assert "were brought to this version" in command("db", "upgrade", **before)
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    reported = 0
    with ExitStack() as running:
        nodes = [running.enter_context(served(folder, 2, **before)) for folder in folders]
        proxy = running.enter_context(proxied(tmp_path / "proxy", *(node.port for node in nodes)))
        with calling(proxy.port) as calls:
            calls.more(20)
            assert "were brought to this version" in command("db", "upgrade", **after)
            calls.more(20)  # the version before serves on with the newer tables
            for software in (after, before):
                for number, folder in enumerate(folders):
                    # As a cluster does it: no new calls to a node, then it stops, then the other version is ready.
                    proxy.to(nodes[1 - number].port)
                    assert nodes[number].stop() == 0
                    nodes[number] = start(folder, 2, nodes[number].port, **software)
                    running.callback(nodes[number].stop)
                    wait_until_ready(nodes[number])
                    assert software_of(nodes[number]) == software["PYTHONPATH"]
                    proxy.to(*(node.port for node in nodes))
                    calls.more(20)
                    assert one_call(proxy.port, FEEDBACK, report()) == 200
                    reported += 1
        assert calls.failed == 0
        answered = len(calls.statuses)
        assert within(PATIENCE, lambda: counted(url, "evaluations") == answered)
        assert within(PATIENCE, lambda: counted(url, "feedback_events") == reported)


def test_a_clock_that_jumps_harms_no_answer(tmp_path: Path) -> None:
    library, clock = tmp_path / "shifted_clock.so", tmp_path / "clock"
    source = Path(__file__).with_name("shifted_clock.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    clock.write_text("0\n", encoding="ascii")
    shifted: dict[str, Any] = {"LD_PRELOAD": str(library), "SHIFTED_CLOCK": str(clock)}
    url = f"sqlite:///{tmp_path / 'clinic.sqlite3'}"
    with served(tmp_path, workers=2, **on(url, **shifted)) as node, calling(node.port) as calls:
        calls.more(10)
        for days in (1, -1, 300, -300, 0):
            clock.write_text(f"{days * 86_400}\n", encoding="ascii")
            calls.more(20)
            assert node.call("GET", "/health/ready")[0] == 200
            assert storage(node) == "ok"
    assert calls.failed == 0
    assert counted(url, "evaluations") == len(calls.statuses)
    engine = create_engine(database_url(url))
    with engine.connect() as connection:
        first, last = connection.execute(text("SELECT min(at), max(at) FROM evaluations")).one()
    engine.dispose()
    assert (datetime.fromisoformat(last) - datetime.fromisoformat(first)).days >= 599, "the clock must have jumped"

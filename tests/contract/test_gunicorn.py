"""The service as it runs in production: gunicorn with our settings, a real socket, real workers."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.contract.calls import EXAMPLE, ROOT
from tests.nodes import PATH, PATIENCE, Running, environment, free_port, served


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("serving")
    with served(folder, workers=2, REBOUNDWATCH_MAX_BODY_BYTES="100000") as service:
        yield service


def test_it_says_where_to_look_and_how_to_get_a_critical_card(running: Running) -> None:
    said = running.log.read_text()
    assert f"http://127.0.0.1:{running.port}/cds-services" in said
    assert f"--data @{EXAMPLE.relative_to(ROOT)} http://127.0.0.1:{running.port}{PATH}" in said


def test_the_line_that_it_prints_returns_a_critical_card(running: Running) -> None:
    status, body = running.call("POST", PATH, EXAMPLE.read_bytes())
    assert status == 200
    assert json.loads(body)["cards"][0]["indicator"] == "critical"


def test_many_callers_at_once_get_the_same_answer(running: Running) -> None:
    sent = EXAMPLE.read_bytes()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: running.call("POST", PATH, sent), range(40)))
    assert {status for status, _ in answers} == {200}
    said = {json.dumps(json.loads(body)["extension"], sort_keys=True) for _, body in answers}
    assert len(said) == 1


def test_a_body_sent_in_pieces_is_read_and_measured(running: Running) -> None:
    sent = EXAMPLE.read_bytes()
    assert running.call("POST", PATH, iter([sent[:1000], sent[1000:]]))[0] == 200
    status, body = running.call("POST", PATH, iter([b" " * 60_000] * 2))
    assert status == 413
    assert json.loads(body)["resourceType"] == "OperationOutcome"


def test_callers_who_send_a_body_slowly_keep_nobody_from_an_answer(running: Running) -> None:
    begun = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 90000\r\n\r\n{{"
    with ExitStack() as open_calls:
        for _ in range(24):
            connection = open_calls.enter_context(socket.create_connection(("127.0.0.1", running.port)))
            connection.sendall(begun.encode())
        time.sleep(1)  # Until they have been taken in.
        assert running.call("GET", "/health/live")[0] == 200
        assert running.call("POST", PATH, EXAMPLE.read_bytes())[0] == 200


def test_the_log_has_a_line_a_request_and_nothing_of_a_patient(running: Running) -> None:
    running.call("POST", PATH, EXAMPLE.read_bytes())
    running.call("GET", "/Patient/five-fractures?name=Synthetic")
    running.call("POST", PATH, b'{"context": "five-fractures"}')
    said = running.log.read_text().partition("Starting gunicorn")[2]
    assert f"POST {PATH} 200" in said
    assert "GET (no such address) 404" in said
    assert not [word for word in ("five-fractures", "Synthetic", "1954", "prolia") if word in said]


def ended(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """What a command that must not serve says as it ends."""
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT / "tests",  # where no .env is
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize(
    ("options", "variables", "said"),
    [
        ((), {"REBOUNDWATCH_AUTH": "required"}, "no client is registered"),
        (("--host", "0.0.0.0"), {"REBOUNDWATCH_ALLOW_AS_OF": "0"}, "AUTH=off is refused on 0.0.0.0"),
        (("--port", "70000"), {}, "REBOUNDWATCH_PORT must be at most 65535"),
        ((), {"REBOUNDWATCH_DISABLED_RULES": "RVFX-99"}, "cannot disable RVFX-99"),
        ((), {"REBOUNDWATCH_MODES": "silent"}, "did you mean REBOUNDWATCH_MODE?"),
    ],
)
def test_what_may_not_be_served_is_said_before_anything_listens(
    options: tuple[str, ...], variables: dict[str, str], said: str
) -> None:
    result = ended("service", "serve", *options, **variables)
    assert result.returncode == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_gunicorn_by_itself_refuses_an_address_that_others_reach() -> None:
    conf = str(ROOT / "service" / "gunicorn.conf.py")
    result = ended("gunicorn", "-c", conf, "-b", f"0.0.0.0:{free_port()}", REBOUNDWATCH_ALLOW_AS_OF="0")
    assert result.returncode == 2
    assert "REBOUNDWATCH_AUTH=off is refused on 0.0.0.0" in result.stderr


def test_a_worker_that_would_answer_wrongly_does_not_start(tmp_path: Path) -> None:
    limits = tmp_path / "limits.yaml"
    limits.write_text("since: 2026-01-01\nrebound_window_opens: 20\n", encoding="utf-8")
    result = ended(
        "service", "serve", "--port", str(free_port()), "--workers", "1", REBOUNDWATCH_LIMITS_FILE=str(limits)
    )
    assert result.returncode != 0
    assert "nothing is served: the fracture with a known class came out as" in result.stderr
    assert "Traceback" not in result.stderr

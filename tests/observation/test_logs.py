"""A line of the log says what was asked, how it went and how long it took, and nothing of a patient."""

from __future__ import annotations

import http.client
import io
import json
import logging
import logging.config
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from benchmarks.charts import KEYS
from service.app import application
from service.observation.logs import JsonLines, TextLines, log_configuration
from service.version import SOFTWARE_VERSION
from tests.contract.calls import EXAMPLE, ROOT, client, post
from tests.contract.test_refusals import broken, deployed, disagreeing, with_knowledge
from tests.nodes import served
from tests.unit.commands.records import hook_request

Json = dict[str, Any]
FORMS: dict[str, logging.Formatter] = {"json": JsonLines(), "text": TextLines()}


class Log:
    """What our loggers write, as production writes it."""

    def __init__(self, form: str) -> None:
        self.written = io.StringIO()
        self.form = form

    def lines(self) -> list[Json]:
        return [json.loads(line) for line in self.written.getvalue().splitlines()]


@pytest.fixture
def log(request: pytest.FixtureRequest) -> Iterator[Log]:
    """Everything that any logger writes at debug level, in the form that the test asks for."""
    found = Log(getattr(request, "param", "json"))
    root, service = logging.getLogger(), logging.getLogger("service")
    stream = logging.StreamHandler(found.written)
    stream.setFormatter(FORMS[found.form])
    before = root.level, service.level
    root.addHandler(stream)
    root.setLevel(logging.DEBUG)
    service.setLevel(logging.DEBUG)
    yield found
    root.removeHandler(stream)
    root.setLevel(before[0])
    service.setLevel(before[1])


@pytest.fixture(scope="module")
def clinic() -> FlaskClient:
    return client()


def test_a_hook_call_is_one_line_with_its_stages_and_counts(clinic: FlaskClient, log: Log) -> None:
    post(clinic, EXAMPLE.read_bytes(), headers={"X-Request-Id": "ward-7"})
    [line] = log.lines()
    stages = line.pop("stagesMs")
    assert list(stages) == ["read", "wait", "prefetch", "timeline", "evaluate", "cards"]
    assert 0 < sum(stages.values()) <= line.pop("durationMs") + 0.1
    assert line.pop("cards") >= 1
    assert line.pop("setAside") == 0
    assert line.pop("rules") > 5
    assert line.pop("resources") > 10
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    address = "/cds-services/denosumab-rebound-patient-view"
    assert line.pop("message").startswith(f"POST {address} 200 ")
    assert line.pop("knowledge")
    assert line.pop("process") > 0
    assert line == {
        "level": "info",
        "logger": "service.web.access_log",
        "requestId": "ward-7",
        "method": "POST",
        "address": address,
        "status": 200,
        "software": SOFTWARE_VERSION,
        "service": "denosumab-rebound-patient-view",
        "hook": "patient-view",
        "withheld": 0,
        "unusable": 0,
    }


@pytest.mark.parametrize("spoilt", [False, True])
def test_what_a_user_says_of_a_card_is_logged_nowhere(clinic: FlaskClient, log: Log, spoilt: bool) -> None:
    why = {"reason": {"code": "own-karenina"}, "userComment": "Mrs Karenina refuses"}
    card = "karenina" if spoilt else str(uuid.uuid4())
    report = {"card": card, "outcome": "overridden", "outcomeTimestamp": "2026-11-01T09:00:00Z"}
    path = "/cds-services/denosumab-rebound-patient-view/feedback"
    answer = clinic.post(path, json={"feedback": [report | {"overrideReason": why}]})
    assert answer.status_code == (400 if spoilt else 200)
    [line] = [one for one in log.lines() if "address" in one]
    assert (line["address"], line["status"]) == ("/cds-services/<service_id>/feedback", answer.status_code)
    assert "karenina" not in (log.written.getvalue() + answer.text).lower()


def test_silent_mode_says_how_many_cards_it_kept_back(log: Log) -> None:
    silent = client(mode="silent")
    post(silent, EXAMPLE.read_bytes())
    line = log.lines()[-1]
    assert line["cards"] == 0
    assert line["withheld"] >= 1


def test_a_refused_call_names_the_kind_of_its_error(clinic: FlaskClient, log: Log) -> None:
    post(clinic, b"{")
    [line] = log.lines()
    assert (line["status"], line["error"]) == (400, "BadRequest")
    assert list(line["stagesMs"]) == ["read"]


@pytest.mark.parametrize("given", ["a", "A-9", "x" * 64, "0f8fad5b-d9cb-469f-a165-70867728950e"])
def test_a_well_formed_request_id_is_kept_and_answered(clinic: FlaskClient, log: Log, given: str) -> None:
    assert clinic.get("/health/live", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given
    assert log.lines()[0]["requestId"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "Anna Karenina", "a_b", 'a"}', "a/b", "ä"])
def test_any_other_request_id_is_replaced(clinic: FlaskClient, log: Log, given: str) -> None:
    made = clinic.get("/health/live", headers={"X-Request-Id": given}).headers["X-Request-Id"]
    assert re.fullmatch(r"[0-9a-f-]{36}", made)
    assert log.lines()[0]["requestId"] == made


def test_a_refused_call_has_a_request_id_too(clinic: FlaskClient) -> None:
    assert post(clinic, b"{", headers={"X-Request-Id": "ward-8"}).headers["X-Request-Id"] == "ward-8"
    assert clinic.get("/nowhere", headers={"X-Request-Id": "ward-9"}).headers["X-Request-Id"] == "ward-9"


@pytest.mark.parametrize("form", ["json", "text"])
def test_an_error_that_anybody_logs_loses_its_message_and_the_address(form: str) -> None:
    logger = logging.getLogger("gunicorn.error")
    try:
        raise ValueError("Anna Karenina")
    except ValueError as error:
        found = (type(error), error, error.__traceback__)
    record = logger.makeRecord(
        "gunicorn.error", logging.ERROR, "f", 1, "Error handling request %s", ("/Patient?name=Karenina",), found
    )
    line = FORMS[form].format(record)
    assert "Error handling request: ValueError at test_logs.py:" in line
    assert "Karenina" not in line
    assert "\n" not in line


def test_a_request_that_is_no_http_is_not_quoted() -> None:
    said = "Invalid request from ip=10.0.0.7: Invalid HTTP request line: 'GET /Karenina'"
    record = logging.makeLogRecord({"msg": said, "name": "gunicorn.error", "levelname": "WARNING"})
    assert "Karenina" not in JsonLines().format(record)


def test_debug_never_makes_gunicorn_write_its_environment() -> None:
    configuration = log_configuration("json", "debug")
    assert configuration["loggers"]["gunicorn.error"]["level"] == "INFO"
    assert configuration["loggers"]["service"]["level"] == "DEBUG"


def strings(value: Any, member: str = "") -> Iterator[tuple[str, str]]:
    """Every string of a record with the member that it stands under."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from strings(one, name)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one, member)
    elif isinstance(value, str):
        yield member, value


DATE = re.compile(r"\d{4}-\d\d-\d\d")
NAMING = {"id", "family", "given", "reference", "patientId", "userId", "encounterId", "hookInstance", "div"}


def personal(request: Any) -> set[str]:
    """Ids, references, names and dates of a request: what no log may hold."""
    found: set[str] = set()
    for member, text in strings(request):
        found.update(DATE.findall(text))
        if member in NAMING and len(text) > 3:
            found.add(text)
    return found


def requests() -> Iterator[Json]:
    """Every hook request of the fixtures, and every patient as the prefetch of one; each patient has a name."""
    for file in sorted((ROOT / "fhir_fixtures" / "hooks").rglob("*.json")):
        yield named(json.loads(file.read_text(encoding="utf-8")))
    for file in sorted((ROOT / "fhir_fixtures" / "patients").glob("*/r4.json")):
        prefetch: Json = {key: {"resourceType": "Bundle", "type": "searchset"} for key in KEYS.values()}
        for entry in json.loads(file.read_text(encoding="utf-8"))["entry"]:
            one = entry["resource"]
            if one["resourceType"] == "Patient":
                prefetch["patient"] = one
            elif one["resourceType"] in KEYS:
                prefetch[KEYS[one["resourceType"]]].setdefault("entry", []).append(entry)
        request = hook_request()
        request["context"]["patientId"] = prefetch["patient"]["id"]
        yield named(request | {"prefetch": prefetch})


def named(request: Json) -> Json:
    """The request, its patient called as nobody else is."""
    request["prefetch"]["patient"]["name"] = [{"family": "Arkadyevna Karenina", "given": ["Annushka"]}]
    return request


@pytest.mark.parametrize("log", ["json", "text"], indirect=True)
def test_no_log_of_any_fixture_holds_a_name_an_id_or_a_date_of_it(log: Log) -> None:
    failing = application(with_knowledge(broken(deployed().knowledge))).test_client()
    clinics = [client(), client(mode="silent"), failing, application(disagreeing()).test_client()]
    forbidden: set[str] = set()
    statuses: set[int] = set()
    asked = 0
    for request in requests():
        asked += 1
        forbidden |= personal(request)
        hook, patient = request["hook"], request["context"]["patientId"]
        wrong = [
            request | {"prefetch": {}},
            request | {"context": {"patientId": f"Patient/{patient}"}},
            json.dumps(request).encode()[:-20],
        ]
        statuses |= {post(one, request, hook).status_code for one in clinics}
        statuses |= {post(clinics[0], one, hook).status_code for one in wrong}
        clinics[0].get(f"/Patient/{patient}?name=Karenina")
    assert asked > 50
    assert len(forbidden) > 400
    assert {"Annushka", "Arkadyevna Karenina"} <= forbidden
    assert statuses == {200, 400, 412, 500}
    written = log.written.getvalue()
    assert written.count("\n") > 8 * asked
    today = set(DATE.findall(written))
    assert len(today) <= 2, "the only dates are those of the lines themselves"
    assert {one for one in forbidden - today if one in written} == set()


def test_a_malformed_request_line_does_not_reach_the_log_of_a_real_server(tmp_path: Path) -> None:
    with served(tmp_path, REBOUNDWATCH_LOG_LEVEL="debug", REBOUNDWATCH_PSEUDONYM_KEY="hunter2" * 10) as running:
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
        connection.connect()
        connection.sock.sendall(b"GET /Karenina Anna HTTP/9.9 x\r\n\r\n")
        assert b"400" in connection.sock.recv(100)
        connection.close()
        running.call("GET", "/Karenina?name=Karenina")
        running.call("KARENINA", "/health/live")
    said = running.log.read_text()
    assert "no HTTP was refused" in said
    assert "(no such address)" in said
    assert "karenina" not in said.lower()
    assert "hunter2" not in said
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert {line["logger"] for line in lines} >= {"service.web.access_log", "gunicorn.error"}

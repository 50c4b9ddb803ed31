"""Pages of other origins that call the services (CORS), and what a browser may do with every answer."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.contract.calls import EXAMPLE, client, post

ORIGIN = "https://sandbox.example.org"
SERVICE = "/cds-services/denosumab-rebound-patient-view"
REPORT = (
    b'{"feedback": [{"card": "f6b95768-b1c8-40b1-8c84-bd4b2a2b4f5c", "outcome": "overridden", '
    b'"outcomeTimestamp": "2026-11-01T09:00:00Z"}]}'
)


@pytest.fixture(scope="module")
def clinic() -> FlaskClient:
    return client(cors_origins=f"{ORIGIN},http://localhost:3000")


def preflight(to: FlaskClient, path: str, origin: str = ORIGIN) -> TestResponse:
    return to.options(
        path,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )


@pytest.mark.parametrize("path", ["/cds-services", SERVICE, f"{SERVICE}/feedback"])
@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost:3000"])
def test_a_page_of_an_allowed_origin_may_ask_first(clinic: FlaskClient, path: str, origin: str) -> None:
    response = preflight(clinic, path, origin)
    assert (response.status_code, response.data) == (204, b"")
    assert response.headers["Access-Control-Allow-Origin"] == origin
    assert response.headers["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"
    assert response.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
    assert "Origin" in response.headers["Vary"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (SERVICE, None, 200),
        (SERVICE, b"{", 400),
        ("/cds-services/x", b"{}", 404),
        (f"{SERVICE}/feedback", REPORT, 200),
        (f"{SERVICE}/feedback", b"{}", 400),
        ("/cds-services/x/feedback", REPORT, 404),
    ],
)
def test_it_may_read_the_answer_also_when_it_is_an_error(
    clinic: FlaskClient, path: str, body: bytes | None, status: int
) -> None:
    sent = body if body is not None else EXAMPLE.read_bytes()
    response = clinic.post(path, data=sent, content_type="application/json", headers={"Origin": ORIGIN})
    assert response.status_code == status
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize("origin", ["https://evil.example.org", "https://sandbox.example.org.evil.org", "null"])
def test_a_page_of_any_other_origin_may_not(clinic: FlaskClient, origin: str) -> None:
    for response in (preflight(clinic, SERVICE, origin), post(clinic, b"{", headers={"Origin": origin})):
        assert "Access-Control-Allow-Origin" not in response.headers
        assert "Origin" in response.headers["Vary"]


def test_by_default_no_page_of_another_origin_may() -> None:
    assert "Access-Control-Allow-Origin" not in preflight(client(), SERVICE).headers


def test_pages_for_people_are_for_this_origin_only(clinic: FlaskClient) -> None:
    assert "Access-Control-Allow-Origin" not in clinic.get("/", headers={"Origin": ORIGIN}).headers


@pytest.mark.parametrize("path", ["/", "/rules", "/cds-services", "/health/live", "/nowhere", SERVICE])
def test_every_answer_tells_the_browser_to_be_careful(clinic: FlaskClient, path: str) -> None:
    headers = clinic.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]

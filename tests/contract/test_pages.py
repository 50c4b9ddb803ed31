"""The pages for people: what runs here, the rules beside their sources, nothing from elsewhere."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient

from rules.catalogue import CERTAINTY
from rules.knowledge_base import load_knowledge
from rules.sign_offs import NOT_SIGNED_OFF
from service import words
from tests.contract.calls import client, refused

KNOWLEDGE = load_knowledge()
PAGES = ["/", "/rules", *(f"/rules/{rule.id}" for rule in KNOWLEDGE.rules)]
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
VOID = {"meta", "link", "br", "img", "hr", "input"}


@pytest.fixture(scope="module")
def clinic() -> FlaskClient:
    return client()


class Page(HTMLParser):
    """The outline of a page: its tags in order, and a complaint for each that is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def shown(clinic: FlaskClient, path: str) -> str:
    response = clinic.get(path, headers=BROWSER)
    assert response.status_code == 200
    assert response.mimetype == "text/html"
    return response.text


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_well_formed_and_can_be_read_by_everyone(clinic: FlaskClient, path: str) -> None:
    page = Page(shown(clinic, path))
    assert page.open == []
    assert page.named("html") == [{"lang": "en"}]
    assert len(page.named("h1")) == 1
    assert len(page.named("main")) == 1
    assert page.named("title")
    assert all(cell["scope"] for cell in page.named("th"))
    assert len(page.named("caption")) == len(page.named("table"))


@pytest.mark.parametrize("path", PAGES)
def test_no_page_needs_anything_from_elsewhere_or_runs_a_script(clinic: FlaskClient, path: str) -> None:
    page = Page(shown(clinic, path))
    fetched = [*page.named("link"), *page.named("img"), *page.named("script")]
    for one in fetched:
        url = one.get("href") or one.get("src") or ""
        assert url.startswith("/static/")
        with clinic.get(url) as response:
            assert response.status_code == 200
    assert page.named("script") == []
    assert not any("style" in attributes for _, attributes in page.tags)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_that_nothing_is_signed_off(clinic: FlaskClient, path: str) -> None:
    assert "No physician has signed off the rules and thresholds" in shown(clinic, path)


@pytest.mark.parametrize("path", PAGES)
def test_every_link_within_leads_somewhere(clinic: FlaskClient, path: str) -> None:
    for link in Page(shown(clinic, path)).named("a"):
        url = link["href"] or ""
        if url.startswith("/"):
            assert clinic.get(url).status_code == 200


def test_the_first_page_says_what_runs_here(clinic: FlaskClient) -> None:
    text = shown(clinic, "/")
    assert KNOWLEDGE.version in text
    assert "FHIR R4 and R5" in text
    for hook in ("patient-view", "order-select", "order-sign"):
        assert f"/cds-services/denosumab-rebound-{hook}" in text
    assert "http://127.0.0.1:8080/cds-services/denosumab-rebound-patient-view" in text
    assert "five-fractures-ten-months-after-seven-doses.json" in text


def test_the_line_to_try_is_shown_only_where_it_would_work() -> None:
    assert "curl" not in shown(client(allow_as_of=False), "/")


def test_silent_mode_is_said(clinic: FlaskClient) -> None:
    assert "Silent mode." in shown(client(mode="silent"), "/")
    assert "Silent mode." not in shown(clinic, "/")


@pytest.mark.parametrize("rule", KNOWLEDGE.rules, ids=lambda rule: rule.id)
def test_the_page_of_a_rule_names_its_sources_and_links_to_them(clinic: FlaskClient, rule: object) -> None:
    entry = KNOWLEDGE.rule(rule.id)  # type: ignore[attr-defined]
    text = shown(clinic, f"/rules/{entry.id}")
    assert NOT_SIGNED_OFF in text
    links = {link["href"] for link in Page(text).named("a")}
    for citation in entry.citations:
        source = KNOWLEDGE.sources[citation.source]
        assert f"{source.id}: " in text
        assert not source.link or source.link in links


@pytest.mark.parametrize("rule", KNOWLEDGE.rules, ids=lambda rule: rule.id)
def test_the_page_of_a_rule_says_what_its_letters_mean(clinic: FlaskClient, rule: object) -> None:
    entry = KNOWLEDGE.rule(rule.id)  # type: ignore[attr-defined]
    text = shown(clinic, f"/rules/{entry.id}")
    kinds = words.strengths(entry.evidence_level)
    assert kinds
    assert "; ".join(kinds) in text
    for meaning in (*words.STRENGTHS.values(), *CERTAINTY.values()):
        assert f"<td>{meaning}</td>" in text


def test_a_program_that_asks_for_json_gets_the_same_as_json(clinic: FlaskClient) -> None:
    only = {"Accept": "application/json"}
    home = json.loads(clinic.get("/", headers=only).data)
    assert [one["id"] for one in home["services"]] == [f"denosumab-rebound-{one['hook']}" for one in home["services"]]
    assert len(home["services"]) == 8
    assert home["knowledgeVersion"] == KNOWLEDGE.version
    listed = json.loads(clinic.get("/rules", headers=only).data)
    assert json.loads(clinic.get("/rules/RVFX-01", headers=only).data) in listed


def test_a_rule_that_is_not_in_use_has_no_page(clinic: FlaskClient) -> None:
    refused(clinic.get("/rules/RVFX-99"), 404)
    refused(client(disabled_rules="RVFX-08").get("/rules/RVFX-08"), 404)


def test_a_person_who_is_lost_gets_a_page(clinic: FlaskClient) -> None:
    response = clinic.get("/nowhere", headers=BROWSER)
    assert (response.status_code, response.mimetype) == (404, "text/html")
    assert "There is nothing at this address." in response.text
    refused(clinic.get("/cds-services/x/y", headers=BROWSER), 404)


def test_whether_the_service_lives_and_answers_rightly(clinic: FlaskClient) -> None:
    assert clinic.get("/health/live").status_code == 200
    ready = json.loads(clinic.get("/health/ready").data)
    assert ready["ready"] is True
    assert ready["knowledgeVersion"] == KNOWLEDGE.version

"""The worklist as the quality team reads it: as a page on any screen and on paper, and as a table."""

from __future__ import annotations

import csv
import html
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from rules.knowledge_base import load_knowledge
from service.commands import main

RULES = {entry.id for entry in load_knowledge().rules}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("screened") / "out"
    run = CliRunner().invoke(main, ["screen", "fhir_fixtures/population", "--out", str(out), "--as-of", "2026-03-01"])
    assert run.exit_code == 0, run.output
    return out


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return (folder / "worklist.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "worklist.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_further_advice_has_a_line_that_begins_with_its_rules(table: list[dict[str, str]]) -> None:
    lines = [line for row in table for line in row["further"].splitlines()]
    assert lines
    for line in lines:
        rules, _, advice = line.partition(": ")
        assert set(rules.split(", ")) <= RULES
        assert advice


def test_every_rule_of_a_patient_is_named_beside_what_it_says(table: list[dict[str, str]]) -> None:
    for row in table:
        named = {rule for line in row["further"].splitlines() for rule in line.partition(": ")[0].split(", ")}
        assert named <= set(row["rules"].split())
        assert row["rules"].split()[0] not in named


def test_the_page_has_a_row_for_every_patient_and_a_line_for_every_advice(
    page: str, table: list[dict[str, str]]
) -> None:
    assert [html.unescape(one) for one in re.findall(r'role="rowheader">([^<]+)<', page)] == [
        row["patient"] for row in table
    ]
    assert page.count("<li>") - page.count('<li><a class="badge') - 1 == sum(
        len(row["further"].splitlines()) for row in table
    )


def test_the_page_leads_from_each_urgency_to_its_patients(page: str, table: list[dict[str, str]]) -> None:
    for urgency in dict.fromkeys(row["urgency"] for row in table):
        number = sum(row["urgency"] == urgency for row in table)
        assert f'href="#{urgency}">{number} {urgency}</a>' in page
        assert f'id="{urgency}"' in page


def test_on_a_narrow_screen_a_patient_is_a_card_and_each_cell_says_what_it_is(page: str) -> None:
    assert "max-width: 56rem" in page
    rows = page.count('role="rowheader"')
    assert page.count('data-label="Denosumab"') == page.count('data-label="Vertebral fractures"') == rows


def test_on_paper_no_patient_is_torn_apart_and_each_has_a_box_to_tick(page: str) -> None:
    paper = page.partition("@media print")[2]
    assert "break-inside: avoid" in paper
    assert "\\2610" in paper


def test_a_day_that_has_passed_was_due(page: str) -> None:
    days = re.findall(r"next dose (was )?due (\d{4}-\d\d-\d\d)", page)
    assert days
    assert all(bool(was) is (day < "2026-03-01") for was, day in days)

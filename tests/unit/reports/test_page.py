"""Pages for terminals: nothing of a record can steer a terminal, and lines fit."""

from __future__ import annotations

import pytest

from service.reports.page import Page, fitting, printable, shortened


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("a\rb", "a\\x0db"),
        ("a\u009b31mb", "a\\x9b31mb"),
        ("L1\u202e1L", "L1\\u202e1L"),
        ("two\nlines", "two lines"),
        ("Müller T12 – 骨折", "Müller T12 – 骨折"),
    ],
)
def test_text_of_a_record_cannot_steer_the_terminal(hostile: str, shown: str) -> None:
    assert printable(hostile) == shown


def test_words_that_do_not_fit_go_on_under_the_first() -> None:
    page = Page(60)
    page.put("word " * 20, label="Label", indent=2, hang=10)
    assert page.lines[0].plain.startswith("  Label   word")
    assert all(line.plain.startswith(" " * 10 + "word") for line in page.lines[1:])
    assert all(line.cell_len <= 60 for line in page.lines)


def test_a_reference_that_does_not_fit_stays_whole() -> None:
    page = Page(40)
    page.put("Condition/1, Observation/25-hydroxyvitamin-d-2026-02-23, Condition/2", hang=16)
    assert [line.plain.strip() for line in page.lines] == [
        "Condition/1,",
        "Observation/25-hydroxyvitamin-d-2026-02-23,",
        "Condition/2",
    ]


def test_a_label_too_long_for_its_column_gets_a_line_of_its_own() -> None:
    page = Page(60)
    page.put("body", label="a label that is long", indent=2, hang=10)
    assert [line.plain for line in page.lines] == ["  a label that is long", "          body"]


def test_square_brackets_of_a_record_are_not_taken_for_style() -> None:
    page = Page(60)
    page.put("[bold]x[/bold] [red]")
    assert page.plain() == "[bold]x[/bold] [red]\n"


def test_what_is_cut_ends_in_an_ellipsis() -> None:
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdefg", 6) == "abcde…"
    assert shortened("abcdefg", 6, "...") == "abc..."


def test_a_page_is_never_too_narrow_or_too_wide_to_read() -> None:
    assert [fitting(columns) for columns in (20, 100, 500)] == [40, 100, 120]

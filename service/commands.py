"""The command line `reboundwatch`: assess and explain records on file, show the rules."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, NoReturn, TypeVar

import click

from rules import catalogue
from rules.knowledge_base import Knowledge
from rules.reasoning.errors import KnowledgeError
from service.cds_hooks.hooks import HOOKS
from service.command_endings import Commands
from service.command_types import AS_OF, Refused
from service.configuration import check_configuration
from service.database_commands import database, feedback
from service.deployment import site_assessor, site_cards, site_knowledge
from service.record_run import RecordRun
from service.reports import fhir_report, json_report
from service.reports.course_picture import glyphs_for
from service.reports.explain_report import Explained, write_explanation
from service.reports.page import Page
from service.reports.rules_report import write_rules
from service.reports.terminal import width, write_lines
from service.reports.text_report import write_assessment
from service.screening_command import screen
from service.serving import serve
from service.settings import Settings, SettingsError, read_settings
from service.submission import DEFAULT_HOOK
from service.token_check import check_token
from service.version import KNOWLEDGE_VERSION, SOFTWARE_VERSION

_Made = TypeVar("_Made")
_VERSION = f"{SOFTWARE_VERSION}, knowledge {KNOWLEDGE_VERSION}"


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(_VERSION, "--version", message="ReboundWatch %(version)s")
def main() -> None:
    """Decision support for stopped or delayed denosumab and the vertebral fractures that may follow.

    \b
    Examples:
      reboundwatch assess patient.json
      reboundwatch explain patient.json --as-of 2026-03-01
      reboundwatch rules --format markdown

    Exit status: 0 done; 1 done, but something could not be read (named on standard error); 2 nothing could be done;
    130 interrupted.
    """


_files = click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(allow_dash=True, readable=False)
)


@main.command(short_help="Assess the record of each patient in FILE.")
@_files
@AS_OF
@click.option(
    "--hook",
    type=click.Choice(list(HOOKS)),
    metavar="NAME",
    help=f"Which hook to answer: {', '.join(HOOKS)}. Default: that of a hook request, else {DEFAULT_HOOK}.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "fhir"]),
    default="text",
    show_default=True,
    help="text for readers; json: one object a line; fhir: a Bundle of GuidanceResponse (R4) a line.",
)
def assess(files: Sequence[str], as_of: date | None, hook: str | None, form: str) -> None:
    """Assess the record of each patient in FILE.

    FILE is a Bundle of any type, a single resource, NDJSON, a whole CDS Hooks request, a folder, or - for standard
    input; plain or gzip. Each JSON file is read by itself; the NDJSON files of one folder are read together. In a
    folder, other files are passed over.

    A hook request brings its own hook, draft orders and day. With --hook order-select or order-sign, resources of
    status draft in any other record count as the orders being written.

    \b
    Examples:
      reboundwatch assess patient.json
      reboundwatch assess fhir_fixtures/patients --as-of 2026-03-01
      reboundwatch assess request.json --format json
      reboundwatch assess chart.json --hook order-sign
      curl -s "$FHIR/Patient/1/\\$everything" | reboundwatch assess -
    """
    run = _run(as_of, hook)
    maker = site_cards(_settings(), run.assessor.knowledge)
    for name, evaluation in run.evaluations(files, all_hooks=False):
        if form == "text":
            page = Page(width())
            write_assessment(page, evaluation, name)
            page.gap()
            write_lines(sys.stdout, page.lines)
        elif form == "json":
            _json(json_report.assessment(evaluation, maker.cards(evaluation)))
        else:
            _json(fhir_report.assessment(evaluation))
    raise SystemExit(run.status)


def _json(value: dict[str, Any]) -> None:
    sys.stdout.write(f"{json_report.json_line(value)}\n")
    sys.stdout.flush()


def _run(as_of: date | None, hook: str | None) -> RecordRun:
    assessor = _set_up(site_assessor)
    return RecordRun(assessor, date.today(), as_of, hook, sys.stdin.buffer)


def _settings() -> Settings:
    try:
        return read_settings()
    except SettingsError as error:
        raise Refused(str(error)) from None


def _knowledge() -> Knowledge:
    return _set_up(site_knowledge)


def _set_up(make: Callable[[Settings], _Made]) -> _Made:
    """What a command works with, as the site set it."""
    try:
        return make(_settings())
    except KnowledgeError as error:
        raise Refused(str(error)) from None


@main.command(short_help="Show how each assessment comes about.")
@_files
@AS_OF
def explain(files: Sequence[str], as_of: date | None) -> None:
    """Show on one screen how the assessment of each patient in FILE comes about.

    The course of doses along a line of time, the fractures and their class, the rules that fired with evidence and
    sources, those that stayed silent with the condition that was missing, and what could not be read. FILE is as for
    assess; rules of every hook are shown.

    \b
    Examples:
      reboundwatch explain patient.json
      reboundwatch explain patient.json --as-of 2026-03-01 | less -R
    """
    run = _run(as_of, None)
    knowledge = run.assessor.knowledge
    glyphs = glyphs_for(sys.stdout.encoding)
    for name, evaluation in run.evaluations(files, all_hooks=True):
        page = Page(width())
        explained = Explained(
            name=name,
            evaluation=evaluation,
            silences=run.assessor.silences(evaluation),
            rules=knowledge.rules,
            sources=knowledge.sources,
            limits=knowledge.limits,
        )
        write_explanation(page, explained, glyphs)
        page.gap()
        write_lines(sys.stdout, page.lines)
    raise SystemExit(run.status)


@main.command(short_help="List the rules, their evidence and sources.")
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
def rules(form: str) -> None:
    """List the rules with what they say, how strong the evidence is, and its sources.

    Each rule says whether a physician has signed it off (setting REBOUNDWATCH_SIGN_OFFS_FILE).
    """
    knowledge = _knowledge()
    if form == "json":
        click.echo(json.dumps(catalogue.as_data(knowledge), ensure_ascii=False, indent=2))
    elif form == "markdown":
        click.echo(catalogue.as_markdown(knowledge), nl=False)
    else:
        page = Page(width())
        write_rules(page, knowledge)
        write_lines(sys.stdout, page.lines)


@main.command("serve", short_help="Serve CDS Hooks, and pages for people.")
@click.option("--host", metavar="ADDRESS", help="Address to listen on; default REBOUNDWATCH_HOST, else 127.0.0.1.")
@click.option("--port", type=int, metavar="PORT", help="Port to listen on; default REBOUNDWATCH_PORT, else 8080.")
@click.option("--workers", type=int, metavar="N", help="Worker processes; default one a processor, at least two.")
def serve_hooks(host: str | None, port: int | None, workers: int | None) -> NoReturn:
    """Serve CDS Hooks and the pages for people, with the production settings of gunicorn.

    \b
    Examples:
      REBOUNDWATCH_AUTH=off reboundwatch serve
      REBOUNDWATCH_AUTH=off reboundwatch serve --port 9000 --workers 4
    """
    try:
        serve(host=host, port=port, workers=workers)
    except SettingsError as error:
        raise Refused(str(error)) from None


@main.command("check-config", short_help="Say what is set, what is unsafe, what cannot be reached.")
def check_config() -> None:
    """Say what is set, what is unsafe, and what cannot be reached.

    Exit status: 0 ready to serve; 1 it would serve, but something is unwise; 2 it would not serve.
    """
    report = check_configuration(date.today())
    click.echo("\n".join(report.lines))
    raise SystemExit(report.status)


main.add_command(check_token)
main.add_command(database)
main.add_command(feedback)
main.add_command(screen)

"""The command `check-config`: what is set, what is unsafe, what cannot be reached."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import SecretStr

from rules.reasoning.errors import KnowledgeError
from service import canary
from service.cds_hooks.problems import Problem
from service.clients import ClientsError
from service.deployment import deploy
from service.safety import cautions, refusals
from service.serving import listen
from service.settings import Settings, SettingsError, read_settings, variable
from service.storage.findings import findings

READY, UNWISE, NOT_SERVED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Report:
    """The lines to print and the exit status."""

    lines: list[str]
    status: int


def check_configuration() -> Report:
    """Read the settings, try everything that they name, and report."""
    try:
        settings = read_settings()
    except SettingsError as error:
        return Report([*_section("Cannot be used", error.sentences), "Nothing would be served."], NOT_SERVED)
    kept = findings(settings)
    refused = list(dict.fromkeys([*refusals(settings), *_unreachable(settings), *kept.refused]))
    unwise = [*cautions(settings), *kept.unwise]
    lines = list(_settings(settings))
    lines += _section("Stands in the way", refused)
    lines += _section("Unwise where patients are treated", unwise)
    if refused:
        return Report([*lines, "Nothing would be served."], NOT_SERVED)
    return Report([*lines, "Ready to serve."], UNWISE if unwise else READY)


def _section(title: str, sentences: list[str]) -> list[str]:
    return [f"{title}:", *(f"  {sentence}" for sentence in sentences), ""] if sentences else []


def _settings(settings: Settings) -> Iterator[str]:
    yield "Settings:"
    for field in Settings.model_fields:
        origin = "set" if field in settings.model_fields_set else "default"
        yield f"  {variable(field):<38} {_shown(getattr(settings, field)):<28} {origin}"
    yield ""


def _shown(value: object) -> str:
    match value:
        case None | ():
            return "-"
        case bool():
            return "1" if value else "0"
        case SecretStr():
            return "(hidden)"
        case tuple():
            return ",".join(str(one) for one in value)
        case _:
            return str(value)


def _unreachable(settings: Settings) -> Iterator[str]:
    """What the settings name and what cannot be had."""
    try:
        canary.check(deploy(settings))
    except (KnowledgeError, Problem) as error:
        yield str(error)
    except ClientsError as error:
        yield from error.sentences
    try:
        listen(settings.host, settings.port)
    except OSError as error:
        # In use, most likely by the service that is being checked: nothing wrong.
        if error.errno != errno.EADDRINUSE:
            yield f"cannot listen on {settings.host} port {settings.port}: {error.strerror or error}"

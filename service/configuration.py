"""The command `check-config`: what is set, what is unsafe, what cannot be reached."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from pydantic import SecretStr

from rules.reasoning.errors import KnowledgeError
from service import canary
from service.cds_hooks.problems import Problem
from service.clients import ClientsError
from service.deployment import Deployment, deploy
from service.safety import cautions, refusals
from service.serving import listen
from service.settings import Settings, SettingsError, read_settings, variable
from service.site import site_cautions, site_words
from service.storage.findings import findings

READY, UNWISE, NOT_SERVED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Report:
    """The lines to print and the exit status."""

    lines: list[str]
    status: int


def check_configuration(today: date) -> Report:
    """Read the settings, try everything that they name, and report."""
    try:
        settings = read_settings()
    except SettingsError as error:
        return Report([*_section("Cannot be used", error.sentences), "Nothing would be served."], NOT_SERVED)
    deployment, faults = _deployed(settings)
    kept = findings(settings)
    refused = list(dict.fromkeys([*refusals(settings), *faults, *_unreachable(settings), *kept.refused]))
    unwise = [*cautions(settings), *kept.unwise]
    lines = _settings(settings)
    if deployment is not None:
        unwise += site_cautions(deployment.knowledge, today)
        lines += _section("This site", [f"{name:<14} {said}".rstrip() for name, said in site_words(deployment)])
    lines += _section("Stands in the way", refused)
    lines += _section("Unwise where patients are treated", unwise)
    if refused:
        return Report([*lines, "Nothing would be served."], NOT_SERVED)
    return Report([*lines, "Ready to serve."], UNWISE if unwise else READY)


def _section(title: str, sentences: list[str]) -> list[str]:
    return [f"{title}:", *(f"  {sentence}" for sentence in sentences), ""] if sentences else []


def _settings(settings: Settings) -> list[str]:
    ours = [field for field in Settings.model_fields if field in settings.model_fields_set]
    lines = [f"{variable(field):<38} {_shown(getattr(settings, field))}" for field in ours]
    usual = [
        f"{variable(field):<38} {_shown(info.default, secret=False)}"
        for field, info in Settings.model_fields.items()
        if field not in ours
    ]
    return [*_section("Set", lines or ["nothing"]), *_section("Default", usual)]


def _shown(value: object, secret: bool = True) -> str:
    match value:
        case None | ():
            return "-"
        case bool():
            return "1" if value else "0"
        case SecretStr():
            return "(hidden)" if secret else value.get_secret_value()
        case tuple():
            return ",".join(str(one) for one in value)
        case _:
            return str(value)


def _deployed(settings: Settings) -> tuple[Deployment | None, list[str]]:
    """What would answer, as far as it can be built, and what is wrong with it."""
    try:
        deployment = deploy(settings)
    except KnowledgeError as error:
        return None, [str(error)]
    except ClientsError as error:
        return None, error.sentences
    try:
        canary.check(deployment)
    except Problem as error:
        return deployment, [str(error)]
    return deployment, []


def _unreachable(settings: Settings) -> Iterator[str]:
    try:
        listen(settings.host, settings.port)
    except OSError as error:
        # In use, most likely by the service that is being checked: nothing wrong.
        if error.errno != errno.EADDRINUSE:
            yield f"cannot listen on {settings.host} port {settings.port}: {error.strerror or error}"

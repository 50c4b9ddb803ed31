"""The command `serve`: check what can be known before, say where to look, then become gunicorn."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from rules.knowledge_base import Knowledge
from rules.reasoning.errors import KnowledgeError
from service.deployment import site_knowledge
from service.safety import cautions, refusals
from service.settings import Settings, SettingsError, read_settings, variable
from service.version import SOFTWARE_VERSION
from service.web.example import curl_line

_GUNICORN = Path(__file__).with_name("gunicorn.conf.py")


def serve(**options: object) -> NoReturn:
    """Serve with the settings, those of `options` that are not None going first; does not come back.

    Raises:
        SettingsError: a setting cannot be used, may not be served or does not fit the knowledge, or the port is taken.
    """
    # The environment carries them over to gunicorn, which reads the settings for itself.
    os.environ.update({variable(name): str(value) for name, value in options.items() if value is not None})
    settings = read_settings()
    if found := refusals(settings):
        raise SettingsError(found)
    try:
        knowledge = site_knowledge(settings)
    except KnowledgeError as error:
        raise SettingsError([str(error)]) from None
    try:
        listen(settings.host, settings.port)
    except OSError as error:
        raise SettingsError([_taken(settings, error)]) from None
    sys.stdout.write(_greeting(settings, knowledge))
    sys.stdout.flush()
    sys.stderr.writelines(f"caution: {one}\n" for one in cautions(settings))
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", "-c", str(_GUNICORN)])


def listen(host: str, port: int) -> None:
    """Listen there, as gunicorn will, and let go at once.

    Raises:
        OSError: the port is taken, or the address is none of this machine.
    """
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        probe.listen(1)


def _taken(settings: Settings, error: OSError) -> str:
    where = f"{settings.host} port {settings.port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is taken by another process: end that, or name another port in {variable('port')}"
    return f"cannot listen on {where} ({error.strerror or error}): see {variable('host')} and {variable('port')}"


def _greeting(settings: Settings, knowledge: Knowledge) -> str:
    base = settings.base_url or f"http://{settings.host}:{settings.port}"
    places: Mapping[str, str] = {"What runs here": "/", "Rules": "/rules", "Discovery": "/cds-services"}
    lines = [f"ReboundWatch {SOFTWARE_VERSION}, knowledge {knowledge.version}, {len(knowledge.rules)} rules"]
    lines += [f"  {name:<16} {base}{path}" for name, path in places.items()]
    if settings.allow_as_of:
        lines += ["", "A critical card, from a checkout of the project:", "", f"  {curl_line(base)}"]
    return "\n".join(lines) + "\n\n"

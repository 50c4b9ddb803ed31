"""How a line of the log looks: one JSON object, or text for people; an error without its message, which may quote."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import msgspec

from service.observation.failures import kinds_and_places

FIELDS = "fields"
"""The attribute of a record, given as `extra`, whose members stand in the JSON object beside the message."""

_QUOTES = "Invalid request from ip="
"""How gunicorn begins a line that goes on to quote a request it could not read."""


def message(record: logging.LogRecord) -> str:
    """The words of a record: without arguments or error message where they would repeat what somebody sent."""
    if record.exc_info and record.exc_info[1] is not None:
        # gunicorn puts the address of the request into such a line, and Python the message of the error.
        said = record.msg if isinstance(record.msg, str) else "error"
        return f"{said.replace(' %s', '')}: {kinds_and_places(record.exc_info[1])}"
    said = record.getMessage()
    return "a request that is no HTTP was refused" if said.startswith(_QUOTES) else said


class TextLines(logging.Formatter):
    """One line of text a record."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, process, level, name, message."""
        return f"{_time(record)} {record.process} {record.levelname} {record.name} {message(record)}"


class JsonLines(logging.Formatter):
    """One JSON object a line, for whatever collects logs."""

    def format(self, record: logging.LogRecord) -> str:
        """Members `time` (RFC 3339, UTC), `level`, `logger`, `process`, `message`, and the fields of the record."""
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": message(record),
        }
        line.update(getattr(record, FIELDS, {}))
        return msgspec.json.encode(line, enc_hook=str).decode()


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def log_configuration(form: str, level: str) -> dict[str, Any]:
    """What `logging.config.dictConfig` takes; `form` is "json" or "text", `level` holds for our own lines."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": JsonLines if form == "json" else TextLines}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {
            "service": {"level": level.upper()},
            # At debug gunicorn would write its whole environment, secrets included.
            "gunicorn.error": {"level": "INFO" if level == "debug" else level.upper(), "propagate": True},
            # Its lines hold addresses as they were sent; service.web.access_log writes one a request instead.
            "gunicorn.access": {"level": "CRITICAL", "propagate": False},
        },
    }

"""How a command ends whatever becomes of its streams: in one line and an exit status, never in a traceback."""

from __future__ import annotations

import codecs
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import Any

import click

from service.record_run import NOTHING_DONE

DONE, INTERRUPTED = 0, 130


class Commands(click.Group):
    """A group of commands that end so."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command that was named, on streams that can be read and written."""
        open_closed_streams()
        escape_what_cannot_be_written()
        return super().main(*args, **extra)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Read the arguments; `--help` is answered here."""
        with _ended():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Do what was asked."""
        with _ended():
            return super().invoke(ctx)


@contextmanager
def _ended() -> Iterator[None]:
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        raise SystemExit(INTERRUPTED) from None
    except OSError as error:
        _write_no_more()
        if error.errno == errno.EPIPE:
            # The reader has what it wanted (`| head`).
            raise SystemExit(DONE) from None
        what = f"{error.filename} cannot be read or written" if error.filename else "the output cannot be written"
        with suppress(OSError):
            click.echo(f"Error: {what}: {error.strerror or error}", err=True)
        raise SystemExit(NOTHING_DONE) from None


def _write_no_more() -> None:
    """Python flushes standard output once more when it ends; that must not fail again."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def open_closed_streams() -> None:
    """Give a process that was started without one of its standard streams (`>&-`) an empty one.

    Without that, the next file that is opened would take its number, and be written to in its place.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def escape_what_cannot_be_written() -> None:
    """Write a character that the encoding of a stream lacks as JSON would: as \\u00e9; a record may hold any."""
    codecs.register_error("json_escapes", _as_json)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="json_escapes")


def _as_json(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)), error.end

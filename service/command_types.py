"""What people write on the command line, and what they are told when nothing comes of it."""

from __future__ import annotations

from datetime import date
from typing import Any

import click

from service.as_of import day
from service.record_run import NOTHING_DONE


class Refused(click.ClickException):
    """Nothing can be done: what was asked, or what is set, does not hold."""

    exit_code = NOTHING_DONE


class Day(click.ParamType[date]):
    """A calendar day."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The day that a user wrote."""
        if isinstance(value, date):
            return value
        try:
            return day(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


AS_OF = click.option("--as-of", type=Day(), metavar="DATE", help="Assess as on this day (2026-03-01); default today.")
"""The day of the evaluation; None when none was named."""

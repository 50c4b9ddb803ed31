"""The command `check-token`: whether a token would be let in, check by check, without using it up or printing it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import click

from service.cds_hooks.callers import PATH
from service.cds_hooks.keys import Keys, KeysUnavailable
from service.cds_hooks.tokens import Examination
from service.clients import Clients, ClientsError, read_clients
from service.settings import SettingsError, read_settings

PASSES, REFUSED, NOTHING_DONE = 0, 1, 2
_FEEDBACK = "/feedback"


class _Impossible(click.ClickException):
    """The token cannot be judged here."""

    exit_code = NOTHING_DONE


class Moment(click.ParamType[datetime]):
    """A day and time with its offset from UTC."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The moment that a user wrote; without an offset it is in UTC."""
        if isinstance(value, datetime):
            return value
        try:
            read = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail("must be a time such as 2026-03-01T12:00:00Z", param, ctx)
        return read if read.tzinfo else read.replace(tzinfo=UTC)


@click.command("check-token", short_help="Say whether a client's TOKEN would be let in, and why not.")
@click.argument("token", default="-")
@click.option("--endpoint", required=True, metavar="URL", help="The address that is called, as clients reach it.")
@click.option("--at", type=Moment(), metavar="TIME", help="Judge as at this time (2026-03-01T12:00:00Z); default now.")
def check_token(token: str, endpoint: str, at: datetime | None) -> None:
    """Say whether a client's TOKEN would be let in, check by check, and why not.

    TOKEN is the token itself, with or without the word Bearer, or - for standard input, where no list of processes
    shows it. It is judged by the settings and the registry of clients, also while AUTH=off; its keys are fetched if the
    registry says so. It is not printed and not used up; whether it was used before is not looked at.

    \b
    Examples:
      reboundwatch check-token - --endpoint https://cds.example.org/cds-services < token
      reboundwatch check-token - --endpoint https://cds.example.org/cds-services --at 2026-03-01T12:00:00Z < token

    Exit status: 0 it would be let in; 1 it would be refused; 2 nothing could be done.
    """
    clients = _clients(endpoint)
    given = (sys.stdin.read() if token == "-" else token).strip()
    if given[:7].lower() == "bearer ":
        given = given[7:].strip()
    if not given:
        raise _Impossible("There is no token.")
    # Feedback answers to two addresses, like the endpoint itself.
    endpoints = {endpoint, endpoint.removesuffix("/").removesuffix(_FEEDBACK)}
    examined = Examination(given, endpoints, at or datetime.now(UTC))
    refused = False
    try:
        for finding in examined.findings(clients, Keys(clients.clients)):
            refused |= bool(finding.fault)
            click.echo(f"{'no ' if finding.fault else 'ok '} {finding.check:<12} {finding.fault}".rstrip())
    except KeysUnavailable as error:
        raise _Impossible(f"The token cannot be judged: {error}.") from None
    if not refused:
        click.echo("-   replay       not looked at; the token stays unused")
    click.echo("It would be refused." if refused else f"It would be let in as {'; '.join(_who(examined))}.")
    raise SystemExit(REFUSED if refused else PASSES)


def _clients(endpoint: str) -> Clients:
    """The registry of a deployment that has such an endpoint."""
    try:
        settings = read_settings()
        clients = read_clients(settings.clients_file)
    except (SettingsError, ClientsError) as error:
        raise _Impossible(str(error)) from None
    if not clients.clients:
        raise _Impossible("No client is registered: REBOUNDWATCH_CLIENTS_FILE names none.")
    discovery = f"{settings.base_url}{PATH}"
    if not settings.base_url or not f"{endpoint}/".startswith(f"{discovery}/"):
        known = (
            f"{discovery} or an address below it" if settings.base_url else "known: set REBOUNDWATCH_PUBLIC_BASE_URL"
        )
        raise _Impossible(f"--endpoint is no address of this deployment; it must be {known}.")
    return clients


def _who(examined: Examination) -> Iterator[str]:
    if examined.client is not None:
        yield examined.client.name
    if examined.claims.get("tenant") is not None:
        yield f"tenant {examined.claims['tenant']}"

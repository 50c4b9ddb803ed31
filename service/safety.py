"""What may not be served with the settings as they are, and what may but is not safe, each in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

from service.clients import Clients, ClientsError, open_addresses, read_clients
from service.settings import Settings, is_loopback


def refusals(settings: Settings, host: str | None = None) -> list[str]:
    """Why nothing may be served on `host` (by default the one that is set); empty when it may."""
    host = host or settings.host
    open_to_others = not is_loopback(host)
    found = []
    try:
        clients = read_clients(settings.clients_file)
    except ClientsError as error:
        found += error.sentences
    else:
        if settings.auth == "required":
            found += _without_callers(settings, clients)
    if settings.auth == "off" and open_to_others and not settings.auth_off_i_understand:
        found.append(
            f"REBOUNDWATCH_AUTH=off is refused on {host}, which other machines reach. Listen on 127.0.0.1, or set "
            "REBOUNDWATCH_AUTH_OFF_I_UNDERSTAND=1 when something in front checks who calls."
        )
    found += _without_pseudonyms(settings)
    if settings.allow_as_of and (open_to_others or settings.auth == "required"):
        found.append(
            "REBOUNDWATCH_ALLOW_AS_OF=1 is refused with AUTH=required and on an address that other machines reach: "
            "whoever calls could move the day of evaluation."
        )
    return found


def _without_callers(settings: Settings, clients: Clients) -> Iterator[str]:
    """Why nobody could prove who calls."""
    if settings.public_base_url is None:
        yield (
            "REBOUNDWATCH_AUTH is required, and REBOUNDWATCH_PUBLIC_BASE_URL is not set: a token must name the address "
            "that it is for, as clients reach it."
        )
    if not clients.clients:
        yield (
            "REBOUNDWATCH_AUTH is required, and no client is registered in REBOUNDWATCH_CLIENTS_FILE: nobody could "
            "call. To serve this machine only and without tokens, set REBOUNDWATCH_AUTH=off."
        )


def _without_pseudonyms(settings: Settings) -> Iterator[str]:
    """Why patients could not be recorded under pseudonyms."""
    if settings.pseudonym_key is None and not settings.keeps_a_file:
        yield (
            "REBOUNDWATCH_PSEUDONYM_KEY is not set: all nodes on one PostgreSQL must share a secret that turns "
            "patient ids into pseudonyms."
        )


def cautions(settings: Settings) -> Iterator[str]:
    """What is allowed and yet not as it should be where patients are treated."""
    if settings.auth == "off" and not settings.loopback and settings.auth_off_i_understand:
        yield f"AUTH=off on {settings.host}: whoever reaches it can ask; something in front must check who calls."
    if settings.allow_as_of:
        yield "ALLOW_AS_OF=1: callers name the day of evaluation; for demonstrations only."
    if settings.verify == "never":
        yield "VERIFY=never: the rule engine runs without its second opinion."
    if not settings.base_url:
        yield "PUBLIC_BASE_URL is not set: cards cannot link to the pages of the rules."
    elif _is_open_http(settings.base_url):
        yield "PUBLIC_BASE_URL is http: patients' data must travel over https."
    if any(_is_open_http(origin) for origin in settings.cors_origins):
        yield "CORS_ORIGINS allows a page that is loaded over http."
    with suppress(ClientsError):  # which is a refusal, and said there
        for name in open_addresses(read_clients(settings.clients_file)):
            yield f"CLIENTS_FILE: the keys of {name} are fetched over http; whoever is on the way can put in others."
    if settings.auth == "required" and settings.discovery_auth == "off":
        yield "DISCOVERY_AUTH=off: whoever reaches the service can read which services there are."
    if settings.mode == "silent":
        yield "MODE=silent: no clinician sees a card."


def _is_open_http(address: str) -> bool:
    """Whether an address is reached over a network without encryption."""
    url = urlsplit(address)
    return url.scheme == "http" and not is_loopback(url.hostname or "")

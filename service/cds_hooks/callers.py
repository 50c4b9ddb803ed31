"""The caller of the request at hand, by the addresses that its endpoint has in public, whatever Host it was sent to."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g, request

from service.cds_hooks.trust import Caller, NoTrust, Replays, Trust
from service.clients import Clients
from service.settings import Settings, SettingsError

PATH = "/cds-services"


@dataclass(frozen=True, slots=True)
class Callers:
    """Asks each request for its caller; the answer also stands in `flask.g.caller`.

    Every method raises `Unauthorized` and `Unchecked` like `Trust.caller`.
    """

    trust: Trust | NoTrust
    trust_discovery: Trust | NoTrust
    base_url: str

    @property
    def discovery_is_open(self) -> bool:
        """Whether discovery says the same to everybody."""
        return isinstance(self.trust_discovery, NoTrust)

    def of_discovery(self) -> Caller:
        """The caller of discovery."""
        return self._caller(self.trust_discovery, "")

    def of_service(self, service_id: str) -> Caller:
        """The caller of a service, whether or not there is one of that id."""
        return self._caller(self.trust, f"/{service_id}")

    def of_feedback(self, service_id: str) -> Caller:
        """The caller of a service's feedback; clients differ in which of the two addresses they name."""
        return self._caller(self.trust, f"/{service_id}/feedback", f"/{service_id}")

    def _caller(self, trust: Trust | NoTrust, *paths: str) -> Caller:
        endpoints = (f"{self.base_url}{PATH}{path}" for path in paths)
        caller: Caller = trust.caller(request.headers.getlist("Authorization"), *endpoints)
        g.caller = caller
        return caller


def callers(settings: Settings, clients: Clients, replays: Replays | None) -> Callers:
    """Which of the registered `clients` may call with these settings; `replays` remembers the tokens that were used.

    Raises:
        SettingsError: AUTH=required, and the public address, every client or the memory of used tokens is missing.
    """
    nobody = NoTrust(clients)
    if settings.auth == "off":
        return Callers(nobody, nobody, settings.base_url)
    if settings.public_base_url is None or not clients.clients or replays is None:
        raise SettingsError(
            ["REBOUNDWATCH_AUTH=required needs a public address, registered clients and a memory of used tokens."]
        )
    trust = Trust(clients, replays)
    return Callers(trust, trust if settings.discovery_auth == "required" else nobody, settings.public_base_url)

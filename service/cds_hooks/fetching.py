"""Fetches what a hook request did not bring from the FHIR server that it names, as far as client and token allow."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from service.cds_hooks.parts import PATIENT, USUAL, Part, filled, medications_query
from service.cds_hooks.problems import BadRequest
from service.cds_hooks.requests import FhirAuthorization, HookRequest
from service.clients import Capabilities, FhirAccess
from service.fhir.addresses import Network, base_of, networks_of
from service.fhir.scopes import Permission, Scopes
from service.fhir.server import Came, FhirServers, Question, Trouble, Visit

MEDICATIONS_AT_ONCE = 100
"""How many drugs that a record refers to are fetched, in one search."""

_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*", re.ASCII)  # b64token of RFC 6750
_DRUGS = "drugs"


@dataclass(frozen=True, slots=True)
class Access:
    """What one client lets this service fetch.

    `bases` are its FHIR servers in the form of `addresses.base_of`, `queries` those for the whole record, by key.
    `seconds` and `max_bytes` bound all that is fetched for one call. `tolerated` are the codes of warnings that say
    nothing of the record.
    """

    servers: FhirServers
    bases: frozenset[str]
    networks: tuple[Network, ...]
    queries: Mapping[str, str]
    seconds: float
    max_bytes: int
    tolerated: Collection[str] = USUAL.tolerated_warnings

    @classmethod
    def of(
        cls,
        fhir: FhirAccess,
        capabilities: Capabilities,
        queries: Mapping[str, str],
        servers: FhirServers,
        *,
        seconds: float,
        max_bytes: int,
    ) -> Access:
        """What the registry says of a client."""
        bases = frozenset(base for one in fhir.servers if (base := base_of(one)) is not None)
        networks = networks_of(fhir.servers, fhir.private_networks)
        return cls(servers, bases, networks, queries, seconds, max_bytes, capabilities.tolerated_warnings)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of one part.

    `in_part` says that the token shows a part only, so that what is not in it may be there all the same.
    """

    data: bytes | None
    trouble: Trouble | None = None
    in_part: bool = False


class Fetch:
    """The right of one hook call to ask its FHIR server; the time runs from when it is made."""

    def __init__(self, request: HookRequest, access: Access) -> None:
        until = time.monotonic() + access.seconds
        base = base_of(request.server) if request.server is not None else None
        token = request.authorization
        self._request, self._access = request, access
        self.tolerated = access.tolerated
        self._scopes = _scopes(token, request.patient_id)
        self.obstacle: Trouble | None = None
        """Why nothing is asked at all."""
        if request.server is None:
            self.obstacle = Trouble.NO_SERVER
        elif base not in access.bases:
            self.obstacle = Trouble.NOT_A_SERVER
        elif token is not None and (token.expires_in <= 0 or not _TOKEN.fullmatch(token.access_token)):
            self.obstacle = Trouble.TOKEN
        self._visit = Visit(
            base or "", access.networks, token.access_token if token is not None else None, until, access.max_bytes
        )

    @property
    def base(self) -> str:
        """The FHIR server, in the form of `addresses.base_of`."""
        return self._visit.base

    def parts(self, wanted: Sequence[Part], first_pages: Mapping[str, bytes]) -> Mapping[str, Fetched]:
        """What came of each part, by key; where a first page is at hand, all pages from it on.

        Raises:
            BadRequest: the id of the patient cannot stand in an address.
        """
        if not self._request.patient_id.strip("."):
            raise BadRequest("is no id that a FHIR server can be asked for", "context.patientId")
        asked = []
        for part in wanted:
            query = filled(self._access.queries[part.key], self._request.patient_id)
            address = f"{self._visit.base}/{query}"
            asked.append(Question(part.key, part.resource, address, first_pages.get(part.key)))
        return self._answers(asked)

    def medications(self, ids: Sequence[str]) -> Fetched:
        """The drugs of these ids."""
        address = f"{self._visit.base}/{medications_query(ids[:MEDICATIONS_AT_ONCE])}"
        found = self._answers([Question(_DRUGS, "Medication", address)])[_DRUGS]
        if len(ids) > MEDICATIONS_AT_ONCE and found.trouble is None:
            return Fetched(found.data, Trouble.TOO_MUCH)
        return found

    def _answers(self, questions: Sequence[Question]) -> Mapping[str, Fetched]:
        if self.obstacle is not None:
            return {one.key: Fetched(None, self.obstacle) for one in questions}
        permitted = {one.key: self._permission(one) for one in questions}
        allowed = [one for one in questions if permitted[one.key] is not Permission.NONE]
        came = self._access.servers.ask(self._visit, allowed) if allowed else {}
        return {one.key: _fetched(came.get(one.key), permitted[one.key]) for one in questions}

    def _permission(self, question: Question) -> Permission:
        if self._scopes is None:
            return Permission.WHOLE
        way: Literal["read", "search"] = "read" if question.key == PATIENT.key else "search"
        return self._scopes.permission(question.kind, way)


def _fetched(came: Came | None, permission: Permission) -> Fetched:
    if came is None:
        return Fetched(None, Trouble.NOT_PERMITTED)
    return Fetched(came.data, came.trouble, permission is Permission.PART)


def _scopes(token: FhirAuthorization | None, patient_id: str) -> Scopes | None:
    """What a token lets be read; None without a token, for then the server alone decides."""
    if token is None:
        return None
    return Scopes(token.scope, patient_fits=token.patient in (None, patient_id))

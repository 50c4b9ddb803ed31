"""Plain documents, decoded in one pass: R4 resources of the kinds that are read, alone or in a Bundle.

Most documents are plain, and a large one is decoded five times as fast so. One that is not, for a malformed resource,
another version of FHIR or a kind that is not read, is read entry by entry (`documents`), which names what is wrong.
"""

from __future__ import annotations

from collections.abc import Container
from typing import TypeAlias, get_args

import msgspec

from service.fhir import resources_r4 as r4


class Coding(msgspec.Struct, gc=False):
    """A code of a server's own."""

    code: str = ""


class Details(msgspec.Struct, gc=False):
    """What an issue is about, in codes."""

    coding: list[Coding] = []


class Issue(msgspec.Struct, gc=False):
    """One thing that a server says of a query."""

    severity: str = ""
    details: Details | None = None

    def is_among(self, codes: Container[str]) -> bool:
        """Whether it is about one of these codes."""
        return self.details is not None and any(one.code in codes for one in self.details.coding)


class OperationOutcome(r4.Resource):
    """How a query went."""

    issue: list[Issue] = []


class Link(msgspec.Struct, gc=False):
    """Where more is found."""

    relation: str = ""


Read: TypeAlias = (
    r4.Patient
    | r4.Medication
    | r4.MedicationStatement
    | r4.MedicationRequest
    | r4.MedicationAdministration
    | r4.MedicationDispense
    | r4.Condition
    | r4.Procedure
    | r4.ServiceRequest
    | r4.Observation
    | r4.DiagnosticReport
    | r4.ImagingStudy
    | r4.AllergyIntolerance
    | r4.Encounter
    | r4.Appointment
    | r4.Claim
    | r4.ExplanationOfBenefit
)
"""A resource of the types that are read; all others are passed over."""

TYPES: dict[str, type[r4.Resource]] = {kind.__name__: kind for kind in get_args(Read)}


NOTHING = msgspec.Raw(b"")
"""A member that was not sent."""


class Response(msgspec.Struct, gc=False):
    """What came of one request of several that were sent together."""

    status: str = ""

    @property
    def failed(self) -> bool:
        """Whether it was refused, or the server failed."""
        return self.status.startswith(("4", "5"))


class Entry(msgspec.Struct, gc=False):
    """One resource of a Bundle, with its address; only what asks or answers may be without one."""

    fullUrl: str | None = None
    resource: Read | OperationOutcome | None = None
    response: Response | None = None
    request: msgspec.Raw = NOTHING

    @property
    def is_hollow(self) -> bool:
        """Whether nothing is in it."""
        return self.resource is None and self.response is None and self.request == NOTHING


class Bundle(r4.Resource):
    """Resources that were sent together; `total` is how many there are, on however many pages."""

    total: int | None = None
    link: list[Link] | None = None
    entry: list[Entry] | None = None


Plain: TypeAlias = Bundle | Read | OperationOutcome
"""A document that was decoded in one pass."""

_DECODER: msgspec.json.Decoder[Plain] = msgspec.json.Decoder(Plain)


def plain(data: bytes) -> Plain | None:
    """The document, when all of it is of the kinds that are read and nothing in it is malformed; else None."""
    try:
        return _DECODER.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None

"""What a document is, what was found in it, and what stays open because nobody could read it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

import msgspec

from rules.reasoning.timeline import Gap, Unusable
from service.fhir import resources_r4 as r4
from service.fhir.bundles import Plain


class UnreadableDocument(Exception):
    """A document that is no JSON, or holds no FHIR; the message names it and the reason, never its content."""

    def __init__(self, reason: str, document: str = "") -> None:
        super().__init__(f"{document}: {reason}" if document else reason)
        self.reason, self.document = reason, document


class Document(msgspec.Struct, frozen=True, gc=False):
    """One file or prefetched value under the name by which the user knows it.

    `draft` says that it holds orders still being written (the context of an order hook); `selected` names those that
    the call is about ("Type/id"), all of them when it is empty. `asked` says that whoever asked for it has judged
    already whether it is whole; else a further page or a failed query is named as a gap. `newer` says that it
    holds what is newer than the rest of the record, as drafts do and a problem just added. `decoded` is the document
    when it was decoded before (`bundles.plain`).
    """

    name: str
    data: bytes
    draft: bool = False
    selected: frozenset[str] = frozenset()
    asked: bool = False
    newer: bool = False
    decoded: Plain | None = None

    @property
    def prevails(self) -> bool:
        """Whether its resources count in place of the record's copies of them."""
        return self.draft or self.newer


class Item(msgspec.Struct, gc=False, eq=False):
    """One resource that is read, in the shape of R4, with the URL of its entry and the document it stands in.

    `sent` is what was sent, when its version has another shape.
    """

    resource: r4.Resource
    url: str
    document: Document
    version: str = "R4"
    sent: msgspec.Struct | None = None

    @property
    def source(self) -> str:
        """The name of its document."""
        return self.document.name

    @property
    def reference(self) -> str:
        """ "Type/id"."""
        return f"{self.resource.kind}/{self.resource.id or '?'}"


@dataclass(frozen=True, slots=True)
class Lost:
    """What nobody could read; `patient` ("Patient/1") is whom it names when it names one, else it may be anybody's."""

    unusable: Unusable
    patient: str | None = None


@dataclass(slots=True)
class Content:
    """What was found in documents: items that are read, what nobody could read, and what is not whole."""

    items: list[Item] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)


_PATIENT = re.compile(rb'"(?:[^"\s]{0,500}/)?(Patient/[A-Za-z0-9\-.]{1,64})(?:/_history/[^"\s]{1,64})?"')


def patient_named(raw: bytes | msgspec.Raw) -> str | None:
    """The one patient ("Patient/1") whom a record that cannot be read names; None when it names none or several."""
    named = set(_PATIENT.findall(raw))
    return named.pop().decode() if len(named) == 1 else None


_MAY_BE_DRUG = ("Medication", "Procedure", "Claim", "ExplanationOfBenefit")
"""How the types of resources begin that tell of an injection."""


def gaps_of(lost: Iterable[Unusable], used: Collection[str] = ()) -> list[Gap]:
    """The gaps that unreadable records leave, one a source: of what nobody could read nothing may be concluded.

    A record whose type is not known, as every one of a file that is lost, may be any: a dose, a stop, a fracture.
    `used` are the sources of which something could be used.
    """
    sources: dict[str, list[Unusable]] = {}
    for one in lost:
        sources.setdefault(one.source, []).append(one)
    return [replace(_gap(source, records), nothing=source not in used) for source, records in sources.items()]


def _gap(source: str, lost: list[Unusable]) -> Gap:
    if whole := next((one for one in lost if not one.reference and not one.element), None):
        return Gap(source, f"{whole.reason}; any record may be missing", drugs=True)
    kinds = sorted({one.reference.partition("/")[0] for one in lost})
    said = "holds records that could not be read"
    if "" in kinds:
        return Gap(source, f"{said}; they may be any", drugs=True)
    return Gap(source, f"{said}: {', '.join(kinds)}", drugs=any(kind.startswith(_MAY_BE_DRUG) for kind in kinds))

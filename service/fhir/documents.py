"""What documents hold: their resources, selected while decoding; what is passed over costs next to nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from rules.reasoning.timeline import Gap, Unusable
from service.fhir import resources_r4 as r4
from service.fhir.bundles import Bundle, Issue, Link, OperationOutcome, Plain, plain
from service.fhir.dialects import r5
from service.fhir.reading import MAX_TEXT

_LINES = (".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz")
OLDER = frozenset({"MedicationOrder", "ProcedureRequest", "DiagnosticOrder", "ReferralRequest"})
"""What was renamed before R4, and is not read."""
READ = frozenset(r4.TYPES)
"""The types of resources that are read."""
_TYPE_FIRST = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]{1,64})"')
_DECODERS: dict[str, msgspec.json.Decoder[r4.Resource]] = {
    kind: msgspec.json.Decoder(struct) for kind, struct in r4.TYPES.items()
}
_NOTHING, _NULL = msgspec.Raw(b""), msgspec.Raw(b"null")
FAILURES = (msgspec.MsgspecError, RecursionError, UnicodeError)
"""What decoding raises; `reason_of` says it in words."""


Raw = bytes | msgspec.Raw
"""One JSON value, not decoded."""


class UnreadableDocument(Exception):
    """A document that is no JSON, or holds no FHIR; the message names it and the place, never its content."""


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


@dataclass(slots=True)
class Content:
    """What was found in documents: items that are read, what could not be, and what is not whole."""

    items: list[Item]
    unusable: list[Unusable]
    gaps: list[Gap]


class _Entry(msgspec.Struct, gc=False):
    fullUrl: str | None = None
    resource: msgspec.Raw = msgspec.Raw(b"")


class _Top(msgspec.Struct, gc=False):
    resourceType: str = ""
    entry: list[_Entry] | None = None
    link: list[Link] | None = None


class _LooseTop(msgspec.Struct, gc=False):
    """A Bundle of which an entry or a link is malformed."""

    resourceType: str = ""
    entry: list[msgspec.Raw] | None = None


class _Outcome(msgspec.Struct, gc=False):
    issue: list[Issue] = []


class _Kind(msgspec.Struct, gc=False):
    resourceType: str = ""


Wanted = Callable[[r4.Resource], bool]
"""Whether a resource may matter; the others are passed over."""


def content(document: Document, wanted: Wanted, fhir_version: str | None = None) -> Content:
    """The resources of one document that may matter.

    Raises:
        UnreadableDocument: it is no JSON, or holds no FHIR.
    """
    decoded = None if fhir_version == "R5" else document.decoded or plain(document.data)
    found = _of_plain(decoded, document, wanted) if decoded is not None else _one_by_one(document, fhir_version)
    if decoded is None:
        found.items = [item for item in found.items if wanted(item.resource)]
    return found


def _of_plain(decoded: Plain, document: Document, wanted: Wanted) -> Content:
    found = Content([], [], [])
    sent = [("", decoded)]
    if isinstance(decoded, Bundle):
        _note_next_page(decoded.link, document, found)
        sent = [(entry.fullUrl or "", entry.resource) for entry in decoded.entry or () if entry.resource is not None]
    for url, resource in sent:
        if isinstance(resource, OperationOutcome):
            _note_outcome({issue.severity for issue in resource.issue}, document, found)
        elif wanted(resource):
            found.items.append(Item(resource, url, document))
    return found


def _one_by_one(document: Document, fhir_version: str | None) -> Content:
    found = Content([], [], [])
    for url, raw in _resources(document, found):
        first = _TYPE_FIRST.match(raw)
        kind = first.group(1).decode() if first else ""
        if kind in _DECODERS:
            item = _decoded(kind, url, raw, document, found, fhir_version)
            if item is not None:
                found.items.append(item)
        else:
            _take(url, raw, document, found, fhir_version)
    return found


def _resources(document: Document, found: Content) -> Iterator[tuple[str, Raw]]:
    if document.name.endswith(_LINES):
        yield from _lines(document, found)
        return
    try:
        kind = resource_type(document.data)
        if kind != "Bundle":
            if not kind:
                raise UnreadableDocument(f"{document.name}: is no FHIR resource (it has no resourceType)")
            msgspec.json.decode(document.data, type=msgspec.Raw)
            yield "", document.data
            return
        entries = _entries(document, found)
    except FAILURES as error:
        raise UnreadableDocument(f"{document.name}: {reason_of(error)}") from None
    for entry in entries:
        if entry.resource != _NOTHING and entry.resource != _NULL:
            yield entry.fullUrl or "", entry.resource


def _lines(document: Document, found: Content) -> Iterator[tuple[str, Raw]]:
    for number, line in enumerate(document.data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            msgspec.json.decode(line, type=msgspec.Raw)
            if not resource_type(line):
                found.unusable.append(Unusable("", "is no FHIR resource", f"line {number}", document.name))
                continue
        except FAILURES as error:
            found.unusable.append(Unusable("", reason_of(error), f"line {number}", document.name))
            continue
        yield "", line


def _entries(document: Document, found: Content) -> list[_Entry]:
    try:
        top = msgspec.json.decode(document.data, type=_Top)
    except msgspec.ValidationError:
        return _loose_entries(document, found)
    _note_next_page(top.link, document, found)
    return top.entry or []


def _note_next_page(links: list[Link] | None, document: Document, found: Content) -> None:
    if not document.asked and any(link.relation == "next" for link in links or ()):
        found.gaps.append(Gap(document.name, "holds the first page only: later records are missing", drugs=True))


def _loose_entries(document: Document, found: Content) -> list[_Entry]:
    """The entries of a Bundle that are well formed; the others are named."""
    entries = []
    for number, raw in enumerate(msgspec.json.decode(document.data, type=_LooseTop).entry or ()):
        try:
            entries.append(msgspec.json.decode(raw, type=_Entry))
        except FAILURES as error:
            found.unusable.append(Unusable("", reason_of(error), f"Bundle.entry[{number}]", document.name))
    return entries


def resource_type(raw: Raw) -> str:
    """The resource type, from the first bytes where it usually stands, else from the whole."""
    first = _TYPE_FIRST.match(raw)
    if first:
        return first.group(1).decode()
    return msgspec.json.decode(raw, type=_Kind).resourceType


def _take(url: str, raw: Raw, document: Document, found: Content, fhir_version: str | None) -> None:
    try:
        kind = resource_type(raw)
    except FAILURES as error:
        found.unusable.append(Unusable("", reason_of(error), "resource", document.name))
        return
    if kind == "OperationOutcome":
        _outcome(raw, document, found)
    elif kind == "Bundle":
        inside = Document(document.name, bytes(raw), document.draft, document.selected, asked=True)
        inner = _one_by_one(inside, fhir_version)
        found.items += inner.items
        found.unusable += inner.unusable
    elif kind in OLDER:
        found.unusable.append(Unusable(kind, "is of an older FHIR version than R4", "", document.name))
    elif kind in r4.TYPES:
        item = _decoded(kind, url, raw, document, found, fhir_version)
        if item is not None:
            found.items.append(item)


def _outcome(raw: Raw, document: Document, found: Content) -> None:
    try:
        severities = {issue.severity for issue in msgspec.json.decode(raw, type=_Outcome).issue}
    except FAILURES:
        severities = {"error"}
    _note_outcome(severities, document, found)


def _note_outcome(severities: set[str], document: Document, found: Content) -> None:
    """A query that failed is a gap in the record, never data."""
    if not document.asked and severities - {"information", "success"}:
        found.gaps.append(Gap(document.name, "the server reported a problem: records may be missing", drugs=True))


def _decoded(
    kind: str, url: str, raw: Raw, document: Document, found: Content, fhir_version: str | None
) -> Item | None:
    version = fhir_version or r5.version_of(kind, raw)
    try:
        if version == "R5":
            resource, sent = r5.decoded(kind, raw)
            return Item(resource, url, document, version, sent)
        return Item(_DECODERS[kind].decode(raw), url, document, version)
    except FAILURES as error:
        found.unusable.append(Unusable(_named(kind, raw), reason_of(error), kind, document.name))
        return None


class _Identified(msgspec.Struct, gc=False):
    id: str = "?"


def _named(kind: str, raw: Raw) -> str:
    """ "Type/id" of a resource that cannot be read, as far as it says."""
    try:
        return f"{kind}/{msgspec.json.decode(raw, type=_Identified).id[:MAX_TEXT]}"
    except FAILURES:
        return f"{kind}/?"


def reason_of(error: Exception) -> str:
    """The reason in words: msgspec names types and places, never values."""
    if isinstance(error, RecursionError):
        return "is nested too deep"
    return "holds bytes that are no UTF-8" if isinstance(error, UnicodeError) else str(error)

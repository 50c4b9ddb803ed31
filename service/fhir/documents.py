"""What documents hold: their resources, selected while decoding; what is passed over costs next to nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from rules.reasoning.timeline import Gap, Unusable
from service.fhir import resources_r4 as r4
from service.fhir.bundles import NOTHING, TYPES, Bundle, Issue, Link, OperationOutcome, Plain, Response, plain
from service.fhir.content import Content, Document, Item, Lost, UnreadableDocument, patient_named
from service.fhir.dialects import older, r5
from service.fhir.reading import MAX_TEXT

LINES = (".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz")
"""How files are called that hold a resource a line, in whatever case."""
READ = frozenset(TYPES)
"""The types of resources that are read."""
OLDER, OLDER_VERSION = older.TYPES, older.REASON
"""The types that only versions before R4 have, and what is said of them."""
NO_TYPE = "is no FHIR resource (it has no resourceType)"
_ARRAY = "is a JSON array: put its resources into a Bundle, or one a line into a file named .ndjson"

_TYPE_FIRST = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]{1,64})"')
_DECODERS: dict[str, msgspec.json.Decoder[r4.Resource]] = {
    kind: msgspec.json.Decoder(struct) for kind, struct in TYPES.items()
}
_NULL = msgspec.Raw(b"null")
FAILURES = (msgspec.MsgspecError, RecursionError, UnicodeError)
"""What decoding raises; `reason_of` says it in words."""

Raw = bytes | msgspec.Raw
"""One JSON value, not decoded."""

Wanted = Callable[[r4.Resource], bool]
"""Whether a resource may matter; the others are passed over."""


class _Entry(msgspec.Struct, gc=False):
    fullUrl: str | None = None
    resource: msgspec.Raw = NOTHING
    response: Response | None = None
    request: msgspec.Raw = NOTHING


class _Top(msgspec.Struct, gc=False):
    entry: list[_Entry] | None = None
    link: list[Link] | None = None


class _LooseTop(msgspec.Struct, gc=False):
    """A Bundle of which an entry or a link is malformed."""

    entry: list[msgspec.Raw] | None = None
    link: msgspec.Raw = _NULL


class _Outcome(msgspec.Struct, gc=False):
    issue: list[Issue] = []


class _Kind(msgspec.Struct, gc=False):
    resourceType: str = ""


class _Identified(msgspec.Struct, gc=False):
    id: str = "?"


def content(document: Document, wanted: Wanted, fhir_version: str | None = None) -> Content:
    """The resources of one document that may matter.

    Raises:
        UnreadableDocument: it is no JSON, or holds no FHIR.
    """
    decoded = None if fhir_version == "R5" else document.decoded or plain(document.data)
    if decoded is not None and not (isinstance(decoded, Bundle) and any(one.is_hollow for one in decoded.entry or ())):
        return _of_plain(decoded, document, wanted)
    found = _OneByOne(document, fhir_version).found()
    found.items = [item for item in found.items if wanted(item.resource)]
    return found


def _of_plain(decoded: Plain, document: Document, wanted: Wanted) -> Content:
    found = Content()
    sent = [("", decoded)]
    if isinstance(decoded, Bundle):
        entries = decoded.entry or ()
        _note_what_lacks(decoded.link, [entry.response for entry in entries], document, found)
        sent = [(entry.fullUrl or "", entry.resource) for entry in entries if entry.resource is not None]
    for url, resource in sent:
        if isinstance(resource, OperationOutcome):
            _note_outcome(_severities_of(resource.issue), document, found)
        elif wanted(resource):
            found.items.append(Item(resource, url, document))
    return found


class _OneByOne:
    """Decodes the resources of a document each by itself, so that what is wrong with one is named and only that."""

    def __init__(self, document: Document, fhir_version: str | None) -> None:
        self._document, self._version = document, fhir_version
        self._found = Content()

    def found(self) -> Content:
        """All of them, of Bundles in the document too.

        Raises:
            UnreadableDocument: the document is no JSON, or holds no FHIR.
        """
        data = self._document.data
        if self._document.name.lower().endswith(LINES):
            for number, line in enumerate(data.splitlines(), 1):
                if line.strip():
                    self._take_line(line, f"line {number}")
            return self._found
        if data.lstrip().startswith(b"["):
            raise UnreadableDocument(_ARRAY, self._document.name)
        try:
            kind = resource_type(data)
            if not kind:
                raise UnreadableDocument(NO_TYPE, self._document.name)
            if kind == "Bundle":
                self._take_entries(data, "Bundle")
            else:
                msgspec.json.decode(data, type=msgspec.Raw)
                self._take("", data, "")
        except FAILURES as error:
            raise UnreadableDocument(reason_of(error), self._document.name) from None
        return self._found

    def _take_line(self, line: bytes, where: str) -> None:
        try:
            msgspec.json.decode(line, type=msgspec.Raw)
        except FAILURES as error:
            self._lose("", where, reason_of(error), line)
        else:
            self._take("", line, where)

    def _take(self, url: str, raw: Raw, where: str) -> None:
        """Take a resource, which stands at `where` in the document; what nobody can read is named."""
        first = _TYPE_FIRST.match(raw)
        kind = first.group(1).decode() if first else ""
        try:
            if kind not in _DECODERS:
                kind = msgspec.json.decode(raw, type=_Kind).resourceType
            if kind == "Bundle":
                self._take_entries(raw, f"{where}.resource")
        except FAILURES as error:
            self._lose("", where or "resource", reason_of(error), raw)
            return
        if kind in _DECODERS:
            self._decode(kind, url, raw)
        elif kind == "OperationOutcome":
            _note_outcome(_severities(raw), self._document, self._found)
        elif kind in OLDER:
            self._lose(reference_of(kind, raw), "", OLDER_VERSION, raw)
        elif not kind:
            self._lose("", where, NO_TYPE, raw)

    def _take_entries(self, bundle: Raw, where: str) -> None:
        entries: Sequence[_Entry | msgspec.Raw]
        try:
            top = msgspec.json.decode(bundle, type=_Top)
            entries, links = top.entry or [], top.link
        except msgspec.ValidationError:
            loose = msgspec.json.decode(bundle, type=_LooseTop)
            entries, links = loose.entry or [], self._links(loose.link, f"{where}.link")
        _note_what_lacks(links, [], self._document, self._found)
        for number, sent in enumerate(entries):
            place = f"{where}.entry[{number}]"
            try:
                entry = msgspec.json.decode(sent, type=_Entry) if isinstance(sent, msgspec.Raw) else sent
            except FAILURES as error:
                self._lose("", place, reason_of(error), sent if isinstance(sent, msgspec.Raw) else b"")
                continue
            _note_what_lacks(None, [entry.response], self._document, self._found)
            if entry.resource not in (NOTHING, _NULL):
                self._take(entry.fullUrl or "", entry.resource, place)
            elif entry.response is None and entry.request == NOTHING:
                self._lose("", place, "holds no resource", b"")

    def _links(self, raw: msgspec.Raw, where: str) -> list[Link] | None:
        try:
            return msgspec.json.decode(raw, type=list[Link] | None)
        except FAILURES as error:
            self._lose("", where, reason_of(error), raw)
            return None

    def _decode(self, kind: str, url: str, raw: Raw) -> None:
        version = self._version or r5.version_of(kind, raw)
        try:
            if version == "R5":
                resource, sent = r5.decoded(kind, raw)
            else:
                resource, sent = _DECODERS[kind].decode(raw), None
        except FAILURES as error:
            reason = older.REASON if older.is_older(error) else reason_of(error)
            self._lose(reference_of(kind, raw), kind, reason, raw)
        else:
            self._found.items.append(Item(resource, url, self._document, version, sent))

    def _lose(self, reference: str, element: str, reason: str, raw: Raw) -> None:
        unusable = Unusable(reference, reason, element, self._document.name)
        self._found.lost.append(Lost(unusable, patient_named(raw)))


def resource_type(raw: Raw) -> str:
    """The resource type, from the first bytes where it usually stands, else from the whole."""
    first = _TYPE_FIRST.match(raw)
    if first:
        return first.group(1).decode()
    return msgspec.json.decode(raw, type=_Kind).resourceType


def reference_of(kind: str, raw: Raw) -> str:
    """ "Type/id" of a resource that cannot be read, as far as it says."""
    try:
        return f"{kind}/{msgspec.json.decode(raw, type=_Identified).id[:MAX_TEXT]}"
    except FAILURES:
        return f"{kind}/?"


def is_failure(raw: Raw) -> bool:
    """Whether an OperationOutcome says that not all was well."""
    return bool(_severities(raw) - _ALL_IS_WELL)


_ALL_IS_WELL = {"information", "success"}


def _severities(outcome: Raw) -> set[str]:
    try:
        return _severities_of(msgspec.json.decode(outcome, type=_Outcome).issue)
    except FAILURES:
        return {"error"}


def _severities_of(issues: list[Issue]) -> set[str]:
    return {issue.severity for issue in issues} or {"error"}


def _note_outcome(severities: set[str], document: Document, found: Content) -> None:
    """A query that failed is a gap in the record, never data."""
    if not document.asked and severities - _ALL_IS_WELL:
        _note(Gap(document.name, "the server reported a problem: records may be missing", drugs=True), found)


def _note_what_lacks(
    links: list[Link] | None, responses: list[Response | None], document: Document, found: Content
) -> None:
    """A further page, and a request among several that failed, are gaps in the record."""
    if document.asked:
        return
    if any(link.relation == "next" for link in links or ()):
        _note(Gap(document.name, "holds the first page only: later records are missing", drugs=True), found)
    if any(response is not None and response.failed for response in responses):
        _note_outcome({"error"}, document, found)


def _note(gap: Gap, found: Content) -> None:
    if gap not in found.gaps:
        found.gaps.append(gap)


def reason_of(error: Exception) -> str:
    """The reason in words: msgspec names types and places, never values."""
    if isinstance(error, RecursionError):
        return "is nested too deep"
    return "holds bytes that are no UTF-8" if isinstance(error, UnicodeError) else str(error)

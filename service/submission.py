"""What is asked of a record: at which hook, which of its resources are orders still being written, on which day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from rules.reasoning.timeline import Gap, Unusable
from service.as_of import day
from service.fhir.reader import Document
from service.record_files import LINES, Record, RecordFile

HOOKS = (
    "patient-view",
    "order-select",
    "order-sign",
    "encounter-start",
    "encounter-discharge",
    "problem-list-item-create",
    "appointment-book",
    "medication-refill",
)
DEFAULT_HOOK = "patient-view"

_ORDER_HOOKS = ("order-select", "order-sign")
_CONTEXT = {"draftOrders": True, "medications": True, "appointments": False, "conditions": False}
"""Members of a hook's context that hold FHIR, and whether its resources are orders still being written."""

_AS_OF = "org.reboundwatch.as-of"


@dataclass(frozen=True, slots=True)
class Submission:
    """One record, ready to be read, with the hook to answer.

    `as_of` is the day that a hook request names; `patient` the only patient that its record may hold ("Patient/x").
    """

    name: str
    documents: tuple[Document, ...]
    hook: str
    as_of: date | None = None
    patient: str | None = None
    gaps: tuple[Gap, ...] = ()


class _Marks(msgspec.Struct):
    """The two members by which a hook request is known."""

    hook: msgspec.Raw
    context: msgspec.Raw


class _Request(msgspec.Struct):
    """The members of a hook request that are read here."""

    hook: str
    context: dict[str, msgspec.Raw]
    prefetch: dict[str, msgspec.Raw] | None = None
    extension: dict[str, Any] | None = None


def submitted(record: Record, hook: str | None) -> Submission | Unusable:
    """The submission that a record makes; what is wrong with it, when it makes none.

    `hook` is the one that a user asked for, or None. A whole hook request brings its own.
    """
    if len(record.files) == 1 and _is_request(record.files[0].data):
        return _requested(record.files[0], hook)
    asked = hook or DEFAULT_HOOK
    documents = tuple(document for file in record.files for document in _documents(file))
    if asked in _ORDER_HOOKS:
        documents = tuple(part for document in documents for part in _drafts_apart(document, asked == "order-select"))
    return Submission(record.name, documents, asked)


def _documents(file: RecordFile) -> Iterator[Document]:
    """The file as one document; lines of JSON in a file that is not named so, as a document each."""
    lines = file.data.splitlines()
    if file.name.lower().endswith(LINES) or len(lines) < 2 or _is_json(file.data) or not _is_json(lines[0]):
        yield Document(file.name, file.data)
        return
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield Document(f"{file.name}, line {number}", line)


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True


def _is_request(data: bytes) -> bool:
    try:
        msgspec.json.decode(data, type=_Marks)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return False
    return True


def _requested(file: RecordFile, hook: str | None) -> Submission | Unusable:
    try:
        request = msgspec.json.decode(file.data, type=_Request)
        patient = _text(request.context, "patientId")
        selected = frozenset(msgspec.json.decode(request.context.get("selections", b"[]"), type=list[str]))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return Unusable("", f"is not a hook request that can be read: {error}", "", file.name)
    if request.hook not in HOOKS:
        return Unusable("", f"asks for hook {request.hook!r}, which is not served here", "hook", file.name)
    if hook is not None and hook != request.hook:
        return Unusable("", f"is a request of hook {request.hook}, not of {hook} as --hook says", "hook", file.name)
    if not patient:
        return Unusable("", "names no patient", "context.patientId", file.name)
    said = (request.extension or {}).get(_AS_OF)
    try:
        as_of = day(str(said)) if said is not None else None
    except ValueError as error:
        return Unusable("", str(error), f"extension.{_AS_OF}", file.name)
    documents, gaps = _prefetched(request.prefetch or {})
    context = [
        Document(f"context.{member}", bytes(request.context[member]), draft=draft, selected=selected)
        for member, draft in _CONTEXT.items()
        if member in request.context
    ]
    reference = f"Patient/{patient.removeprefix('Patient/')}"
    return Submission(file.name, (*documents, *context), request.hook, as_of, reference, gaps)


def _text(context: Mapping[str, msgspec.Raw], member: str) -> str:
    return msgspec.json.decode(context.get(member, b'""'), type=str)


def _prefetched(prefetch: Mapping[str, msgspec.Raw]) -> tuple[list[Document], tuple[Gap, ...]]:
    """The answers as documents; a query that failed is a gap, one that found nothing (null) is an empty answer."""
    documents: list[Document] = []
    gaps: list[Gap] = []
    for key, raw in prefetch.items():
        if bytes(raw) == b"null":
            continue
        kind = _resource_type(bytes(raw))
        if kind == "OperationOutcome":
            gaps.append(Gap(key, "the query failed"))
        else:
            documents.append(Document(f"prefetch.{key}", bytes(raw)))
    return documents, tuple(gaps)


class _Typed(msgspec.Struct):
    resourceType: str = ""


def _resource_type(data: bytes) -> str:
    try:
        return msgspec.json.decode(data, type=_Typed).resourceType
    except (msgspec.MsgspecError, RecursionError):
        return ""


def _drafts_apart(document: Document, select: bool) -> tuple[Document, ...]:
    """The record without its resources of status draft, and these by themselves, as the context of an order hook."""
    try:
        values = _values(document.data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        # Whoever reads the document names what is wrong with it.
        return (document,)
    drafts: list[Any] = []
    kept = [_without_drafts(value, drafts) for value in values if not _taken(value, drafts)]
    if not drafts:
        return (document,)
    selected = (
        frozenset(f"{draft.get('resourceType')}/{draft.get('id')}" for draft in drafts) if select else frozenset()
    )
    orders = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": draft} for draft in drafts]}
    context = Document(document.name, msgspec.json.encode(orders), draft=True, selected=selected)
    if not kept:
        return (context,)
    return (Document(document.name, b"\n".join(msgspec.json.encode(value) for value in kept)), context)


def _values(data: bytes) -> list[Any]:
    """The one JSON value of a file, or those of its lines."""
    try:
        return [msgspec.json.decode(data)]
    except msgspec.DecodeError:
        return msgspec.json.Decoder().decode_lines(data)


def _taken(resource: Any, drafts: list[Any]) -> bool:
    """Whether `resource` is a draft, which is then put with the drafts."""
    draft = isinstance(resource, dict) and resource.get("status") == "draft"
    if draft:
        drafts.append(resource)
    return draft


def _without_drafts(value: Any, drafts: list[Any]) -> Any:
    """A Bundle without its drafts, anything else as it is."""
    entries = value.get("entry") if isinstance(value, dict) else None
    if not isinstance(entries, list):
        return value
    kept = [entry for entry in entries if not (isinstance(entry, dict) and _taken(entry.get("resource"), drafts))]
    return {**value, "entry": kept}

"""What is asked of a record: at which hook, which of its resources are orders still being written, on which day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from rules.reasoning.timeline import Gap, Unusable
from service.cds_hooks.fetching import Access
from service.cds_hooks.hooks import Shape
from service.cds_hooks.prefetch import read_context, read_prefetch
from service.cds_hooks.problems import Problem
from service.cds_hooks.requests import HookRequest, read_request
from service.fhir.documents import LINES
from service.fhir.reader import Document
from service.record_files import Record, RecordFile

DEFAULT_HOOK = "patient-view"

_ORDER_HOOKS = ("order-select", "order-sign")


@dataclass(frozen=True, slots=True)
class Submission:
    """One record, ready to be read, with the hook to answer.

    `as_of` is the day that a hook request names. `gaps` says what of the record is missing, `incomplete` under which
    keys of the prefetch; from the required parts in `in_part` no absence may be concluded. `fhir_version` is "R4" or
    "R5", or None when each resource must say it by itself.
    """

    name: str
    documents: tuple[Document, ...]
    hook: str
    as_of: date | None = None
    gaps: tuple[Gap, ...] = ()
    incomplete: tuple[str, ...] = ()
    in_part: tuple[str, ...] = ()
    fhir_version: str | None = None


class _Marks(msgspec.Struct):
    """The two members by which a hook request is known."""

    hook: msgspec.Raw
    context: msgspec.Raw


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


def requested(
    request: HookRequest, name: str, access: Access | None = None, fhir_version: str | None = None
) -> Submission:
    """The submission that a hook request makes; what is missing is fetched as far as `access` goes.

    `fhir_version` is what the caller speaks, when that is known.

    Raises:
        BadRequest: FHIR in it is malformed, or about another patient.
        ServerAtFault: the FHIR server sent a record of another patient.
        RequiredDataMissing: what nothing may be concluded without was not sent, and could not be fetched.
    """
    written = read_context(request)
    prefetched = read_prefetch(request, access)
    record = [Document(sent.name, sent.data, asked=True, decoded=sent.decoded) for sent in prefetched.values.values()]
    context = [
        Document(
            written[member.name].name,
            written[member.name].data,
            draft=member.shape is Shape.ORDERS,
            newer=True,
            selected=request.selections,
            asked=True,
            decoded=written[member.name].decoded,
        )
        for member in request.hook.context
        if member.name in written
    ]
    return Submission(
        name=name,
        documents=(*record, *context),
        hook=request.hook.name,
        as_of=request.as_of,
        gaps=prefetched.gaps,
        incomplete=prefetched.incomplete,
        in_part=prefetched.in_part,
        fhir_version=fhir_version,
    )


def _requested(file: RecordFile, hook: str | None) -> Submission | Unusable:
    try:
        request = read_request(file.data)
        if hook is not None and hook != request.hook.name:
            said = f"is a request of hook {request.hook.name}, not of {hook} as --hook says"
            return Unusable("", said, "hook", file.name)
        return requested(request, file.name)
    except Problem as problem:
        return Unusable("", problem.reason, problem.elements[0] if problem.elements else "", file.name)


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

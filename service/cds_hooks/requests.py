"""A hook request as it comes over the wire, checked member by member; one parser for HTTP and the command line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from service.as_of import day
from service.cds_hooks.hooks import HOOKS, Hook, Member, Shape
from service.cds_hooks.problems import BadRequest

AS_OF = "org.reboundwatch.as-of"
"""The member of a request's `extension` that names the day of evaluation."""

UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
PATTERNS = {
    Shape.ID: re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII),
    Shape.USER: re.compile(r"(Practitioner|PractitionerRole|Patient|RelatedPerson)/[A-Za-z0-9\-.]{1,64}", re.ASCII),
    Shape.REFERENCES: re.compile(r"[A-Z][A-Za-z]{1,63}/[A-Za-z0-9\-.]{1,64}", re.ASCII),
}
"""How the members that are texts are written, in whole; the description of the wire is made of them too."""

_SIGN = r"[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2}"
_HOST = rf"(\[[0-9A-Fa-f:.]+\]|({_SIGN})+)(:[0-9]{{1,5}})?"
SERVER = re.compile(rf"[Hh][Tt][Tt][Pp][Ss]?://{_HOST}(/({_SIGN}|[:@/])*)?", re.ASCII)
"""The base of a FHIR server: an address (RFC 3986) without a user, a query or a fragment."""

_Object = dict[str, msgspec.Raw]
_NOTHING, _NULL = msgspec.Raw(b""), memoryview(b"null")
_Value = TypeVar("_Value")


class FhirAuthorization(msgspec.Struct, frozen=True):
    """The right to read from `fhirServer`, for this call only; never stored, never logged ("FHIR Resource Access")."""

    access_token: str
    token_type: Annotated[str, msgspec.Meta(extra_json_schema={"const": "Bearer"})]
    expires_in: int
    scope: str
    subject: str
    patient: str | None = None

    def __repr__(self) -> str:
        return "FhirAuthorization(...)"


@dataclass(frozen=True, slots=True)
class HookRequest:
    """A request that follows the specification; FHIR in it (`bundles` of its context, `prefetch`) is still undecoded.

    `as_of` is the day of evaluation that it names, `user` who asks ("Practitioner/1", or "" when nobody is named),
    `selections` the orders that an order-select call is about, `server` the FHIR server that it names and
    `authorization` the right to read there.
    """

    hook: Hook
    patient_id: str
    bundles: Mapping[str, bytes]
    selections: frozenset[str]
    prefetch: Mapping[str, bytes]
    as_of: date | None
    user: str = ""
    server: str | None = None
    authorization: FhirAuthorization | None = None

    @property
    def role(self) -> str:
        """What the user is: the type of the reference, or "" when nobody is named."""
        return self.user.partition("/")[0]

    @property
    def patient(self) -> str:
        """The only patient whose record the request may hold: "Patient/x"."""
        return f"Patient/{self.patient_id}"


def read_request(body: bytes, of: str | None = None) -> HookRequest:
    """The request that a body holds, of the hook `of` when one is named; members that nobody asked for are ignored.

    Raises:
        BadRequest: it is no JSON, or a member is missing or not what the specification says.
    """
    members, prefetch = _members(body)
    hook = HOOKS.get(_required(members, "hook", str))
    if hook is None:
        raise BadRequest(f"must be one of {', '.join(HOOKS)}", "hook")
    if of is not None and hook.name != of:
        raise BadRequest(f"must be {of}, the hook of this service", "hook")
    if not UUID.fullmatch(_required(members, "hookInstance", str)):
        raise BadRequest("must be a UUID", "hookInstance")
    context = _required(members, "context", _Object)
    given = [member for member in hook.context if _is_given(member, context)]
    server, authorization = _access(members)
    return HookRequest(
        hook=hook,
        patient_id=_required(context, "patientId", str, "context."),
        bundles={
            member.name: bytes(context[member.name])
            for member in given
            if member.shape in (Shape.ORDERS, Shape.RECORDS)
        },
        selections=frozenset(_texts(context, given, Shape.REFERENCES)),
        prefetch={key: bytes(raw) for key, raw in prefetch.items()},
        as_of=_day(members),
        user=next(_texts(context, given, Shape.USER), ""),
        server=server,
        authorization=authorization,
    )


class _Usual(msgspec.Struct):
    """The members of a request whose prefetch is an object, which is most of it: looked through once, not twice."""

    hook: msgspec.Raw = _NOTHING
    hookInstance: msgspec.Raw = _NOTHING
    context: msgspec.Raw = _NOTHING
    fhirServer: msgspec.Raw = _NOTHING
    fhirAuthorization: msgspec.Raw = _NOTHING
    extension: msgspec.Raw = _NOTHING
    prefetch: _Object = {}


def _members(body: bytes) -> tuple[_Object, _Object]:
    """The members of a request, and those of its prefetch."""
    try:
        usual = msgspec.json.decode(body, type=_Usual)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        # Said in our own words, or not an object where one need not be.
        members = _decoded(body, _Object)
        return members, _optional(members, "prefetch", _Object) or {}
    given = {name: getattr(usual, name) for name in _Usual.__struct_fields__[:-1]}
    return {name: raw for name, raw in given.items() if raw is not _NOTHING}, usual.prefetch


def _is_given(member: Member, context: _Object) -> bool:
    """Whether a member of a context is there; one that need not be, and is not as it should be, is not."""
    element = f"context.{member.name}"
    if member.name not in context or _is_null(context[member.name]):
        if member.required:
            raise BadRequest("is missing", element)
        return False
    try:
        if _fits(member.shape, context[member.name], element):
            return True
        raise BadRequest(f"must be {member.shape.value}", element)
    except BadRequest:
        if member.required:
            raise
        return False


def _texts(context: _Object, given: Iterable[Member], shape: Shape) -> Iterator[str]:
    """The texts of the members of a shape."""
    for member in given:
        if member.shape is shape:
            found = msgspec.json.decode(context[member.name], type=str | list[str])
            yield from [found] if isinstance(found, str) else found


def _fits(shape: Shape, raw: msgspec.Raw, element: str) -> bool:
    match shape:
        case Shape.ID | Shape.USER:
            return PATTERNS[shape].fullmatch(_decoded(raw, str, element)) is not None
        case Shape.REFERENCES:
            return all(PATTERNS[shape].fullmatch(one) for one in _decoded(raw, list[str], element))
        case Shape.ORDERS | Shape.RECORDS:
            return _optional(_decoded(raw, _Object, element), "resourceType", str) == "Bundle"


def _is_address(text: str) -> bool:
    try:
        return SERVER.fullmatch(text) is not None and urlsplit(text).hostname is not None
    except ValueError:  # square brackets that hold no address
        return False


def _access(members: _Object) -> tuple[str | None, FhirAuthorization | None]:
    """The FHIR server that a request names, and the right to read there."""
    server = _lower_scheme(_optional(members, "fhirServer", str) or "") or None
    if server is not None and not _is_address(server):
        raise BadRequest("must be an absolute http or https address", "fhirServer")
    access = _optional(members, "fhirAuthorization", _Object)
    if access is None:
        return server, None
    if server is None:
        raise BadRequest("is missing, although fhirAuthorization is there", "fhirServer")
    within = "fhirAuthorization."
    authorization = FhirAuthorization(
        access_token=_required(access, "access_token", str, within),
        token_type=_required(access, "token_type", str, within),
        expires_in=_seconds(access, "expires_in", within),
        scope=_required(access, "scope", str, within),
        subject=_required(access, "subject", str, within),
        patient=_optional(access, "patient", str, within),
    )
    if authorization.token_type.lower() != "bearer":
        raise BadRequest("must be Bearer", "fhirAuthorization.token_type")
    return server, authorization


def _lower_scheme(address: str) -> str:
    """An address with its scheme in small letters, as it may be written in any (RFC 3986)."""
    scheme, mark, rest = address.partition("://")
    return f"{scheme.lower()}{mark}{rest}"


def _seconds(members: _Object, name: str, within: str) -> int:
    """Whole seconds, also as some write them: 300.0 or "300"."""
    try:
        return msgspec.json.decode(members.get(name, _NOTHING), type=int, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _required(members, name, int, within)


def _day(members: _Object) -> date | None:
    """The day of evaluation that a request names; an extension of another form is somebody else's."""
    raw = bytes(members.get("extension", _NOTHING))
    extension = _decoded(raw, _Object, "extension") if raw.startswith(b"{") else {}
    text = _optional(extension, AS_OF, str, "extension.")
    if text is None:
        return None
    try:
        return day(text)
    except ValueError:
        raise BadRequest("must be a day of the calendar, written as 2026-03-01", f"extension.{AS_OF}") from None


def _required(members: _Object, name: str, kind: type[_Value], within: str = "") -> _Value:
    found = _optional(members, name, kind, within)
    if found is None:
        raise BadRequest("is missing", f"{within}{name}")
    return found


def _optional(members: _Object, name: str, kind: type[_Value], within: str = "") -> _Value | None:
    """A member of the right type; None when it is not there, or null."""
    if name not in members or _is_null(members[name]):
        return None
    return _decoded(members[name], kind, f"{within}{name}")


def _is_null(raw: msgspec.Raw) -> bool:
    return memoryview(raw) == _NULL


_NAMES: Mapping[Any, str] = {str: "a string", int: "a whole number", list[str]: "a list of strings"}


def _decoded(raw: bytes | msgspec.Raw, kind: type[_Value], element: str = "body") -> _Value:
    try:
        return msgspec.json.decode(raw, type=kind)
    except RecursionError:
        raise BadRequest("is nested too deep", element) from None
    except msgspec.ValidationError:
        raise BadRequest(f"must be {_NAMES.get(kind, 'a JSON object')}", element) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadRequest("is not JSON in UTF-8", element) from None

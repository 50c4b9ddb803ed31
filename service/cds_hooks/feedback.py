"""What became of cards, as clients report it (CDS Hooks 2.0.1, "Feedback")."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from service.cds_hooks.problems import BadRequest
from service.cds_hooks.requests import UUID
from service.cds_hooks.trust import Caller
from service.storage.port import FeedbackRecord

MOST_REPORTS = 1000
"""Most cards that one call may report on."""
MOST_OF_A_COMMENT = 1000
"""Characters of a user's comment that are kept: it is free text, in which anything may stand."""

_Uuid = Annotated[str, Meta(pattern=f"^{UUID.pattern}$", extra_json_schema={"format": "uuid"})]
_Code = Annotated[str, Meta(min_length=1, max_length=200)]
_Moment = Annotated[
    datetime,
    Meta(
        tz=True,
        extra_json_schema={
            "pattern": r"^\d{4}-(0[1-9]|1[0-2])-[0-3]\d[Tt ]([01]\d|2[0-3])(:[0-5]\d){2}(\.\d+)?([Zz]|[+-]\d\d:\d\d)$"
        },
    ),
]


class AcceptedSuggestion(msgspec.Struct, frozen=True):
    """A suggestion that the user accepted; `id` is its uuid."""

    id: _Uuid


class OverrideCode(msgspec.Struct, frozen=True):
    """A reason by its code: one that the card offered, or one of the client's own."""

    code: _Code
    system: Annotated[str, Meta(max_length=500)] | None = None


class OverrideReason(msgspec.Struct, frozen=True):
    """Why the user set a card aside."""

    reason: OverrideCode | None = None
    userComment: str | None = None


class AcceptedCard(msgspec.Struct, frozen=True, tag_field="outcome", tag="accepted"):
    """The user accepted suggestions of a card."""

    card: _Uuid
    acceptedSuggestions: Annotated[list[AcceptedSuggestion], Meta(min_length=1)]
    outcomeTimestamp: _Moment


class OverriddenCard(msgspec.Struct, frozen=True, tag_field="outcome", tag="overridden"):
    """The user set a card aside, with or without a reason."""

    card: _Uuid
    outcomeTimestamp: _Moment
    overrideReason: OverrideReason | None = None


class Feedback(msgspec.Struct, frozen=True):
    """What a client sends: any number of cards, of any calls, in any order, also again."""

    feedback: Annotated[list[AcceptedCard | OverriddenCard], Meta(min_length=1, max_length=MOST_REPORTS)]


class Received(msgspec.Struct):
    """The answer: all of it was taken. There is nothing more to say."""


def read_feedback(body: bytes) -> Feedback:
    """The reports that a body holds; one that does not hold lets none pass, so that the client can send all again.

    Raises:
        BadRequest: it is no JSON, or a member is missing or not what the specification says; the member is named.
    """
    try:
        return msgspec.json.decode(body, type=Feedback)
    except RecursionError:
        raise BadRequest("is nested too deep", "body") from None
    except msgspec.ValidationError as error:
        raise _fault(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadRequest("is not JSON in UTF-8", "body") from None


def records(feedback: Feedback, service: str, caller: Caller, received: datetime) -> Iterator[FeedbackRecord]:
    """One event for each report; the same report of the same caller is the same event.

    Nothing was decided after it was reported: a client's clock that is ahead is taken to say `received`, or a card
    would stay away as long as that clock is wrong.
    """
    for number, report in enumerate(feedback.feedback):
        try:
            at = report.outcomeTimestamp.astimezone(UTC)
        except OverflowError:
            raise BadRequest("is beyond the calendar", f"feedback[{number}].outcomeTimestamp") from None
        why = report.overrideReason if isinstance(report, OverriddenCard) and report.overrideReason else _NO_REASON
        client, whose = caller.client.name, (caller.issuer, caller.tenant, caller.client.name, service)
        yield FeedbackRecord(
            id=hashlib.sha256(msgspec.json.encode((whose, report), order="deterministic")).hexdigest(),
            received=received,
            outcome_at=min(at, received),
            service=service,
            card=report.card.lower(),
            outcome="accepted" if isinstance(report, AcceptedCard) else "overridden",
            accepted=[one.id.lower() for one in report.acceptedSuggestions] if isinstance(report, AcceptedCard) else [],
            reason=_kept(why.reason.code if why.reason else None),
            reason_system=_kept(why.reason.system if why.reason else None),
            comment=_kept(why.userComment, MOST_OF_A_COMMENT),
            client=client,
            tenant=caller.tenant,
            issuer=caller.issuer,
        )


_NO_REASON = OverrideReason()
_PLACE = re.compile(r" - at `\$\.?(.*)`$", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_WANTED = (
    ("timezone", "must name its time zone, as in 2026-03-01T12:00:00Z"),
    ("RFC3339", "must be a time such as 2026-03-01T12:00:00Z"),
    ("length >=", "must not be empty"),
    ("length <=", "is longer than it may be"),
    ("matching regex", "must be a UUID"),
    ("Invalid value", "must be accepted or overridden"),
)


def _fault(said: str) -> BadRequest:
    """What the decoder found, without the content that it may quote."""
    place = _PLACE.search(said)
    element = re.sub(r"\[\.\.\.\]", "[*]", place[1]) if place else ""
    missing = _MISSING.match(said)
    if missing:
        return BadRequest("is missing", f"{element}.{missing[1]}".lstrip("."))
    reason = next((words for sign, words in _WANTED if sign in said), "is not what the specification says it is")
    return BadRequest(reason, element or "body")


def _kept(text: str | None, most: int | None = None) -> str | None:
    """A text as every database takes it, cut at so many characters; None when nothing is left of it."""
    return (text or "").replace("\x00", "")[:most] or None

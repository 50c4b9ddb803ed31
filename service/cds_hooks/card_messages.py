"""The answer of a CDS service as it goes over the wire (CDS Hooks 2.0.1, "CDS Service Response").

Members without a value are left out: the specification allows no null, no empty string, array or object.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

EXTENSION = "org.reboundwatch"
"""The member of every `extension` under which ReboundWatch says what decided."""


SUMMARY_LENGTH = 139
"""Most characters of a summary: "fewer than 140"."""

_Item = TypeVar("_Item")
# What a text may be: for the description of the wire, which is made of these classes (`openapi.py`).
_Text = Annotated[str, Meta(min_length=1)]
_Summary = Annotated[str, Meta(min_length=1, max_length=SUMMARY_LENGTH)]
_Uuid = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
_Url = Annotated[str, Meta(pattern=r"^https?://.+", extra_json_schema={"format": "uri"})]
_Some = Annotated[list[_Item], Meta(min_length=1)]
_Reference = Annotated[str, Meta(pattern=r"^[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}$")]
_Extension = Annotated[dict[str, Any], Meta(min_length=1)]


class Coding(msgspec.Struct, omit_defaults=True):
    """A code of a system with its words (section "Coding")."""

    code: _Text
    system: _Text
    display: _Text | None = None


class Source(msgspec.Struct, omit_defaults=True):
    """Who says it (section "Source")."""

    label: _Text
    url: _Url | None = None
    topic: Coding | None = None


class Link(msgspec.Struct, omit_defaults=True):
    """Where to read more (section "Link")."""

    label: _Text
    url: _Url
    type: Literal["absolute", "smart"]


class Action(msgspec.Struct, omit_defaults=True):
    """One change that a suggestion makes (section "Action")."""

    type: Literal["create", "update", "delete"]
    description: _Text
    resource: dict[str, Any] | None = None
    resourceId: _Reference | None = None


class Suggestion(msgspec.Struct, omit_defaults=True):
    """One thing that a user can accept (section "Suggestion")."""

    label: _Text
    uuid: _Uuid
    isRecommended: bool | None = None
    actions: _Some[Action] | None = None


class Card(msgspec.Struct, omit_defaults=True):
    """One decision (section "Card Attributes")."""

    uuid: _Uuid
    summary: _Summary
    indicator: Literal["info", "warning", "critical"]
    source: Source
    detail: _Text | None = None
    suggestions: _Some[Suggestion] | None = None
    selectionBehavior: Literal["at-most-one", "any"] | None = None
    overrideReasons: _Some[Coding] | None = None
    links: _Some[Link] | None = None
    extension: _Extension | None = None


class Answer(msgspec.Struct, omit_defaults=True):
    """The whole response; `cards` is always there, and empty when there is nothing to say."""

    cards: list[Card]
    extension: _Extension | None = None

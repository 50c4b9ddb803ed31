"""The answer of a CDS service as it goes over the wire (CDS Hooks 2.0.1, "CDS Service Response").

Members without a value are left out: the specification allows no null, no empty string, array or object.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

EXTENSION = "org.reboundwatch"
"""The member of every `extension` under which ReboundWatch says what decided."""


class Coding(msgspec.Struct, omit_defaults=True):
    """A code of a system with its words (section "Coding")."""

    code: str
    system: str
    display: str | None = None


class Source(msgspec.Struct, omit_defaults=True):
    """Who says it (section "Source")."""

    label: str
    url: str | None = None
    topic: Coding | None = None


class Link(msgspec.Struct, omit_defaults=True):
    """Where to read more (section "Link")."""

    label: str
    url: str
    type: Literal["absolute", "smart"]


class Action(msgspec.Struct, omit_defaults=True):
    """One change that a suggestion makes (section "Action")."""

    type: Literal["create", "update", "delete"]
    description: str
    resource: dict[str, Any] | None = None
    resourceId: str | None = None


class Suggestion(msgspec.Struct, omit_defaults=True):
    """One thing that a user can accept (section "Suggestion")."""

    label: str
    uuid: str
    isRecommended: bool | None = None
    actions: list[Action] | None = None


class Card(msgspec.Struct, omit_defaults=True):
    """One decision (section "Card Attributes")."""

    uuid: str
    summary: str
    indicator: Literal["info", "warning", "critical"]
    source: Source
    detail: str | None = None
    suggestions: list[Suggestion] | None = None
    selectionBehavior: Literal["at-most-one", "any"] | None = None
    overrideReasons: list[Coding] | None = None
    links: list[Link] | None = None
    extension: dict[str, Any] | None = None


class Answer(msgspec.Struct, omit_defaults=True):
    """The whole response; `cards` is always there, and empty when there is nothing to say."""

    cards: list[Card]
    extension: dict[str, Any] | None = None

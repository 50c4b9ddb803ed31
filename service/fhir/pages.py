"""The pages of a search, as a server sends them, and all of them as one Bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urljoin

import msgspec


class _Link(msgspec.Struct, gc=False):
    relation: str = ""
    url: str = ""


class _Page(msgspec.Struct, gc=False):
    resourceType: str = ""
    link: list[_Link] | None = None
    entry: list[msgspec.Raw] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a server: `entries` of a Bundle, undecoded; None for anything else. `next` is a link, or None."""

    data: bytes
    entries: Sequence[msgspec.Raw] | None
    next: str | None


def page(data: bytes, address: str) -> Page | None:
    """What a server sent from `address`, its link to the next page made absolute; None when it is no FHIR."""
    try:
        top = msgspec.json.decode(data, type=_Page)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None
    if not top.resourceType:
        return None
    if top.resourceType != "Bundle":
        return Page(data, None, None)
    following = next((link.url for link in top.link or () if link.relation == "next"), None)
    try:
        absolute = None if following is None else urljoin(address, following)
    except ValueError:
        absolute = ""
    return Page(data, top.entry or (), absolute)


def joined(pages: Sequence[Page]) -> bytes:
    """All entries in one Bundle; a single page as it came."""
    if len(pages) == 1:
        return pages[0].data
    entries = b",".join(bytes(entry) for one in pages for entry in one.entries or ())
    return b'{"resourceType":"Bundle","type":"searchset","entry":[' + entries + b"]}"

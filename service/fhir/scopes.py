"""What a token lets this service read (SMART App Launch, scopes for clinical data, version 1 and version 2)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Literal

_SCOPE = re.compile(
    r"(?P<whose>patient|user|system)/(?P<kind>\*|[A-Z][A-Za-z]{1,63})\."
    r"(?:(?P<old>read|write|\*)|(?P<new>(?=[cruds])c?r?u?d?s?))(?P<narrowed>\?\S*)?",
    re.ASCII,
)


class Permission(Enum):
    """How much of an answer a token covers."""

    NONE = 0
    PART = 1
    WHOLE = 2


@dataclass(frozen=True, slots=True)
class _Scope:
    kind: str
    reads: bool
    searches: bool
    narrowed: bool


class Scopes:
    """The scopes of one token; what is not understood permits nothing."""

    def __init__(self, text: str, *, patient_fits: bool = True) -> None:
        """`patient_fits` says whether the token's patient, if it has one, is the one who is asked about."""
        self._scopes = tuple(_understood(text.split(), patient_fits))

    def permission(self, kind: str, way: Literal["read", "search"]) -> Permission:
        """Whether resources of a type may be read by their id, or searched.

        A scope that is narrowed by a query (`patient/Observation.rs?category=laboratory`) shows a part only.
        """
        fitting = [
            one for one in self._scopes if one.kind in ("*", kind) and (one.reads if way == "read" else one.searches)
        ]
        if not fitting:
            return Permission.NONE
        return Permission.PART if all(one.narrowed for one in fitting) else Permission.WHOLE


def _understood(words: Iterable[str], patient_fits: bool) -> Iterable[_Scope]:
    for word in words:
        found = _SCOPE.fullmatch(word)
        if found is None or (found["whose"] == "patient" and not patient_fits):
            continue
        # In version 1 `read` stands for both; in version 2 each is a letter of its own.
        both = found["old"] in ("read", "*")
        letters = found["new"] or ""
        yield _Scope(found["kind"], both or "r" in letters, both or "s" in letters, found["narrowed"] is not None)

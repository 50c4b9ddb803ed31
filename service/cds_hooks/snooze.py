"""Which cards stay away because a user has set them aside for a reason, and for how long.

A card returns as soon as anything changes that it rests on, for a user of another role, and when its time is over.
What stands in the way of an order always speaks. How long a reason holds stands in `rules/set_aside.yaml`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import msgspec

from rules.reasoning.evaluation import Evaluation
from rules.set_aside import SetAside
from service.cds_hooks.cards import Group
from service.storage.port import Override

_CLOCKS_APART = timedelta(minutes=5)
"""By how much the clocks of two nodes may differ."""


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"null")


class _Bundle(msgspec.Struct):
    entry: list[_Entry] | None = None


class _Named(msgspec.Struct):
    resourceType: str = ""
    id: str = ""


@dataclass(frozen=True)
class Drafts:
    """What is being written: the Bundles in the context of a call, as they came."""

    bundles: tuple[bytes, ...]

    def judged(self, about: str) -> bytes:
        """The draft that a card judges ("Type/id"), as it came; all there is, when it cannot be told from others."""
        return self._by_reference.get(about) or b"".join(self.bundles)

    @cached_property
    def _by_reference(self) -> Mapping[str, bytes]:
        found: dict[str, bytes] = {}
        try:
            for bundle in self.bundles:
                for entry in msgspec.json.decode(bundle, type=_Bundle).entry or ():
                    named = msgspec.json.decode(entry.resource, type=_Named)
                    reference = f"{named.resourceType}/{named.id}"
                    found[reference] = found.get(reference, b"") + bytes(entry.resource)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            # Whoever reads the context says what is wrong with it; here no draft can be told from another.
            return {}
        return found


def fingerprint(group: Group, evaluation: Evaluation, drafts: Drafts) -> str:
    """What a card rests on, as a hash: what it says and to what urgency, the class and state, the records it cites.

    A card that judges an order is about that draft as it is written; another draft in the call changes nothing. Words
    are not part of it: they change with every month.
    """
    about = sorted({one.advice.about for one in group} - {""})
    rests_on = (
        [one.rule for one in group],
        group[0].decision,
        group[0].advice.indicator.value,
        evaluation.fracture_class,
        evaluation.denosumab.state,
        sorted({reference for one in group for reference in one.evidence}),
        [(reference, hashlib.sha256(drafts.judged(reference)).hexdigest()) for reference in about],
    )
    return hashlib.sha256(msgspec.json.encode(rests_on)).hexdigest()


def is_set_aside(mark: str, critical: bool, overrides: Iterable[Override], now: datetime, times: SetAside) -> bool:
    """Whether a card of this fingerprint was set aside for a reason that still holds.

    One that lies in the future, because a clock was wrong, holds nothing: a card too many is better than one too few.
    """
    return any(
        one.fingerprint == mark and -_CLOCKS_APART <= now - one.at < times.holds(one.reason, critical=critical)
        for one in overrides
    )

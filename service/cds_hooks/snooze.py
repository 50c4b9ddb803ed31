"""Which cards stay away because a user has set them aside for a reason, and for how long.

A card returns as soon as anything changes that it rests on, for a user of another role, and when its time is over.
What stands in the way of an order always speaks. How long a reason holds is this project's own proposal: no study is
known to us that says how long a set-aside advice on denosumab should rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import msgspec

from rules.reasoning.conclusions import Indicator
from rules.reasoning.evaluation import Evaluation
from service.cds_hooks.cards import Group
from service.storage.port import Override

SHORTEST = timedelta(days=30)
_ANOTHER_VISIT = timedelta(days=90)
_SETTLED = timedelta(days=180)
CRITICAL_AT_MOST = SHORTEST
_CLOCKS_APART = timedelta(minutes=5)
"""By how much the clocks of two nodes may differ."""

_REASONS: Mapping[timedelta, tuple[str, ...]] = {
    # It was done elsewhere, so that the record should show it by then.
    SHORTEST: (
        "already-referred",
        "already-treated",
        "booked-elsewhere",
        "calcium-corrected",
        "date-entered",
        "date-wrong",
        "follow-on-given-elsewhere",
        "given-elsewhere",
        "given-this-stay",
        "imaged-elsewhere",
        "resulted-elsewhere",
        "reviewed",
        "started-elsewhere",
        "switch-ordered-elsewhere",
        "value-outdated",
        "active-infection",
        "pain-controlled",
        "not-fit",
    ),
    # Somebody has decided so for now; ask again about when the patient comes next.
    _ANOTHER_VISIT: (
        "assay-unavailable",
        "combined-with-denosumab",
        "continue-denosumab",
        "cost-access",
        "ctx-guided",
        "mdt-decision",
        "neurological-deficit",
        "oncology-plan",
        "oncology-plan-documented",
        "opioid-use-disorder-plan",
        "patient-declined",
        "patient-preference",
        "plan-documented",
        "planned-transition",
        "short-course-monitored",
        "specialist-managing",
        "specialist-plan",
    ),
    # What will not change.
    _SETTLED: (
        "another-cause-proven",
        "ckd-mbd-managed",
        "contraindicated",
        "contraindicated-both",
        "contraindication-to-potent-agents",
        "dates-confirmed-unrelated",
        "end-of-life-care",
        "known-metastatic",
        "known-old-fracture",
        "malignancy-already-excluded",
        "not-rebound",
        "oncologic-dose",
        "onj-established",
        "oral-bp-contraindicated",
        "other-cause-proven",
        "over-24-months-and-turnover-normal",
        "pain-explained",
        "palliative",
        "rvfx-present",
        "severe-reaction",
        "tolerated-before",
        "zoledronate-contraindicated",
    ),
}
HOLDS = {reason: time for time, reasons in _REASONS.items() for reason in reasons}
"""How long each reason that a card offers holds; one of a client's own holds for the shortest time."""
LONGEST = max(_REASONS)


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


def holds(reason: str, indicator: Indicator) -> timedelta:
    """How long a card stays away that was set aside for a reason (a code)."""
    found = HOLDS.get(reason, SHORTEST)
    return min(found, CRITICAL_AT_MOST) if indicator is Indicator.CRITICAL else found


def is_set_aside(mark: str, indicator: Indicator, overrides: Iterable[Override], now: datetime) -> bool:
    """Whether a card of this fingerprint was set aside for a reason that still holds.

    One that lies in the future, because a clock was wrong, holds nothing: a card too many is better than one too few.
    """
    return any(
        one.fingerprint == mark and -_CLOCKS_APART <= now - one.at < holds(one.reason, indicator) for one in overrides
    )

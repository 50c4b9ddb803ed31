"""Which class decides for a patient: the first present among the recent fractures, else among the older ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rules.reasoning.fact import Fact, Field
from rules.reasoning.facts.fractures import Fracture, FractureClass, IndexDose, PossibleRebound

UNRELATED = frozenset({"VFX_PRIOR", "VFX_TRAUMATIC", "VFX_PATHOLOGICAL"})
DECIDING_ORDER = (
    "RVFX_PROBABLE",
    "RVFX_POSSIBLE",
    "UNKNOWN_MALIGNANCY",
    "VFX_ON_TREATMENT",
    "VFX_PATHOLOGICAL",
    "VFX_TRAUMATIC",
    "VFX_OSTEOPOROTIC",
    "VFX_PRIOR",
    "UNKNOWN",
)


class UnrelatedFractures(Fact):
    """Fractures that are prior, traumatic, pathological or no longer recent: risk factors, not today's problem."""

    number: Field[int]
    reasons: tuple[str, ...] = ()


class DecidingClass(Fact):
    """The class that decides for the patient: the first present among the recent fractures, else among older ones.

    `treated` holds when all fractures of that class were followed by denosumab or zoledronate; `bridged` when a
    bisphosphonate was given between the last dose and one of its fractures.
    """

    word: Field[str]
    malignancy: Field[bool]
    recent: Field[bool]
    rebound: Field[bool]
    treated: Field[bool]
    bridged: Field[bool]
    fractures: tuple[Fracture, ...] = ()
    reason: str = ""
    index: IndexDose | None = None

    @property
    def treatments(self) -> tuple[str, ...]:
        """What was given after these fractures, when something was given after each of them."""
        words = (words for one in self.fractures for words in one.treatments)
        return tuple(dict.fromkeys(words)) if self.treated else ()


def decide(facts: Sequence[Fact], limits: Mapping[str, float]) -> list[Fact]:
    """Give every fracture without a firm class RVFX_POSSIBLE or UNKNOWN, and name the class that decides."""
    classes = [fact for fact in facts if isinstance(fact, FractureClass)]
    rest = [
        FractureClass(
            fracture=one.fracture,
            word="RVFX_POSSIBLE",
            malignancy=False,
            recent=one.recent,
            reason=one.reason,
            evidence=one.evidence,
        )
        for one in facts
        if isinstance(one, PossibleRebound)
    ]
    named = {one.fracture for one in (*classes, *rest)}
    rest += [
        FractureClass(
            fracture=one.number,
            word="UNKNOWN",
            malignancy=False,
            recent=one.recent,
            reason=_why_unknown(one, limits),
            evidence=one.evidence,
        )
        for one in facts
        if isinstance(one, Fracture) and one.number not in named
    ]
    ranked = sorted([*classes, *rest], key=_rank)
    if not ranked:
        return []
    best = ranked[0]
    alike = {one.fracture for one in ranked if _rank(one) == _rank(best)}
    fractures = tuple(one for one in facts if isinstance(one, Fracture) and one.number in alike)
    doses = {one.fracture: one for one in facts if isinstance(one, IndexDose)}
    deciding = DecidingClass(
        word=best.word,
        malignancy=best.malignancy,
        recent=best.recent,
        rebound=best.word in ("RVFX_PROBABLE", "RVFX_POSSIBLE"),
        treated=all(one.treated for one in fractures),
        bridged=any(number in alike and index.bridged for number, index in doses.items()),
        fractures=fractures,
        reason=best.reason,
        index=doses.get(best.fracture),
        evidence=tuple(sorted({reference for one in ranked if one.fracture in alike for reference in one.evidence})),
    )
    return [*rest, *_unrelated(ranked, limits), deciding]


def _why_unknown(fracture: Fracture, limits: Mapping[str, float]) -> str:
    if fracture.minor:
        return f"younger than {limits['adult_from']:g} years"
    if fracture.exposure == "oncology":
        return "only the 120 mg product was given before it, for which no class is defined"
    if fracture.exposure == "unusable":
        return "no usable date or strength of denosumab before it"
    return "the dates of the fracture and of the doses leave its class open"


def _unrelated(classes: Sequence[FractureClass], limits: Mapping[str, float]) -> list[UnrelatedFractures]:
    found = [one for one in classes if not one.recent or one.word in UNRELATED]
    if not found:
        return []
    ago = f"more than {limits['recent_fracture']:g} months ago"
    reasons = [one.reason if one.word in UNRELATED else f"{ago} ({one.word})" for one in found]
    evidence = tuple(sorted({reference for one in found for reference in one.evidence}))
    return [UnrelatedFractures(number=len(found), reasons=tuple(dict.fromkeys(reasons)), evidence=evidence)]


def _rank(one: FractureClass) -> tuple[bool, int]:
    word = "UNKNOWN_MALIGNANCY" if one.malignancy else one.word
    return (not one.recent, DECIDING_ORDER.index(word))

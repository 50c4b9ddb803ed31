"""The class of each vertebral fracture: causes first, then the time since the index dose."""

from __future__ import annotations

from collections.abc import Mapping

from rules.reasoning.conditions import each, fails, holds
from rules.reasoning.facts.fractures import (
    DAY_NOT_KNOWN,
    HIGH_ENERGY,
    LOW_TRAUMA,
    MALIGNANCY,
    PATHOLOGICAL,
    Fracture,
    FractureClass,
    IndexDose,
    PossibleRebound,
)
from rules.reasoning.rule import Phase, rule

fracture = Fracture.named("fracture")
index = IndexDose.named("index")
classified = FractureClass.named("classified")

FRAGILITY = (fracture.cause == LOW_TRAUMA, fails(fracture.minor), fracture.exposure == "dated")


@rule(
    "CLASS-TRAUMATIC",
    phase=Phase.RECOGNISE,
    when=[each(fracture, fracture.cause == HIGH_ENERGY)],
    emits=FractureClass,
)
def traumatic(fracture: Fracture) -> FractureClass:
    """A fracture from a high-energy mechanism is traumatic."""
    return _class("VFX_TRAUMATIC", fracture, "high-energy mechanism")


@rule(
    "CLASS-PATHOLOGICAL",
    phase=Phase.RECOGNISE,
    when=[each(fracture, fracture.cause == PATHOLOGICAL)],
    emits=FractureClass,
)
def pathological(fracture: Fracture) -> FractureClass:
    """A fracture coded as neoplastic, or with another proven cause, is pathological."""
    return _class("VFX_PATHOLOGICAL", fracture, "coded as neoplastic or with a proven cause")


@rule(
    "CLASS-MALIGNANCY-NOT-EXCLUDED",
    phase=Phase.RECOGNISE,
    when=[each(fracture, fracture.cause == MALIGNANCY)],
    emits=FractureClass,
)
def malignancy_not_excluded(fracture: Fracture) -> FractureClass:
    """With a bone metastasis, myeloma or bone tumour on record the class of a fracture is not known."""
    return _class("UNKNOWN", fracture, "malignancy not excluded", malignancy=True)


@rule(
    "CLASS-PRIOR",
    phase=Phase.RECOGNISE,
    when=[each(fracture, fracture.cause == LOW_TRAUMA, fracture.exposure == "before")],
    emits=FractureClass,
)
def prior(fracture: Fracture) -> FractureClass:
    """A fracture before the first dose of denosumab is a prior fracture."""
    return _class("VFX_PRIOR", fracture, "before the first dose of denosumab")


@rule(
    "CLASS-ON-TREATMENT",
    phase=Phase.RECOGNISE,
    when=[
        each(fracture, *FRAGILITY),
        each(
            index,
            index.fracture == fracture.number,
            index.given_latest <= fracture.earliest,
            index.effect_ends_earliest >= fracture.latest,
        ),
    ],
    emits=FractureClass,
)
def on_treatment(fracture: Fracture, index: IndexDose, limits: Mapping[str, float]) -> FractureClass:
    """A fracture within 6 months after a dose happened on treatment."""
    return _class("VFX_ON_TREATMENT", fracture, f"within {limits['effect_ends']:g} months after a dose", index)


@rule(
    "CLASS-PROBABLE",
    phase=Phase.RECOGNISE,
    when=[
        each(fracture, *FRAGILITY, fails(fracture.at_most_possible)),
        each(
            index,
            index.fracture == fracture.number,
            index.opens_latest <= fracture.earliest,
            index.closes_earliest >= fracture.latest,
            holds(index.repeated),
            fails(index.bridged),
        ),
    ],
    emits=FractureClass,
)
def probable(fracture: Fracture, index: IndexDose, limits: Mapping[str, float]) -> FractureClass:
    """Probable rebound: low trauma, 7 to 24 months after the last of at least two doses, no bisphosphonate between."""
    allowed = f", by the {limits['rebound_window_tolerance']:g} days that are allowed below" if index.tolerated else ""
    window = f"{limits['rebound_window_opens']:g} to {limits['rebound_window_closes']:g} months"
    return _class("RVFX_PROBABLE", fracture, f"{window} after the last dose{allowed}", index)


@rule(
    "CLASS-OSTEOPOROTIC-LATE",
    phase=Phase.RECOGNISE,
    when=[
        each(fracture, *FRAGILITY),
        each(index, index.fracture == fracture.number, index.over_latest < fracture.earliest),
    ],
    emits=FractureClass,
)
def osteoporotic_late(fracture: Fracture, index: IndexDose, limits: Mapping[str, float]) -> FractureClass:
    """A low-trauma fracture more than 36 months after the last dose is an ordinary osteoporotic one."""
    reason = f"more than {limits['rebound_over_after']:g} months after the last dose"
    return _class("VFX_OSTEOPOROTIC", fracture, reason, index)


@rule(
    "CLASS-OSTEOPOROTIC",
    phase=Phase.RECOGNISE,
    when=[each(fracture, fracture.cause == LOW_TRAUMA, fails(fracture.minor), fracture.exposure == "none")],
    emits=FractureClass,
)
def osteoporotic(fracture: Fracture) -> FractureClass:
    """A low-trauma fracture without any denosumab on record is an ordinary osteoporotic one."""
    return _class("VFX_OSTEOPOROTIC", fracture, "no denosumab on record")


@rule(
    "CLASS-POSSIBLE",
    phase=Phase.RESOLVE,
    when=[
        each(fracture, *FRAGILITY),
        each(
            index,
            index.fracture == fracture.number,
            index.effect_ends_earliest < fracture.latest,
            index.over_latest >= fracture.earliest,
        ),
    ],
    unless=[each(classified, classified.fracture == fracture.number)],
    emits=PossibleRebound,
)
def possible(fracture: Fracture, index: IndexDose, limits: Mapping[str, float]) -> PossibleRebound:
    """Possible rebound: low trauma, may lie 6 to 36 months after the last dose, and is not probable."""
    if index.bridged:
        reason = "a bisphosphonate was given between the last dose and the fracture"
    elif not index.repeated:
        reason = "no second dose before the fracture on record"
    elif fracture.at_most_possible:
        reason = fracture.event.doubt or DAY_NOT_KNOWN
    elif fracture.latest < index.opens_latest:
        reason = f"earlier than {limits['rebound_window_opens']:g} months after the last dose"
    elif fracture.earliest > index.closes_earliest:
        reason = f"later than {limits['rebound_window_closes']:g} months after the last dose"
    else:
        reason = "the dates leave more than one class open"
    evidence = tuple(sorted({*fracture.evidence, *index.evidence}))
    return PossibleRebound(fracture=fracture.number, recent=fracture.recent, reason=reason, evidence=evidence)


def _class(
    word: str, fracture: Fracture, reason: str, index: IndexDose | None = None, *, malignancy: bool = False
) -> FractureClass:
    return FractureClass(
        fracture=fracture.number,
        word=word,
        malignancy=malignancy,
        recent=fracture.recent,
        reason=reason,
        evidence=tuple(sorted({*fracture.evidence, *(index.evidence if index else ())})),
    )

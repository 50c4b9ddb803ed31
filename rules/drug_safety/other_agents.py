"""Orders of tablets, bone-forming drugs, romosozumab, SERMs, NSAIDs, and duplicates of denosumab."""

from __future__ import annotations

from collections.abc import Mapping

from rules.drug_safety.other_cautions import CARDIOVASCULAR_EVENT
from rules.drug_safety.rules import against, delete, delete_draft, next_step
from rules.reasoning.conclusions import Advice, Indicator
from rules.reasoning.conditions import each
from rules.reasoning.facts.appraisal import BLOCK, WARNING, Appraisal, JudgedDraft
from rules.reasoning.facts.drugs import DENOSUMAB, ZOLEDRONATE
from rules.reasoning.facts.duplicates import DuplicateDraft
from rules.reasoning.plans import plans
from rules.reasoning.rule import Phase, rule

order = JudgedDraft.named("order")
zoledronate = Appraisal.named("zoledronate")
denosumab = Appraisal.named("denosumab")
duplicate = DuplicateDraft.named("duplicate")

HEAVY = (BLOCK, WARNING)
BOXED_WARNING = (
    "Boxed warning for myocardial infarction, stroke and cardiovascular death; weigh the other risk factors of heart "
    "and vessels."
)


@rule(
    "RVFX-33",
    phase=Phase.ADVISE,
    when=[
        each(order, order.subject.one_of("alendronate", "risedronate", "ibandronate"), order.weight.one_of(*HEAVY)),
        each(zoledronate, zoledronate.drug == ZOLEDRONATE),
        each(denosumab, denosumab.drug == DENOSUMAB),
    ],
)
def tablet_unsuitable(order: JudgedDraft, zoledronate: Appraisal, denosumab: Appraisal) -> Advice:
    """Tablets of a bisphosphonate do not suit a weak kidney, a diseased oesophagus, low calcium or malabsorption."""
    return Advice(
        indicator=Indicator.WARNING,
        summary=f"Oral bisphosphonate unsuitable: {order.reason}. {_instead(zoledronate, denosumab)}",
        detail=(
            *against(order),
            "Somebody in bed with acute vertebral fractures often cannot stay upright for 30 minutes: prefer a "
            "parenteral drug.",
        ),
        suggestions=(*delete(order), *plans(zoledronate)),
        about=order.reference,
    )


def _instead(zoledronate: Appraisal, denosumab: Appraisal) -> str:
    """What to consider in place of tablets: what nothing on record blocks."""
    drugs = {"IV zoledronate": zoledronate, "denosumab": denosumab}
    open_ones = [name for name, one in drugs.items() if not one.barriers]
    return f"Consider {' or '.join(open_ones)}." if open_ones else "Ask a bone specialist."


@rule(
    "RVFX-34",
    phase=Phase.ADVISE,
    when=[each(order, order.subject.one_of("teriparatide", "abaloparatide"), order.weight.one_of(*HEAVY))],
)
def bone_forming_contraindicated(order: JudgedDraft) -> Advice:
    """Teriparatide and abaloparatide have contraindications in Europe that are warnings in the United States."""
    blocked = order.weight == BLOCK
    return Advice(
        indicator=Indicator.CRITICAL if blocked else Indicator.WARNING,
        summary=f"{order.subject.capitalize()}: {order.reason} is "
        f"{'a contraindication' if blocked else 'a warning of the label'}. Choose another agent.",
        detail=against(order),
        suggestions=delete(order) if blocked else (),
        about=order.reference,
    )


@rule(
    "RVFX-35",
    phase=Phase.ADVISE,
    when=[each(order, order.subject == "romosozumab", order.weight.one_of(*HEAVY))],
)
def romosozumab_blocked(order: JudgedDraft) -> Advice:
    """Romosozumab is ruled out by a recent infarction or stroke, in Europe by any, by low calcium and in pregnancy."""
    blocked = order.weight == BLOCK
    heaviest = [one for one in order.cautions if one.weight == order.weight]
    # Calcium can be corrected, an infarction cannot: of two blocks the summary names the lasting one.
    events = [one for one in heaviest if one.reason.startswith(CARDIOVASCULAR_EVENT)]
    said = events[0] if events else heaviest[0]
    return Advice(
        indicator=Indicator.CRITICAL if blocked else Indicator.WARNING,
        summary=f"Romosozumab: {said.reason}. "
        + ("US: not within 1 year of MI/stroke; EU: never after." if events else next_step(said, "Correct it first.")),
        detail=(
            *against(order),
            *((BOXED_WARNING,) if events or said.tests_may_lift else ()),
        ),
        suggestions=delete(order) if blocked else (),
        about=order.reference,
    )


@rule(
    "RVFX-36",
    phase=Phase.ADVISE,
    when=[each(order, order.subject == "nsaid", order.weight == WARNING)],
)
def nsaid_at_risk(order: JudgedDraft, limits: Mapping[str, float]) -> Advice:
    """A systemic NSAID is risky with a weak kidney, age, bleeding, anticoagulants, heart failure or zoledronate."""
    return Advice(
        indicator=Indicator.WARNING,
        summary=f"NSAID risk with {order.reason}. Prefer paracetamol and topical agents.",
        detail=(
            *against(order),
            f"Avoid below a clearance of {limits['nsaid_clearance']:g} mL/min. An NSAID, other drugs that act on the "
            "kidney, and dehydration raise the renal risk of zoledronate: not around an infusion.",
        ),
        suggestions=(delete_draft(order.reference, "the NSAID"),),
        about=order.reference,
    )


@rule(
    "RVFX-37",
    phase=Phase.ADVISE,
    when=[each(order, order.subject.one_of("raloxifene", "bazedoxifene"), order.weight.one_of(*HEAVY))],
)
def serm_blocked(order: JudgedDraft) -> Advice:
    """Raloxifene and bazedoxifene are ruled out by thromboembolism and immobility; stroke and heart are weighed."""
    blocked = order.weight == BLOCK
    drug = order.subject.capitalize()
    return Advice(
        indicator=Indicator.CRITICAL if blocked else Indicator.WARNING,
        summary=f"{drug} is contraindicated: {order.reason}. It is also weak after denosumab."
        if blocked
        else f"{drug}: {order.reason}. Weigh the risk of stroke; it is also weak after denosumab.",
        detail=(*against(order), "Immobility after a vertebral fracture is itself a risk of thromboembolism."),
        suggestions=delete(order) if blocked else (),
        about=order.reference,
    )


@rule("RVFX-39", phase=Phase.ADVISE, when=[each(duplicate)])
def denosumab_twice(duplicate: DuplicateDraft) -> Advice:
    """Another denosumab within 150 days of a dose, or both strengths at once, is a duplicate or a wrong product."""
    return Advice(
        indicator=Indicator.CRITICAL if duplicate.certain else Indicator.WARNING,
        summary=f"Possible duplicate denosumab ({duplicate.words}). Check product and strength.",
        detail=(
            f"{duplicate.sentence} Biosimilars share the substance; 60 mg every six months and 120 mg every four weeks "
            "must not be combined.",
        ),
        suggestions=(delete_draft(duplicate.reference, DENOSUMAB),) if duplicate.certain else (),
        about=duplicate.reference,
    )

"""What speaks against zoledronate 5 mg and denosumab 60 mg: one rule a caution, found whether drafted or not."""

from __future__ import annotations

from collections.abc import Mapping

from rules.reasoning.conditions import each, fails, holds, limit
from rules.reasoning.facts.appraisal import BLOCK, NOT_YET, REMARK, WARNING, Caution
from rules.reasoning.facts.drugs import DENOSUMAB, ZOLEDRONATE
from rules.reasoning.facts.laboratory import Calcium, Kidney, VitaminD
from rules.reasoning.facts.safety import DrugAllergy, SafetyHistory
from rules.reasoning.rule import Phase, rule

calcium = Calcium.named("calcium")
kidney = Kidney.named("kidney")
vitamin_d = VitaminD.named("vitamin_d")
history = SafetyHistory.named("history")
allergy = DrugAllergy.named("allergy")

CORRECT_CALCIUM = "correct calcium and vitamin D today and measure calcium again"
DIALYSIS = "dialysis"
INSTEAD_OF_ZOLEDRONATE = "denosumab with calcium checks, or advice from nephrology"
NEPHROLOGY = "plan with nephrology: exclude adynamic bone, weekly calcium in the first month, then monthly"


@rule("CAUTION-CALCIUM", phase=Phase.APPRAISE, when=[each(calcium, holds(calcium.low))], emits=Caution)
def calcium_low(calcium: Calcium) -> list[Caution]:
    """Low calcium blocks zoledronate and denosumab until it is corrected."""
    return [_caution(drug, BLOCK, f"low {calcium.said}", CORRECT_CALCIUM, calcium) for drug in (ZOLEDRONATE, DENOSUMAB)]


@rule(
    "CAUTION-ZOLEDRONATE-KIDNEY",
    phase=Phase.APPRAISE,
    when=[each(kidney, holds(kidney.known), kidney.clearance <= limit("zoledronate_clearance"))],
    emits=Caution,
)
def clearance_too_low(kidney: Kidney) -> Caution:
    """A creatinine clearance, else eGFR, of 35 mL/min or less blocks zoledronate."""
    return _caution(ZOLEDRONATE, BLOCK, kidney.said_clearance, INSTEAD_OF_ZOLEDRONATE, kidney)


@rule(
    "CAUTION-ZOLEDRONATE-STAGE-4-5",
    phase=Phase.APPRAISE,
    when=[each(kidney, fails(kidney.known), holds(kidney.severe_by_diagnosis))],
    emits=Caution,
)
def stage_4_or_5_without_a_value(kidney: Kidney) -> Caution:
    """Kidney disease of stage 4 or 5 blocks zoledronate as long as no value says otherwise."""
    return _caution(ZOLEDRONATE, BLOCK, "chronic kidney disease stage 4 or 5", "measure creatinine and eGFR", kidney)


@rule("CAUTION-ZOLEDRONATE-DIALYSIS", phase=Phase.APPRAISE, when=[each(kidney, holds(kidney.dialysis))], emits=Caution)
def dialysis_and_zoledronate(kidney: Kidney) -> Caution:
    """Dialysis blocks zoledronate."""
    return _caution(ZOLEDRONATE, BLOCK, DIALYSIS, INSTEAD_OF_ZOLEDRONATE, kidney)


@rule("CAUTION-ZOLEDRONATE-ACUTE", phase=Phase.APPRAISE, when=[each(kidney, holds(kidney.acute))], emits=Caution)
def acute_kidney_injury(kidney: Kidney) -> Caution:
    """Acute kidney injury blocks zoledronate."""
    return _caution(ZOLEDRONATE, BLOCK, "acute kidney injury", "wait until kidney function is stable", kidney)


@rule(
    "CAUTION-ZOLEDRONATE-VITAMIN-D",
    phase=Phase.APPRAISE,
    when=[
        each(vitamin_d, holds(vitamin_d.known), vitamin_d.value < limit("vitamin_d_deficient")),
        each(calcium, fails(calcium.high)),
    ],
    emits=Caution,
)
def vitamin_d_deficient(vitamin_d: VitaminD) -> Caution:
    """With 25-hydroxyvitamin D under 30 nmol/L zoledronate is not yet: load first, infuse within days."""
    return _caution(ZOLEDRONATE, NOT_YET, vitamin_d.said, "load vitamin D and infuse within days", vitamin_d)


@rule(
    "CAUTION-ZOLEDRONATE-VITAMIN-D-LOWISH",
    phase=Phase.APPRAISE,
    when=[
        each(
            vitamin_d,
            holds(vitamin_d.known),
            vitamin_d.value >= limit("vitamin_d_deficient"),
            vitamin_d.value < limit("vitamin_d_insufficient"),
        ),
        each(calcium, fails(calcium.high)),
    ],
    emits=Caution,
)
def vitamin_d_insufficient(vitamin_d: VitaminD) -> Caution:
    """With 25-hydroxyvitamin D of 30 to 49 nmol/L vitamin D is loaded beside zoledronate."""
    return _caution(ZOLEDRONATE, REMARK, vitamin_d.said, "load vitamin D beside the infusion", vitamin_d)


@rule(
    "CAUTION-DENOSUMAB-VITAMIN-D",
    phase=Phase.APPRAISE,
    when=[
        each(vitamin_d, holds(vitamin_d.known), vitamin_d.value < limit("vitamin_d_deficient")),
        each(calcium, fails(calcium.high)),
    ],
    emits=Caution,
)
def vitamin_d_deficient_and_denosumab(vitamin_d: VitaminD) -> Caution:
    """With 25-hydroxyvitamin D under 30 nmol/L vitamin D is loaded on the day of denosumab, before it."""
    return _caution(DENOSUMAB, REMARK, vitamin_d.said, "load vitamin D the same day, before the injection", vitamin_d)


@rule("CAUTION-PREGNANCY", phase=Phase.APPRAISE, when=[each(history, holds(history.pregnant))], emits=Caution)
def pregnancy(history: SafetyHistory) -> list[Caution]:
    """Pregnancy blocks zoledronate and denosumab."""
    return [_caution(drug, BLOCK, "pregnancy", "", history) for drug in (ZOLEDRONATE, DENOSUMAB)]


@rule(
    "CAUTION-ZOLEDRONATE-LACTATION", phase=Phase.APPRAISE, when=[each(history, holds(history.lactating))], emits=Caution
)
def lactation(history: SafetyHistory) -> Caution:
    """Breast-feeding blocks zoledronate."""
    return _caution(ZOLEDRONATE, BLOCK, "breast-feeding", "", history)


@rule(
    "CAUTION-ZOLEDRONATE-4MG",
    phase=Phase.APPRAISE,
    when=[each(history, holds(history.oncology_zoledronate))],
    emits=Caution,
)
def oncology_zoledronate(history: SafetyHistory) -> Caution:
    """Zoledronate 4 mg of oncology in use blocks zoledronate 5 mg."""
    return _caution(ZOLEDRONATE, BLOCK, "zoledronate 4 mg (oncology) is in use", "ask oncology", history)


@rule("CAUTION-FEMUR", phase=Phase.APPRAISE, when=[each(history, holds(history.atypical_femur))], emits=Caution)
def atypical_femoral_fracture(history: SafetyHistory) -> list[Caution]:
    """An atypical femoral fracture, current or past, blocks every antiresorptive until a specialist has reviewed it."""
    step = "review by a bone specialist"
    return [
        _caution(drug, BLOCK, "atypical femoral fracture on record", step, history) for drug in (ZOLEDRONATE, DENOSUMAB)
    ]


@rule("CAUTION-JAW", phase=Phase.APPRAISE, when=[each(history, holds(history.jaw_necrosis))], emits=Caution)
def jaw_necrosis(history: SafetyHistory) -> list[Caution]:
    """Osteonecrosis of the jaw calls for a joint plan before an antiresorptive."""
    step = "joint plan with dentistry; a stop starts the rebound clock"
    return [
        _caution(drug, WARNING, "osteonecrosis of the jaw on record", step, history)
        for drug in (ZOLEDRONATE, DENOSUMAB)
    ]


@rule("CAUTION-ALLERGY", phase=Phase.APPRAISE, when=[each(allergy)], emits=Caution)
def allergy_on_record(allergy: DrugAllergy) -> Caution:
    """An allergy or intolerance to the drug is to be clarified before it is given again."""
    step = "clarify what happened; a fever after an infusion is no allergy"
    return _caution(allergy.drug, WARNING, "allergy or intolerance on record", step, allergy)


@rule(
    "CAUTION-DENOSUMAB-KIDNEY",
    phase=Phase.APPRAISE,
    when=[each(kidney, holds(kidney.known), kidney.egfr < limit("denosumab_kidney_warning"))],
    emits=Caution,
)
def severe_hypocalcaemia_looms(kidney: Kidney) -> Caution:
    """With an eGFR under 30 denosumab may cause severe hypocalcaemia: a boxed warning, not a contraindication."""
    return _caution(DENOSUMAB, WARNING, kidney.said_egfr, NEPHROLOGY, kidney)


@rule("CAUTION-DENOSUMAB-DIALYSIS", phase=Phase.APPRAISE, when=[each(kidney, holds(kidney.dialysis))], emits=Caution)
def dialysis_and_denosumab(kidney: Kidney) -> Caution:
    """On dialysis denosumab may cause severe hypocalcaemia: a boxed warning, not a contraindication."""
    return _caution(DENOSUMAB, WARNING, DIALYSIS, NEPHROLOGY, kidney)


@rule(
    "CAUTION-DENOSUMAB-STAGE-4-5",
    phase=Phase.APPRAISE,
    when=[each(kidney, fails(kidney.known), holds(kidney.severe_by_diagnosis))],
    emits=Caution,
)
def stage_4_or_5_and_denosumab(kidney: Kidney) -> Caution:
    """Kidney disease of stage 4 or 5 calls for the same care with denosumab as long as no value says otherwise."""
    return _caution(DENOSUMAB, WARNING, "chronic kidney disease stage 4 or 5", NEPHROLOGY, kidney)


@rule(
    "CAUTION-DENOSUMAB-KIDNEY-LOWISH",
    phase=Phase.APPRAISE,
    when=[
        each(
            kidney,
            holds(kidney.known),
            kidney.egfr >= limit("denosumab_kidney_warning"),
            kidney.egfr < limit("denosumab_kidney_remark"),
        )
    ],
    emits=Caution,
)
def calcium_after_denosumab(kidney: Kidney) -> Caution:
    """With an eGFR of 30 to 44 calcium is checked two weeks after denosumab."""
    return _caution(DENOSUMAB, REMARK, kidney.said_egfr, "check calcium two weeks after the injection", kidney)


@rule("CAUTION-DENOSUMAB-MINOR", phase=Phase.APPRAISE, when=[each(history, holds(history.minor))], emits=Caution)
def under_age(history: SafetyHistory, limits: Mapping[str, float]) -> Caution:
    """Under 18 years denosumab 60 mg is blocked."""
    return _caution(DENOSUMAB, BLOCK, f"age under {limits['adult_from']:g}", "", history)


@rule(
    "CAUTION-DENOSUMAB-DUPLICATE",
    phase=Phase.APPRAISE,
    when=[each(history, holds(history.dose_too_close))],
    emits=Caution,
)
def another_dose_too_soon(history: SafetyHistory, limits: Mapping[str, float]) -> Caution:
    """Within 150 days of a dose another dose of denosumab would be a duplicate."""
    return Caution(
        drug=DENOSUMAB,
        weight=BLOCK,
        duplicate=True,
        reason=f"the last dose is less than {limits['dose_too_close']:g} days old",
        evidence=history.evidence,
    )


def _caution(
    drug: str, weight: str, reason: str, step: str, found: Calcium | Kidney | VitaminD | SafetyHistory | DrugAllergy
) -> Caution:
    return Caution(
        drug=drug,
        weight=weight,
        duplicate=False,
        reason=reason,
        step=step,
        tests_may_lift=isinstance(found, Calcium | Kidney | VitaminD) and reason != DIALYSIS,
        evidence=found.evidence,
    )

"""What speaks against tablets of a bisphosphonate, bone-forming drugs, romosozumab and SERMs: one rule a caution.

Where the labels of the United States and of Europe differ, the stricter one holds in Canada and Australia, and the
United Kingdom goes with Europe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rules.reasoning.conditions import each, fails, holds, limit
from rules.reasoning.fact import Fact
from rules.reasoning.facts.appraisal import BLOCK, WARNING, Caution
from rules.reasoning.facts.comorbidity import BoneDisease, Circulation, Comedication, Digestion
from rules.reasoning.facts.laboratory import Calcium, Kidney
from rules.reasoning.facts.place import Place
from rules.reasoning.facts.safety import SafetyHistory
from rules.reasoning.rule import Phase, rule

calcium = Calcium.named("calcium")
kidney = Kidney.named("kidney")
history = SafetyHistory.named("history")
bone = BoneDisease.named("bone")
circulation = Circulation.named("circulation")
digestion = Digestion.named("digestion")
also = Comedication.named("also")
place = Place.named("place")

TABLETS = ("alendronate", "risedronate", "ibandronate")
BONE_FORMING = ("teriparatide", "abaloparatide")
SERMS = ("raloxifene", "bazedoxifene")
UNITED_STATES = "US"
CARDIOVASCULAR_EVENT = "myocardial infarction or stroke"


@rule(
    "CAUTION-ALENDRONATE-KIDNEY",
    phase=Phase.APPRAISE,
    when=[each(kidney, holds(kidney.known), kidney.clearance < limit("alendronate_clearance"))],
    emits=Caution,
)
def alendronate_and_kidney(kidney: Kidney) -> list[Caution]:
    """Alendronate is not recommended with a clearance under 35 mL/min."""
    return _against(("alendronate",), WARNING, kidney.said_clearance, "a parenteral drug that fits", kidney)


@rule(
    "CAUTION-TABLETS-KIDNEY",
    phase=Phase.APPRAISE,
    when=[each(kidney, holds(kidney.known), kidney.clearance < limit("oral_bisphosphonate_clearance"))],
    emits=Caution,
)
def other_tablets_and_kidney(kidney: Kidney) -> list[Caution]:
    """Risedronate and ibandronate are not recommended with a clearance under 30 mL/min."""
    return _against(
        ("risedronate", "ibandronate"), WARNING, kidney.said_clearance, "a parenteral drug that fits", kidney
    )


@rule("CAUTION-TABLETS-DIALYSIS", phase=Phase.APPRAISE, when=[each(kidney, holds(kidney.dialysis))], emits=Caution)
def tablets_and_dialysis(kidney: Kidney) -> list[Caution]:
    """On dialysis the clearance is under every limit of tablets of a bisphosphonate."""
    return _against(TABLETS, WARNING, "dialysis", "a parenteral drug that fits", kidney)


@rule(
    "CAUTION-TABLETS-STAGE-4-5",
    phase=Phase.APPRAISE,
    when=[each(kidney, fails(kidney.known), holds(kidney.severe_by_diagnosis))],
    emits=Caution,
)
def tablets_and_stage_4_or_5(kidney: Kidney) -> list[Caution]:
    """Kidney disease of stage 4 or 5 speaks against tablets of a bisphosphonate as long as no value says otherwise."""
    return _against(TABLETS, WARNING, "chronic kidney disease stage 4 or 5", "measure creatinine and eGFR", kidney)


@rule("CAUTION-TABLETS-CALCIUM", phase=Phase.APPRAISE, when=[each(calcium, holds(calcium.low))], emits=Caution)
def tablets_and_low_calcium(calcium: Calcium) -> list[Caution]:
    """Low calcium is corrected before a bisphosphonate, romosozumab included."""
    return _against((*TABLETS, "romosozumab"), BLOCK, f"low {calcium.said}", "correct calcium first", calcium)


@rule(
    "CAUTION-TABLETS-OESOPHAGUS-BLOCKED",
    phase=Phase.APPRAISE,
    when=[each(digestion, holds(digestion.oesophagus_blocked))],
    emits=Caution,
)
def tablets_and_blocked_oesophagus(digestion: Digestion) -> list[Caution]:
    """A stricture or achalasia of the oesophagus rules tablets of a bisphosphonate out."""
    return _against(TABLETS, BLOCK, "stricture or achalasia of the oesophagus", "a parenteral drug", digestion)


@rule(
    "CAUTION-TABLETS-OESOPHAGUS-DISEASED",
    phase=Phase.APPRAISE,
    when=[each(digestion, holds(digestion.oesophagus_diseased))],
    emits=Caution,
)
def tablets_and_diseased_oesophagus(digestion: Digestion) -> list[Caution]:
    """Barrett, varices or trouble with swallowing speak against tablets of a bisphosphonate."""
    return _against(TABLETS, WARNING, "Barrett oesophagus, varices or dysphagia", "a parenteral drug", digestion)


@rule(
    "CAUTION-TABLETS-MALABSORPTION",
    phase=Phase.APPRAISE,
    when=[each(digestion, holds(digestion.malabsorption))],
    emits=Caution,
)
def tablets_and_malabsorption(digestion: Digestion) -> list[Caution]:
    """After bariatric surgery or with malabsorption tablets of a bisphosphonate may not be taken up."""
    return _against(TABLETS, WARNING, "malabsorption or bariatric surgery", "a parenteral drug", digestion)


@rule("CAUTION-TABLETS-FEMUR", phase=Phase.APPRAISE, when=[each(history, holds(history.atypical_femur))], emits=Caution)
def tablets_and_femur(history: SafetyHistory) -> list[Caution]:
    """An atypical femoral fracture, current or past, blocks tablets of a bisphosphonate."""
    step = "review by a bone specialist"
    return _against(TABLETS, BLOCK, "atypical femoral fracture on record", step, history)


@rule(
    "CAUTION-FORMING-MALIGNANCY",
    phase=Phase.APPRAISE,
    when=[each(place), each(bone, holds(bone.malignancy))],
    emits=Caution,
)
def forming_and_malignancy(place: Place, bone: BoneDisease) -> list[Caution]:
    """A bone metastasis, myeloma or bone tumour speaks against teriparatide and abaloparatide."""
    return _label(place, "bone metastasis, myeloma or bone tumour on record", bone)


@rule(
    "CAUTION-FORMING-IRRADIATED",
    phase=Phase.APPRAISE,
    when=[each(place), each(bone, holds(bone.irradiated))],
    emits=Caution,
)
def forming_and_irradiation(place: Place, bone: BoneDisease) -> list[Caution]:
    """Radiotherapy that involved the skeleton speaks against teriparatide and abaloparatide."""
    return _label(place, "radiotherapy of the skeleton on record", bone)


@rule("CAUTION-FORMING-PAGET", phase=Phase.APPRAISE, when=[each(place), each(bone, holds(bone.paget))], emits=Caution)
def forming_and_paget(place: Place, bone: BoneDisease) -> list[Caution]:
    """Paget's disease speaks against teriparatide and abaloparatide."""
    return _label(place, "Paget's disease of bone", bone)


@rule(
    "CAUTION-FORMING-ALP", phase=Phase.APPRAISE, when=[each(place), each(bone, holds(bone.raised_alp))], emits=Caution
)
def forming_and_alp(place: Place, bone: BoneDisease) -> list[Caution]:
    """A raised alkaline phosphatase is explained before teriparatide or abaloparatide."""
    return _label(place, "raised alkaline phosphatase", bone, first="explain it first; ")


@rule(
    "CAUTION-FORMING-PARATHYROID",
    phase=Phase.APPRAISE,
    when=[each(place), each(bone, holds(bone.hyperparathyroidism))],
    emits=Caution,
)
def forming_and_parathyroid(place: Place, bone: BoneDisease) -> list[Caution]:
    """Hyperparathyroidism speaks against teriparatide and abaloparatide."""
    return _label(place, "hyperparathyroidism", bone)


@rule(
    "CAUTION-FORMING-CALCIUM",
    phase=Phase.APPRAISE,
    when=[each(place), each(calcium, holds(calcium.high))],
    emits=Caution,
)
def forming_and_high_calcium(place: Place, calcium: Calcium) -> list[Caution]:
    """High calcium speaks against teriparatide and abaloparatide."""
    return _label(place, f"high {calcium.said}", calcium)


@rule(
    "CAUTION-FORMING-KIDNEY",
    phase=Phase.APPRAISE,
    when=[
        each(place, place.jurisdiction != UNITED_STATES),
        each(kidney, holds(kidney.known), kidney.egfr < limit("bone_forming_kidney")),
    ],
    emits=Caution,
)
def forming_and_kidney(place: Place, kidney: Kidney) -> list[Caution]:
    """Outside the United States severe renal impairment rules teriparatide and abaloparatide out."""
    return _label(place, kidney.said_egfr, kidney)


@rule("CAUTION-FORMING-PREGNANCY", phase=Phase.APPRAISE, when=[each(history, holds(history.pregnant))], emits=Caution)
def forming_and_pregnancy(history: SafetyHistory) -> list[Caution]:
    """Pregnancy rules teriparatide, abaloparatide, romosozumab and SERMs out."""
    return _against((*BONE_FORMING, "romosozumab", *SERMS), BLOCK, "pregnancy", "", history)


@rule(
    "CAUTION-FORMING-LIFETIME",
    phase=Phase.APPRAISE,
    when=[each(place), each(bone, holds(bone.teriparatide_used_up))],
    emits=Caution,
)
def forming_and_lifetime(place: Place, bone: BoneDisease, limits: Mapping[str, float]) -> list[Caution]:
    """More than 24 months of teriparatide in a lifetime is too much in Europe and needs a reason in the US."""
    allowed = f"{limits['teriparatide_lifetime']:g} months"
    return _label(place, f"more than {allowed} of teriparatide or abaloparatide on record", bone)


@rule(
    "CAUTION-ROMOSOZUMAB-RECENT-EVENT",
    phase=Phase.APPRAISE,
    when=[each(circulation, holds(circulation.event_recent))],
    emits=Caution,
)
def romosozumab_and_recent_event(circulation: Circulation, limits: Mapping[str, float]) -> list[Caution]:
    """A myocardial infarction or stroke of the last 12 months rules romosozumab out."""
    return _against(("romosozumab",), BLOCK, f"{CARDIOVASCULAR_EVENT} within {_recent(limits)}", "", circulation)


@rule(
    "CAUTION-ROMOSOZUMAB-EARLIER-EVENT",
    phase=Phase.APPRAISE,
    when=[each(place), each(circulation, holds(circulation.event_ever), fails(circulation.event_recent))],
    emits=Caution,
)
def romosozumab_and_earlier_event(place: Place, circulation: Circulation, limits: Mapping[str, float]) -> list[Caution]:
    """An earlier myocardial infarction or stroke, or an undated one, rules romosozumab out in Europe.

    It is weighed in the US once it is certain to be older than the label's year.
    """
    earlier = place.jurisdiction == UNITED_STATES and not circulation.event_perhaps_recent
    weight = WARNING if earlier else BLOCK
    perhaps = f", perhaps within {_recent(limits)} (its day is not known)"
    day = perhaps if circulation.event_perhaps_recent else f" more than {_recent(limits)} ago"
    return _against(("romosozumab",), weight, f"{CARDIOVASCULAR_EVENT}{day}", "", circulation)


def _recent(limits: Mapping[str, float]) -> str:
    return f"{limits['cardiovascular_event_recent']:g} months"


@rule(
    "CAUTION-SERM-THROMBOSIS",
    phase=Phase.APPRAISE,
    when=[each(circulation, holds(circulation.thrombosis))],
    emits=Caution,
)
def serm_and_thrombosis(circulation: Circulation) -> list[Caution]:
    """Venous thromboembolism, past or present, rules raloxifene and bazedoxifene out."""
    return _against(SERMS, BLOCK, "venous thromboembolism on record", "", circulation)


@rule("CAUTION-SERM-IMMOBILE", phase=Phase.APPRAISE, when=[each(also, holds(also.immobile))], emits=Caution)
def serm_and_immobility(also: Comedication) -> list[Caution]:
    """Prolonged immobility rules raloxifene and bazedoxifene out."""
    return _against(SERMS, BLOCK, "prolonged immobility", "not before walking again", also)


@rule(
    "CAUTION-SERM-STROKE",
    phase=Phase.APPRAISE,
    when=[each(circulation, holds(circulation.stroke_or_coronary))],
    emits=Caution,
)
def serm_and_stroke(circulation: Circulation) -> list[Caution]:
    """Stroke or coronary heart disease is weighed before raloxifene or bazedoxifene."""
    return _against(SERMS, WARNING, "stroke or coronary heart disease on record", "", circulation)


def _against(drugs: Sequence[str], weight: str, reason: str, step: str, found: Fact) -> list[Caution]:
    return [
        Caution(
            drug=drug,
            weight=weight,
            duplicate=False,
            reason=reason,
            step=step,
            tests_may_lift=isinstance(found, Calcium | Kidney),
            evidence=found.evidence,
        )
        for drug in drugs
    ]


def _label(place: Place, reason: str, found: Fact, *, first: str = "") -> list[Caution]:
    """A contraindication of the European label that is a warning of the American one; `first` leads the step."""
    united_states = place.jurisdiction == UNITED_STATES
    step = "a warning of the label in the United States" if united_states else "a contraindication of the label"
    return _against(BONE_FORMING, WARNING if united_states else BLOCK, reason, f"{first}{step}", found)

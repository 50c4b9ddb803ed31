"""What speaks against a systemic NSAID or an opioid: one rule a caution."""

from __future__ import annotations

from collections.abc import Mapping

from rules.reasoning.conditions import each, fails, holds, limit
from rules.reasoning.fact import Fact
from rules.reasoning.facts.appraisal import WARNING, Caution
from rules.reasoning.facts.comorbidity import Circulation, Comedication, Digestion
from rules.reasoning.facts.laboratory import Kidney
from rules.reasoning.facts.patient import Person
from rules.reasoning.rule import Phase, rule

person = Person.named("person")
kidney = Kidney.named("kidney")
circulation = Circulation.named("circulation")
digestion = Digestion.named("digestion")
also = Comedication.named("also")

NSAID, OPIOID = "nsaid", "opioid"


@rule(
    "CAUTION-NSAID-KIDNEY",
    phase=Phase.APPRAISE,
    when=[each(kidney, holds(kidney.known), kidney.clearance < limit("nsaid_clearance"))],
    emits=Caution,
)
def nsaid_and_kidney(kidney: Kidney) -> Caution:
    """A clearance under 30 mL/min speaks against an NSAID."""
    return _warn(NSAID, kidney.said_clearance, kidney)


@rule(
    "CAUTION-NSAID-TRIPLE",
    phase=Phase.APPRAISE,
    when=[
        each(kidney, holds(kidney.known), kidney.egfr < limit("nsaid_with_two_others_egfr")),
        each(also, holds(also.raas_inhibitor), holds(also.diuretic)),
    ],
    emits=Caution,
)
def nsaid_with_raas_inhibitor_and_diuretic(kidney: Kidney, also: Comedication) -> Caution:
    """With an eGFR under 60, an inhibitor of the renin-angiotensin system and a diuretic an NSAID harms the kidney."""
    return _warn(NSAID, f"ACE inhibitor or sartan with a diuretic, {kidney.said_egfr}", also)


@rule(
    "CAUTION-NSAID-AGE",
    phase=Phase.APPRAISE,
    when=[
        each(person, person.age >= limit("nsaid_age")),
        each(also, fails(also.proton_pump_inhibitor)),
    ],
    emits=Caution,
)
def nsaid_and_age(person: Person, limits: Mapping[str, float]) -> Caution:
    """From 75 years an NSAID wants a proton pump inhibitor beside it."""
    return _warn(NSAID, f"age {limits['nsaid_age']:g} or more and no proton pump inhibitor on record", person)


@rule("CAUTION-NSAID-BLEEDING", phase=Phase.APPRAISE, when=[each(digestion, holds(digestion.bleeding))], emits=Caution)
def nsaid_and_bleeding(digestion: Digestion) -> Caution:
    """A gastrointestinal bleed on record speaks against an NSAID."""
    return _warn(NSAID, "gastrointestinal bleed on record", digestion)


@rule("CAUTION-NSAID-ANTICOAGULANT", phase=Phase.APPRAISE, when=[each(also, holds(also.anticoagulant))], emits=Caution)
def nsaid_and_anticoagulant(also: Comedication) -> Caution:
    """An anticoagulant speaks against an NSAID."""
    return _warn(NSAID, "an anticoagulant", also)


@rule(
    "CAUTION-NSAID-HEART-FAILURE",
    phase=Phase.APPRAISE,
    when=[each(circulation, holds(circulation.heart_failure))],
    emits=Caution,
)
def nsaid_and_heart_failure(circulation: Circulation) -> Caution:
    """Heart failure speaks against an NSAID."""
    return _warn(NSAID, "heart failure", circulation)


@rule(
    "CAUTION-NSAID-INFUSION",
    phase=Phase.APPRAISE,
    when=[each(also, holds(also.zoledronate_just_given))],
    emits=Caution,
)
def nsaid_around_an_infusion(also: Comedication, limits: Mapping[str, float]) -> Caution:
    """Zoledronate of the last seven days speaks against an NSAID."""
    return _warn(NSAID, f"zoledronate within {limits['nsaid_near_infusion']:g} days", also)


@rule("CAUTION-OPIOID-SEDATIVE", phase=Phase.APPRAISE, when=[each(also, holds(also.benzodiazepine))], emits=Caution)
def opioid_and_benzodiazepine(also: Comedication) -> Caution:
    """A benzodiazepine beside an opioid is dangerous."""
    return _warn(OPIOID, "a benzodiazepine", also)


@rule("CAUTION-OPIOID-GABAPENTINOID", phase=Phase.APPRAISE, when=[each(also, holds(also.gabapentinoid))], emits=Caution)
def opioid_and_gabapentinoid(also: Comedication) -> Caution:
    """A gabapentinoid beside an opioid slows breathing."""
    return _warn(OPIOID, "a gabapentinoid", also)


@rule(
    "CAUTION-OPIOID-AGE",
    phase=Phase.APPRAISE,
    when=[each(person, person.age >= limit("opioid_age"))],
    emits=Caution,
)
def opioid_and_age(person: Person, limits: Mapping[str, float]) -> Caution:
    """From 65 years an opioid is begun low and reviewed early."""
    return _warn(OPIOID, f"age {limits['opioid_age']:g} or more", person)


@rule("CAUTION-OPIOID-FALLS", phase=Phase.APPRAISE, when=[each(also, holds(also.falls))], emits=Caution)
def opioid_and_falls(also: Comedication) -> Caution:
    """Falls on record make an opioid riskier."""
    return _warn(OPIOID, "falls on record", also)


@rule(
    "CAUTION-OPIOID-KIDNEY",
    phase=Phase.APPRAISE,
    when=[each(kidney, holds(kidney.known), kidney.egfr < limit("opioid_kidney"))],
    emits=Caution,
)
def opioid_and_kidney(kidney: Kidney) -> Caution:
    """With an eGFR under 30 morphine and codeine are avoided."""
    return _warn(OPIOID, f"{kidney.said_egfr}: avoid morphine and codeine", kidney)


@rule("CAUTION-OPIOID-APNOEA", phase=Phase.APPRAISE, when=[each(also, holds(also.sleep_apnoea))], emits=Caution)
def opioid_and_sleep_apnoea(also: Comedication) -> Caution:
    """Sleep apnoea makes an opioid riskier."""
    return _warn(OPIOID, "sleep apnoea", also)


def _warn(drug: str, reason: str, found: Fact) -> Caution:
    return Caution(drug=drug, weight=WARNING, duplicate=False, reason=reason, evidence=found.evidence)

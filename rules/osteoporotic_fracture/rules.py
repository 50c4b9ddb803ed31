"""The contrast arm: an ordinary osteoporotic vertebral fracture, where a bone-forming drug comes first."""

from __future__ import annotations

from collections.abc import Mapping

from rules.reasoning.conclusions import Advice, Indicator
from rules.reasoning.conditions import each, fails, holds, limit
from rules.reasoning.facts.deciding import DecidingClass
from rules.reasoning.facts.denosumab import Turnover
from rules.reasoning.facts.patient import DrugRecord, Person
from rules.reasoning.facts.rebound import ReboundConcern
from rules.reasoning.rule import Phase, rule
from rules.reasoning.words import REFERRAL

person = Person.named("person")
verdict = DecidingClass.named("verdict")
turnover = Turnover.named("turnover")
drugs = DrugRecord.named("drugs")
concern = ReboundConcern.named("concern")


@rule(
    "RVFX-41",
    phase=Phase.ADVISE,
    when=[
        each(person, holds(person.advised), person.age >= limit("ordinary_fracture_age")),
        each(verdict, verdict.word == "VFX_OSTEOPOROTIC", holds(verdict.recent)),
        each(turnover, fails(turnover.raised)),
        each(concern, fails(concern.present)),
        each(drugs),
    ],
)
def ordinary_fracture(turnover: Turnover, drugs: DrugRecord, limits: Mapping[str, float]) -> Advice:
    """A recent low-trauma fracture from 50 years without a rebound of denosumab: a bone-forming drug comes first."""
    if not drugs.whole:
        return Advice(
            indicator=Indicator.INFO,
            summary="Recent vertebral fracture: find out whether denosumab was ever given before a drug is chosen.",
            detail=(
                "**Class VFX_OSTEOPOROTIC, as far as the record was read.** Not every source of drugs could be read in "
                "whole, so that denosumab may have been given. After denosumab a potent antiresorptive comes first, "
                "and a bone-forming drug alone loses more bone; without it a bone-forming drug is considered first.",
            ),
            suggestions=(REFERRAL,),
        )
    lately = f"in the last {limits['turnover_counts']:g} months"
    measured = "" if turnover.measured else f" Turnover was not measured {lately}."
    return Advice(
        indicator=Indicator.INFO,
        summary="Recent osteoporotic vertebral fracture, no denosumab rebound: consider a bone-forming drug first "
        "(very high risk).",
        detail=(
            f"**Class VFX_OSTEOPOROTIC**.{measured} Teriparatide halved new vertebral fractures against risedronate "
            "(5.4 % against 12.0 %); romosozumab or abaloparatide are alternatives; an antiresorptive follows.",
            "Cement augmentation is not routine: no clinically relevant benefit over placebo.",
        ),
        suggestions=(REFERRAL,),
    )

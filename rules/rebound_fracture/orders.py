"""Orders that are wrong in a rebound: cement augmentation, and a bone-forming drug alone."""

from __future__ import annotations

from collections.abc import Mapping

from rules.reasoning.conclusions import Advice, Indicator, Suggestion, Withdraw
from rules.reasoning.conditions import each, fails, holds
from rules.reasoning.facts.appraisal import Appraisal, OnItsWay
from rules.reasoning.facts.deciding import DecidingClass
from rules.reasoning.facts.denosumab import Course
from rules.reasoning.facts.drugs import AUGMENTATION, DENOSUMAB, ZOLEDRONATE
from rules.reasoning.facts.patient import NextDose, Person
from rules.reasoning.facts.rebound import ReboundConcern
from rules.reasoning.facts.safety import Draft
from rules.reasoning.plans import plans, tests_first, ways, what_follows
from rules.reasoning.rule import Phase, rule
from rules.reasoning.words import REFERRAL, dose_sentence, index_sentence

person = Person.named("person")
course = Course.named("course")
verdict = DecidingClass.named("verdict")
draft = Draft.named("draft")
concern = ReboundConcern.named("concern")
booking = NextDose.named("booking")
coming = OnItsWay.named("coming")
denosumab = Appraisal.named("denosumab")
zoledronate = Appraisal.named("zoledronate")

NEW_ORDER = (holds(draft.selected), fails(draft.stop))


@rule(
    "RVFX-25",
    phase=Phase.ADVISE,
    when=[
        each(course),
        each(verdict, holds(verdict.rebound)),
        each(draft, draft.subject == AUGMENTATION, *NEW_ORDER),
    ],
)
def augmentation_in_rebound(course: Course, verdict: DecidingClass, draft: Draft) -> Advice:
    """Vertebroplasty or kyphoplasty ordered for a probable or possible rebound fracture is to be avoided."""
    return Advice(
        indicator=Indicator.CRITICAL,
        summary="Cement augmentation after denosumab rebound: new fractures followed in reported cases. "
        "Avoid; treat bone turnover first.",
        detail=(
            f"**Class {verdict.word}**: {verdict.reason}. {index_sentence(verdict, course)}",
            "The review of these fractures calls the procedure strongly contraindicated; all five women treated so in "
            "the pooled cases fractured again. The evidence is about ten patients: very low certainty, strong advice.",
            "Offer analgesia, often an opioid for a short time, early mobilisation and a potent antiresorptive. "
            "An exception (intractable pain) is for a multidisciplinary decision, after turnover is suppressed; a "
            "neurological deficit is an emergency and waits for nothing.",
        ),
        suggestions=(
            Suggestion(
                "Delete the draft of the augmentation",
                (Withdraw(draft.reference, "Delete the draft of the vertebral augmentation"),),
            ),
            REFERRAL,
        ),
        about=draft.reference,
    )


@rule(
    "RVFX-27",
    phase=Phase.ADVISE,
    when=[
        each(person, holds(person.advised)),
        each(course),
        each(concern, holds(concern.present)),
        each(draft, draft.subject.one_of("teriparatide", "abaloparatide"), *NEW_ORDER),
        each(booking, fails(booking.booked), fails(booking.ordered)),
        each(denosumab, denosumab.drug == DENOSUMAB),
        each(zoledronate, zoledronate.drug == ZOLEDRONATE),
    ],
    unless=[each(coming)],
)
def bone_forming_drug_alone(
    course: Course,
    concern: ReboundConcern,
    draft: Draft,
    denosumab: Appraisal,
    zoledronate: Appraisal,
    limits: Mapping[str, float],
) -> Advice:
    """Teriparatide or abaloparatide without a potent antiresorptive, in a rebound or within 24 months of denosumab."""
    drug = draft.subject
    offered = plans(denosumab, zoledronate) if concern.fracture else ()
    delete = Withdraw(draft.reference, f"Delete the draft of {drug}")
    first: tuple[Suggestion, ...] = (Suggestion(f"Delete the draft of {drug}", (delete,)),)
    instead = tuple(Suggestion(f"Instead of {drug}: {one.label}", (delete, *one.actions)) for one in offered)
    return Advice(
        indicator=Indicator.CRITICAL,
        summary=f"{drug.capitalize()} alone after denosumab: bone loss at hip and radius was seen (teriparatide). "
        "Use a potent antiresorptive first.",
        detail=(
            f"**Why now**: {concern.reason}. {dose_sentence(course)}",
            "The opposite of an ordinary osteoporotic fracture. Switching from denosumab to teriparatide lost bone in "
            "a randomised trial; three patients of a small series had no new fracture with it. If bone formation is "
            "wanted, specialists may add teriparatide to continued denosumab.",
            *(ways(denosumab, zoledronate) if concern.fracture else ()),
            *((what_follows(denosumab, zoledronate, limits),) if concern.fracture and not offered else ()),
        ),
        suggestions=(*instead, *first, *(tests_first(denosumab, zoledronate) if not instead else ())),
        choice=bool(instead),
        about=draft.reference,
    )

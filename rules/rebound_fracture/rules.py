"""Rebound-associated vertebral fractures: probable, possible, not yet treated, and fractures that are none."""

from __future__ import annotations

from collections.abc import Mapping

from rules.reasoning.conclusions import Advice, Indicator
from rules.reasoning.conditions import each, fails, holds
from rules.reasoning.dates import DateInterval
from rules.reasoning.facts.appraisal import Appraisal, OnItsWay
from rules.reasoning.facts.deciding import DecidingClass, UnrelatedFractures
from rules.reasoning.facts.denosumab import Course, Today
from rules.reasoning.facts.drugs import DENOSUMAB, ZOLEDRONATE
from rules.reasoning.facts.laboratory import SafetyTests
from rules.reasoning.facts.patient import Person
from rules.reasoning.plans import plans, tests_first, ways, what_follows
from rules.reasoning.rule import Phase, rule
from rules.reasoning.words import MRI, REFERRAL, dose_sentence, index_sentence, laboratory, months_between, work_up

person = Person.named("person")
course = Course.named("course")
today = Today.named("today")
verdict = DecidingClass.named("verdict")
unrelated = UnrelatedFractures.named("unrelated")
tests = SafetyTests.named("tests")
coming = OnItsWay.named("coming")
denosumab = Appraisal.named("denosumab")
zoledronate = Appraisal.named("zoledronate")

TURNOVER = laboratory("Order CTX and P1NP", "ctx", "p1np")
_START = "Start a potent antiresorptive promptly."
_CHOICE = (
    "Denosumab 60 mg again or zoledronate 5 mg, by calcium, kidney function and whether six-monthly injections can be "
    "kept."
)
_KEEP_UP = "See that treatment goes on: no dose of denosumab may be missed, and zoledronate is repeated by CTX."
DESPITE_BRIDGE = (
    "**A bisphosphonate was given in between**, which does not exclude a rebound: measure turnover, check that the "
    "drug was really given, taken and absorbed, and think of a second infusion."
)


@rule(
    "RVFX-01",
    phase=Phase.ADVISE,
    when=[
        each(person, holds(person.advised)),
        each(course),
        each(verdict, verdict.word == "RVFX_PROBABLE", holds(verdict.recent)),
        each(tests),
    ],
)
def probable_rebound_fracture(course: Course, verdict: DecidingClass, tests: SafetyTests) -> Advice:
    """A recent fracture 7 to 24 months after the last of at least two doses is a probable rebound fracture."""
    number = _levels(verdict)
    return Advice(
        indicator=Indicator.CRITICAL,
        summary=f"Probable rebound vertebral fracture(s): {number} new, {_months(verdict)} months after last "
        f"denosumab. {'A potent antiresorptive was given since.' if verdict.treated else _START}",
        detail=(
            f"**Class RVFX_PROBABLE**: {verdict.reason}. {index_sentence(verdict, course)}",
            "Treat as very high risk. Image the whole thoracolumbar spine, exclude malignancy and infection, relieve "
            f"pain. {_KEEP_UP if verdict.treated else _CHOICE}",
            "Avoid cement augmentation, and avoid a bone-forming drug alone.",
        ),
        suggestions=(MRI, work_up(tests), REFERRAL),
    )


@rule(
    "RVFX-02",
    phase=Phase.ADVISE,
    when=[
        each(person, holds(person.advised)),
        each(course),
        each(verdict, verdict.word == "RVFX_POSSIBLE", holds(verdict.recent)),
    ],
)
def possible_rebound_fracture(course: Course, verdict: DecidingClass) -> Advice:
    """A recent fracture that may be a rebound fracture needs its dates and its age confirmed."""
    return Advice(
        indicator=Indicator.WARNING,
        summary="Possible rebound vertebral fracture after denosumab: timing or exposure uncertain. "
        "Confirm dates and fracture age.",
        detail=(
            f"**Class RVFX_POSSIBLE**: {verdict.reason}. {index_sentence(verdict, course)}",
            "Ask for the date of the last injection and compare with earlier imaging; MRI with STIR when the age of "
            "the fracture is unknown. Until disproved avoid cement augmentation and a bone-forming drug alone.",
            *((DESPITE_BRIDGE,) if verdict.bridged else ()),
        ),
        suggestions=(MRI, TURNOVER) if verdict.bridged else (MRI,),
    )


@rule(
    "RVFX-07",
    phase=Phase.ADVISE,
    when=[each(course), each(verdict, verdict.word == "VFX_ON_TREATMENT", holds(verdict.recent))],
)
def fracture_on_treatment(course: Course, verdict: DecidingClass) -> Advice:
    """A recent fracture within 6 months after a dose is not a rebound fracture."""
    return Advice(
        indicator=Indicator.INFO,
        summary="Fracture while denosumab was still active: not a rebound fracture. "
        "Review adherence, secondary causes and risk.",
        detail=(
            f"**Class VFX_ON_TREATMENT** at the time of the fracture. {index_sentence(verdict, course)}",
            "Do not stop denosumab on this ground alone. Within three months of the first dose a fracture is early, "
            "not a failure of treatment. Check that injections were really given; any switch needs an exit plan.",
        ),
    )


@rule("RVFX-08", phase=Phase.ADVISE, when=[each(unrelated)])
def unrelated_fracture(unrelated: UnrelatedFractures) -> Advice:
    """A prior, traumatic or pathological fracture, or one more than 24 months ago, is shown as what it is."""
    return Advice(
        indicator=Indicator.INFO,
        summary=f"Vertebral fracture on record is not classed as rebound: {unrelated.reasons[0]}. "
        "It still counts as a risk factor.",
        detail=(
            f"Not counted as rebound now: {'; '.join(unrelated.reasons)}.",
            "A prior vertebral fracture raises the odds of several fractures after a stop about fourfold.",
        ),
    )


@rule(
    "RVFX-26",
    phase=Phase.ADVISE,
    when=[
        each(person, holds(person.advised)),
        each(course),
        each(verdict, verdict.word == "RVFX_PROBABLE", holds(verdict.recent), fails(verdict.treated)),
        each(denosumab, denosumab.drug == DENOSUMAB),
        each(zoledronate, zoledronate.drug == ZOLEDRONATE),
    ],
    unless=[each(coming)],
)
def no_antiresorptive_yet(
    course: Course, denosumab: Appraisal, zoledronate: Appraisal, limits: Mapping[str, float]
) -> Advice:
    """A recent probable rebound fracture that no potent antiresorptive has followed needs one now."""
    offered = plans(denosumab, zoledronate, urgent=True)
    return Advice(
        indicator=Indicator.CRITICAL,
        summary=f"Rebound fracture without antiresorptive treatment: very high imminent risk. "
        f"{_start(denosumab, zoledronate)}",
        detail=(
            dose_sentence(course),
            *ways(denosumab, zoledronate),
            "Denosumab suppresses fastest and commits to further doses; zoledronate is an exit in one step, needs a "
            f"creatinine clearance above {limits['zoledronate_clearance']:g} mL/min and corrected calcium and vitamin "
            "D, and is repeated by CTX. Do not wait for the fracture to heal.",
            *(() if offered else (what_follows(denosumab, zoledronate, limits),)),
        ),
        suggestions=offered or tests_first(denosumab, zoledronate),
        choice=bool(offered),
    )


def _start(denosumab: Appraisal, zoledronate: Appraisal) -> str:
    if denosumab.barriers and zoledronate.barriers:
        return "Denosumab and zoledronate are held up: lift the block first."
    if zoledronate.barriers:
        return "Start denosumab now; zoledronate is held up."
    if denosumab.barriers:
        return "Start zoledronate now; denosumab is held up."
    return "Start denosumab or zoledronate now."


def _levels(verdict: DecidingClass) -> int:
    return sum(max(len(one.event.levels), 1) for one in verdict.fractures)


def _months(verdict: DecidingClass) -> str:
    if verdict.index is None:
        return "some"
    first = min(one.event.when.earliest for one in verdict.fractures)
    last = max(one.event.when.latest for one in verdict.fractures)
    return months_between(verdict.index.when, DateInterval(first, last))

"""A stop of denosumab that is being ordered without anything to follow."""

from __future__ import annotations

from rules.reasoning.conclusions import Advice, Indicator
from rules.reasoning.conditions import each, fails, holds
from rules.reasoning.facts.appraisal import Appraisal, OnItsWay
from rules.reasoning.facts.denosumab import Course, Today
from rules.reasoning.facts.drugs import ALENDRONATE, DENOSUMAB, ZOLEDRONATE
from rules.reasoning.facts.patient import FollowOn, Person
from rules.reasoning.facts.safety import Draft
from rules.reasoning.plans import plans, tests_first, ways
from rules.reasoning.rule import Phase, rule
from rules.reasoning.words import dose_sentence

person = Person.named("person")
today = Today.named("today")
course = Course.named("course")
stop = Draft.named("stop")
follow_on = FollowOn.named("follow_on")
zoledronate = Appraisal.named("zoledronate")
tablets = Appraisal.named("tablets")
coming = OnItsWay.named("coming")
alendronate = Draft.named("alendronate")
risedronate = Draft.named("risedronate")
ibandronate = Draft.named("ibandronate")


@rule(
    "RVFX-13",
    phase=Phase.ADVISE,
    when=[
        each(person, holds(person.advised)),
        each(stop, stop.subject == DENOSUMAB, holds(stop.stop), holds(stop.selected), stop.product != "120mg"),
        each(today),
        each(course, holds(course.exposed), fails(course.last_120mg), course.rebound_until >= today.day),
        each(follow_on, fails(follow_on.covering)),
        each(zoledronate, zoledronate.drug == ZOLEDRONATE),
        each(tablets, tablets.drug == ALENDRONATE),
    ],
    unless=[
        each(coming),
        each(alendronate, alendronate.subject == "alendronate", fails(alendronate.stop)),
        each(risedronate, risedronate.subject == "risedronate", fails(risedronate.stop)),
        each(ibandronate, ibandronate.subject == "ibandronate", fails(ibandronate.stop)),
    ],
)
def stop_without_follow_on(
    stop: Draft, course: Course, today: Today, zoledronate: Appraisal, tablets: Appraisal
) -> Advice:
    """Denosumab is stopped or put on hold by an order, or was in this stay, and no antiresorptive follows."""
    due = course.due.latest if course.due else None
    planned = due if due is not None and due > today.when else None
    when = f"on {planned} (six months after the last injection)" if planned else "now"
    follows = "zoledronate or alendronate" if tablets.offered else "an antiresorptive that fits"
    return Advice(
        indicator=Indicator.CRITICAL,
        summary="Stopping denosumab without follow-on treatment risks multiple vertebral fractures. "
        "Plan a bisphosphonate first.",
        detail=(
            f"Denosumab knows no drug holiday. {dose_sentence(course)}",
            f"Either continue, or plan {follows} to start {when}. If it is stopped for osteonecrosis "
            "of the jaw, an atypical fracture, low calcium or an infection, name what bridges it with a specialist. "
            "To continue, leave the order as it was: nothing here deletes it.",
            *ways(zoledronate, *(() if tablets.offered else (tablets,))),
        ),
        suggestions=(*plans(zoledronate, due=planned), *tests_first(zoledronate)),
        about=stop.reference,
    )

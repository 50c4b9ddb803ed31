"""A program that uses every form of condition, and random facts for it."""

from __future__ import annotations

import random

from rules.reasoning.conclusions import Advice, Indicator
from rules.reasoning.conditions import each, fails, holds, limit
from rules.reasoning.fact import Fact, Field
from rules.reasoning.rule import Phase, Program, Summary, rule


class Course(Fact):
    """A course of injections."""

    number: Field[int]
    doses: Field[int]
    last_day: Field[int]
    product: Field[str]
    stopped: Field[bool]


class Fracture(Fact):
    """A fracture."""

    day: Field[int]
    score: Field[float]
    high_energy: Field[bool]


class FractureClass(Fact):
    """What a fracture was classified as."""

    day: Field[int]
    word: Field[str]


class Verdict(Fact):
    """The class that decides."""

    word: Field[str]
    fractures: Field[int]


course = Course.named("course")
fracture = Fracture.named("fracture")
classified = FractureClass.named("classified")
verdict = Verdict.named("verdict")


@rule("TRAUMATIC", phase=Phase.RECOGNISE, when=[each(fracture, holds(fracture.high_energy))], emits=FractureClass)
def traumatic(fracture: Fracture) -> FractureClass:
    """A fracture of high energy is traumatic."""
    return FractureClass(day=fracture.day, word="TRAUMATIC")


@rule(
    "PROBABLE",
    phase=Phase.RECOGNISE,
    when=[
        each(course, course.doses >= limit("doses"), course.product == "60mg"),
        each(
            fracture,
            fails(fracture.high_energy),
            fracture.day > course.last_day + limit("opens"),
            fracture.day <= course.last_day + limit("closes"),
        ),
    ],
    emits=FractureClass,
)
def probable(fracture: Fracture) -> FractureClass:
    """A fracture inside the window after enough doses is probable."""
    return FractureClass(day=fracture.day, word="PROBABLE")


@rule(
    "OTHER",
    phase=Phase.RESOLVE,
    when=[each(fracture, fracture.score < limit("score"))],
    unless=[each(classified, classified.day == fracture.day)],
    emits=Verdict,
)
def other() -> Verdict:
    """A fracture that nothing has classified is of another kind."""
    return Verdict(word="OTHER", fractures=1)


@rule(
    "ADVISE",
    phase=Phase.ADVISE,
    when=[
        each(course, course.product.one_of("60mg", "unknown"), holds(course.stopped)),
        each(verdict, verdict.word != "NONE", verdict.fractures >= course.number),
    ],
)
def advise(course: Course) -> Advice:
    """A stopped course with a fracture needs advice."""
    return Advice(indicator=Indicator.WARNING, summary=f"stopped after {course.doses}")


@rule("CALM", phase=Phase.ADVISE, when=[each(course, fails(course.stopped))], unless=[each(verdict)])
def calm() -> Advice:
    """A course that goes on without any verdict is noted."""
    return Advice(indicator=Indicator.INFO, summary="goes on")


@rule("BROKEN", phase=Phase.ADVISE, when=[each(course, course.doses == 3)])
def broken(course: Course) -> None:
    """A rule with a mistake in it."""
    raise ZeroDivisionError


def _summary(facts: object, limits: object) -> tuple[Verdict, ...]:
    found = [fact for fact in facts if isinstance(fact, FractureClass)]  # type: ignore[attr-defined]
    return (Verdict(word="SUMMED", fractures=len(found)),) if found else ()


LIMITS = {"doses": 2.0, "opens": 3.0, "closes": 7.0, "score": 0.5}


def program() -> Program:
    """The program, compiled anew."""
    return Program([traumatic, probable, other, advise, calm], LIMITS, {Phase.RESOLVE: Summary(_summary, (Verdict,))})


def random_facts(source: random.Random) -> list[Fact]:
    """Up to eight facts in any order, with values that lie on and around every limit."""
    facts: list[Fact] = [
        Course(
            number=source.randrange(3),
            doses=source.randrange(4),
            last_day=source.randrange(4),
            product=source.choice(("60mg", "120mg", "unknown")),
            stopped=source.random() < 0.5,
        )
        for _ in range(source.randrange(4))
    ]
    facts += [
        Fracture(
            day=source.randrange(12),
            score=source.choice((-0.25, 0.0, 0.5, 0.75)),
            high_energy=source.random() < 0.3,
        )
        for _ in range(source.randrange(5))
    ]
    source.shuffle(facts)
    return facts

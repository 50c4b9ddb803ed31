"""A condition that cannot mean what its author meant is refused when its module is imported."""

from __future__ import annotations

import pytest

from rules.reasoning.conclusions import Advice, Indicator
from rules.reasoning.conditions import each, fails, holds, limit
from rules.reasoning.errors import EngineFailed, KnowledgeError
from rules.reasoning.fact import Fact, Field
from rules.reasoning.reasoner import Reasoner
from rules.reasoning.rule import Phase, Program, rule
from tests.property.programs import LIMITS, Course, Fracture, FractureClass, course, fracture, program


def test_a_fact_gives_its_values_and_its_class_gives_conditions() -> None:
    one = Course(
        number=1, doses=7, last_day=20, product="60mg", stopped=False, evidence=("MedicationAdministration/1",)
    )
    assert one.doses == 7
    assert str(course.doses >= limit("doses")) == "course.doses >= limit doses"


@pytest.mark.parametrize(
    ("condition", "complaint"),
    [
        (lambda: course.doses == 1 and course.number == 2, "not `and`"),
        (lambda: not course.stopped, "is a condition"),
        (lambda: 1 < course.doses < 3, "not `and`"),
        (lambda: course.dosis == 1, "has no field 'dosis'"),  # type: ignore[attr-defined]
        (lambda: course.doses == "7", "compared with '7'"),
        (lambda: course.product >= "60mg", "has no order"),
        (lambda: course.stopped == True, "use holds"),  # noqa: E712
        (lambda: holds(course.doses), "not a yes/no field"),
        (lambda: fracture.score > course.doses, "only numbers of one type"),
        (lambda: fracture.day > Course.doses, "earlier alias"),
        (lambda: each(course, fracture.day == 1), "another alias"),
        (lambda: each(Course, course.doses == 1), "needs an alias"),
        (lambda: each(course, True), "not a condition"),
        (lambda: course.product.one_of(), "needs words"),
    ],
)
def test_a_misused_condition_is_refused(condition: object, complaint: str) -> None:
    with pytest.raises(KnowledgeError, match=complaint):
        condition()  # type: ignore[operator]


@pytest.mark.parametrize(
    "values",
    [
        {"score": float("inf")},
        {"score": float("nan")},
        {"score": 1e-5},
        {"score": 1e22},
        {"score": 1},
        {"day": True},
        {"day": 2**60},
        {"high_energy": None},
    ],
)
def test_a_fact_that_the_engine_could_not_hold_is_never_made(values: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError), match="Fracture"):
        Fracture(**{"day": 1, "score": 0.5, "high_energy": False, **values})  # type: ignore[arg-type]


@pytest.mark.parametrize("word", ['6"0', "a\\b", "line\nbreak", "x" * 121])
def test_text_that_could_break_the_engine_is_never_a_fact(word: str) -> None:
    with pytest.raises(ValueError, match="printable"):
        FractureClass(day=1, word=word)


def test_absence_of_what_the_same_phase_may_still_find_is_refused() -> None:
    classified = FractureClass.named("classified")

    @rule("EARLY", phase=Phase.RESOLVE, when=[each(course)], unless=[each(classified)], emits=FractureClass)
    def early() -> FractureClass:
        """Finds a class unless there is one."""
        return FractureClass(day=1, word="X")

    with pytest.raises(KnowledgeError, match="nor its absence is known yet"):
        Program([early], LIMITS)


def test_a_limit_that_nobody_defined_is_refused_when_the_program_is_made() -> None:
    @rule("LOST", phase=Phase.ADVISE, when=[each(course, course.doses > limit("no_such_limit"))])
    def lost() -> Advice:
        """Reads a limit that does not exist."""
        return Advice(indicator=Indicator.INFO, summary="never")

    with pytest.raises(KnowledgeError, match="no_such_limit"):
        Program([lost], LIMITS)


def test_a_rule_cannot_ask_for_a_fact_that_no_condition_binds() -> None:
    with pytest.raises(KnowledgeError, match="no condition binds"):

        @rule("ODD", phase=Phase.ADVISE, when=[each(course)])
        def odd(fracture: Fracture) -> Advice:
            """Asks for a fracture."""
            return Advice(indicator=Indicator.INFO, summary=str(fracture))


def test_a_fact_of_a_kind_that_no_rule_knows_is_an_error_and_not_silence() -> None:
    class Stranger(Fact):
        """Nobody reads it."""

        x: Field[int]

    with pytest.raises(EngineFailed, match="Stranger"):
        Reasoner(program()).run([Stranger(x=1)])


def test_a_silent_rule_says_which_condition_was_missing() -> None:
    reasoner = Reasoner(program())
    trace = reasoner.run(
        [
            Course(number=1, doses=1, last_day=0, product="60mg", stopped=False),
            Fracture(day=5, score=0.5, high_energy=False),
        ]
    )
    silence = reasoner.why_silent(trace, "PROBABLE")
    assert silence.alias == "course"
    assert silence.failed == ("course.doses >= 2",)


def test_a_rule_in_which_something_is_false_needs_it_false() -> None:
    assert str(fails(course.stopped)) == "course.stopped == False"

"""What the engine could get wrong in silence is refused when the program is made, before anyone is assessed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from rules.reasoning.conclusions import Advice, Indicator
from rules.reasoning.conditions import Pattern, each, holds, limit
from rules.reasoning.errors import EngineFailed, KnowledgeError
from rules.reasoning.fact import Fact, Field
from rules.reasoning.reasoner import Reasoner
from rules.reasoning.rule import Phase, Program, Rule, Summary, rule
from tests.property.programs import LIMITS, Course, FractureClass, Verdict, course, fracture

PATIENT: list[Fact] = [Course(number=1, doses=7, last_day=20, product="60mg", stopped=False)]


def advising(name: str, *when: Pattern, unless: Sequence[Pattern] = ()) -> Rule:
    @rule(name, phase=Phase.ADVISE, when=when, unless=unless)
    def found() -> Advice:
        """Something is to be said."""
        return Advice(indicator=Indicator.INFO, summary="said")

    return found


def finding(name: str, phase: Phase, kind: type[Fact], *when: Pattern) -> Rule:
    @rule(name, phase=phase, when=when, emits=kind)
    def found() -> tuple[Fact, ...]:
        """Finds nothing."""
        return ()

    return found


def kind_called(name: str) -> type[Fact]:
    return type(name, (Fact,), {"__annotations__": {"x": "Field[int]"}})


def the_one(kind: type[Fact]) -> Fact:
    values: dict[str, Any] = {"x": 1}
    return kind(**values)


def any_course(alias: str, number: int = 0) -> Pattern:
    return each(Course.named(f"{alias}{number}"))


@pytest.mark.parametrize("phase", [Phase.RECOGNISE, Phase.RESOLVE, Phase.APPRAISE])
def test_a_rule_cannot_read_what_its_own_phase_may_still_find(phase: Phase) -> None:
    found = each(FractureClass.named("found"))
    with pytest.raises(KnowledgeError, match=r"LATE.*may still be found by EARLY.*nor its absence is known yet"):
        Program([finding("EARLY", phase, FractureClass, each(course)), finding("LATE", phase, Verdict, found)], LIMITS)


@pytest.mark.parametrize("absent", [False, True])
def test_a_rule_cannot_read_what_a_later_phase_finds(absent: bool) -> None:
    found = each(FractureClass.named("found"))
    reading = rule(
        "READS", phase=Phase.RECOGNISE, when=[each(fracture)] if absent else [found], unless=[found] if absent else []
    )(find_nothing)
    with pytest.raises(KnowledgeError, match="READS: FractureClass may still be found by FINDS"):
        Program([reading, finding("FINDS", Phase.APPRAISE, FractureClass, each(course))], LIMITS)


def find_nothing() -> None:
    """Finds nothing."""


def test_a_rule_reads_what_an_earlier_phase_found() -> None:
    classified = FractureClass.named("classified")
    found = finding("FINDS", Phase.RECOGNISE, FractureClass, each(course))
    assert Program([found, advising("READS", each(classified)), advising("ABSENT", each(course))], LIMITS)


@pytest.mark.parametrize(
    ("reads", "absent", "allowed"),
    [
        (Phase.RECOGNISE, False, False),
        (Phase.RECOGNISE, True, False),
        (Phase.RESOLVE, False, False),
        (Phase.RESOLVE, True, True),
        (Phase.APPRAISE, False, True),
        (Phase.APPRAISE, True, True),
    ],
)
def test_what_a_summary_adds_is_absent_in_its_phase_and_known_after_it(
    reads: Phase, absent: bool, allowed: bool
) -> None:
    verdict = each(Verdict.named("verdict"))
    when, unless = ([each(course)], [verdict]) if absent else ([verdict], [])
    reading = rule("READS", phase=reads, when=when, unless=unless, emits=FractureClass)(find_nothing)
    summaries = {Phase.RESOLVE: Summary(lambda facts, limits: [Verdict(word="SUMMED", fractures=1)], (Verdict,))}
    if allowed:
        assert Verdict in Program([reading], LIMITS, summaries).kinds()
    else:
        with pytest.raises(KnowledgeError, match="READS: Verdict may still be found by the summary of RESOLVE"):
            Program([reading], LIMITS, summaries)


def test_a_summary_finds_only_what_it_says() -> None:
    lying = {Phase.RESOLVE: Summary(lambda facts, limits: PATIENT, (Verdict,))}
    with pytest.raises(EngineFailed, match="the summary of RESOLVE does not say that it finds Course"):
        Reasoner(Program([advising("X", each(course))], LIMITS, lying)).run([])


def test_the_last_phase_advises_and_finds_nothing() -> None:
    with pytest.raises(KnowledgeError, match="gives advice, not facts"):
        finding("LAST", Phase.ADVISE, FractureClass, each(course))


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(KnowledgeError, match="two rules are called TWICE"):
        Program([advising("TWICE", each(course)), advising("TWICE", each(fracture))], LIMITS)


@pytest.mark.parametrize(
    ("build", "complaint"),
    [
        (lambda: advising("EMPTY"), "at least one condition"),
        (lambda: advising("SAME", each(course), each(course)), "'course' is used twice"),
        (lambda: advising("SAME", each(course), unless=[each(course)]), "'course' is used twice"),
        (lambda: advising("UNBOUND", each(fracture, fracture.day > course.doses), each(course)), "not bound before it"),
        (lambda: advising("WIDE", *(any_course("c", n) for n in range(13))), "more than 12 conditions"),
        (
            lambda: advising("WIDE", *(any_course("c", n) for n in range(12)), unless=[any_course("d")]),
            "more than 12 conditions",
        ),
        (lambda: advising("DEEP", each(course, *(course.doses != n for n in range(25)))), "more than 24 tests"),
    ],
)
def test_a_malformed_rule_is_refused(build: Callable[[], Rule], complaint: str) -> None:
    with pytest.raises(KnowledgeError, match=complaint):
        build()


def test_a_rule_without_a_sentence_is_refused() -> None:
    with pytest.raises(KnowledgeError, match="docstring is missing"):
        rule("MUTE", phase=Phase.ADVISE, when=[each(course)])(lambda: None)


def test_twelve_conditions_of_twenty_four_tests_are_still_judged_rightly() -> None:
    tests = [each(named := Course.named(f"c{n}"), *(named.doses != 100 + m for m in range(24))) for n in range(12)]
    assert len(Reasoner(Program([advising("LARGEST", *tests)], LIMITS)).run(PATIENT).firings) == 1


def test_a_rule_of_many_words_fires_once_for_the_word_that_is_said() -> None:
    one, two = Course.named("one"), Course.named("two")
    others = [f"word {number}" for number in range(40)]
    said = advising("SAID", each(one, one.product.one_of(*others, "60mg")), each(two, two.product.one_of("60mg", "a")))
    not_said = advising("NOT-SAID", each(one, one.product.one_of(*others)), each(two, two.product.one_of("60mg")))
    assert [firing.rule for firing in Reasoner(Program([said, not_said], LIMITS)).run(PATIENT).firings] == ["SAID"]


def test_several_words_have_no_place_in_an_absence() -> None:
    absent = Course.named("absent")
    with pytest.raises(KnowledgeError, match="one pattern a word"):
        Program([advising("X", each(fracture), unless=[each(absent, absent.product.one_of("a", "b"))])], LIMITS)


def test_two_hundred_rules_of_a_phase_are_judged_and_one_more_is_refused() -> None:
    rules = [advising(f"R{number}", each(course)) for number in range(201)]
    assert len(Reasoner(Program(rules[:200], LIMITS)).run(PATIENT).firings) == 200
    with pytest.raises(KnowledgeError, match="ADVISE has more than 200 rules"):
        Program(rules, LIMITS)


def test_a_rule_of_many_words_is_one_rule_of_its_phase() -> None:
    words = [f"word {number}" for number in range(15)]
    rules = [advising(f"R{number}", each(course, course.product.one_of(*words, "60mg"))) for number in range(200)]
    assert len(Reasoner(Program(rules, LIMITS)).run(PATIENT).firings) == 200


def test_nine_hundred_conditions_on_one_kind_are_judged_and_one_more_is_refused() -> None:
    five = [[each(Course.named(f"c{n}"), Course.named(f"c{n}").doses == 7) for n in range(5)] for _ in range(180)]
    rules = [advising(f"R{number}", *patterns) for number, patterns in enumerate(five)]
    assert len(Reasoner(Program(rules, LIMITS)).run(PATIENT).firings) == 180
    with pytest.raises(KnowledgeError, match="Course is asked for in more than 900 conditions"):
        Program([*rules, advising("ONE-MORE", each(course))], LIMITS)


def test_two_hundred_kinds_are_judged_and_one_more_is_refused() -> None:
    kinds = [kind_called(f"Kind{number}") for number in range(200)]
    rules = [advising("ALL", each(kinds[0].named("k")))]
    assert len(Reasoner(Program(rules, LIMITS, base_kinds=kinds)).run([the_one(kind) for kind in kinds]).firings) == 1
    with pytest.raises(KnowledgeError, match="more than 200 kinds"):
        Program(rules, LIMITS, base_kinds=[*kinds, Course])


def test_two_kinds_of_one_name_would_be_one_to_the_engine_and_are_refused() -> None:
    with pytest.raises(KnowledgeError, match="two kinds of facts are called Twin"):
        Program([advising("X", each(course))], LIMITS, base_kinds=[kind_called("Twin"), kind_called("Twin")])


@pytest.mark.parametrize("name", ["start", "phase", "never"])
def test_a_kind_cannot_take_a_name_of_the_engines_own(name: str) -> None:
    with pytest.raises(KnowledgeError, match=f"called {name}"):
        Program([advising("X", each(course))], LIMITS, base_kinds=[kind_called(name)])


class Text(Fact):
    """A word."""

    word: Field[str]
    yes: Field[bool]


text = Text.named("text")


@pytest.mark.parametrize(
    ("condition", "complaint"),
    [
        (lambda: fracture.score > 1e-5, "out of the range"),
        (lambda: fracture.score > float("inf"), "out of the range"),
        (lambda: fracture.score > float("nan"), "out of the range"),
        (lambda: fracture.score <= 1e22, "out of the range"),
        (lambda: course.doses < 2**60, "out of the range"),
        (lambda: text.word == 'say "no"', "without quotes"),
        (lambda: text.word != "back\\slash", "without quotes"),
        (lambda: text.word == "line\nbreak", "printable"),
        (lambda: text.word == "x" * 121, "short"),
        (lambda: text.word.one_of("fine", 'not "fine"'), "without quotes"),
        (lambda: fracture.day > course.last_day + 1.5, "must be int, not float"),
        (lambda: fracture.day > course.last_day + 2**60, "out of the range"),
    ],
)
def test_a_constant_that_the_engine_could_not_hold_is_refused(condition: Callable[[], object], complaint: str) -> None:
    with pytest.raises(KnowledgeError, match=complaint):
        condition()


@pytest.mark.parametrize(
    ("value", "complaint"),
    [(2.5, "whole number"), (float("inf"), "whole number"), (2.0**60, "out of the range")],
)
def test_a_limit_that_does_not_fit_a_whole_number_is_refused(value: float, complaint: str) -> None:
    for condition in (each(course, course.doses >= limit("doses")), later_by("doses")):
        with pytest.raises(KnowledgeError, match=complaint):
            Program([advising("X", each(Course.named("first")), condition)], {"doses": value})


def later_by(name: str) -> Pattern:
    first = Course.named("first")
    return each(course, course.last_day > first.last_day + limit(name))


def test_a_limit_that_the_engine_could_not_read_is_refused() -> None:
    with pytest.raises(KnowledgeError, match="limit 'score' is out of the range"):
        Program([advising("X", each(fracture, fracture.score < limit("score")))], {"score": 1e-5})


def test_yes_and_no_need_no_limit() -> None:
    with pytest.raises(KnowledgeError, match="a limit is a number"):
        each(text, text.yes == limit("doses"))
    assert advising("FINE", each(text, holds(text.yes)))

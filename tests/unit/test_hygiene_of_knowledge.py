"""The knowledge base and its cases keep each other honest: no rule, condition or limit that no case needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import pytest

from rules.reasoning.conclusions import Advice
from rules.reasoning.conditions import Condition, Pattern
from rules.reasoning.evaluation import Evaluation
from rules.reasoning.fact import Fact
from rules.reasoning.facts.appraisal import TESTS_BEFORE, Appraisal
from rules.reasoning.facts.denosumab import Today
from rules.reasoning.oracle import matches
from rules.reasoning.rule import Phase, Program, Rule
from tests.storybook.case import Case, load_cases
from tests.storybook.routes import InProcess

IN_PROCESS = InProcess.of()
KNOWLEDGE = IN_PROCESS.knowledge
ADVISING = {rule.id: rule for rule in KNOWLEDGE.program.of(Phase.ADVISE)}
JUDGED = [rule for rule in KNOWLEDGE.program.rules if rule.phase is not Phase.RESOLVE]
"""All rules but those that resolve what others left open: what these conclude is among the facts they exclude."""
CASES = load_cases()

SIDES = {"below", "at", "above"}
FINER_STEPS = {"mmol/L": 0.01, "ug/L": 0.01, "umol/min": 0.01, "mmol/g": 0.001, "cm": 0.1}
"""The least step of a limit by its unit; a whole one where none is said."""

IMPLIED = {
    "STATE-ACTIVE: course.only_120mg == False": "the last dose is not 120 mg",
    "STATE-DUE-SOON: course.only_120mg == False": "the last dose is not 120 mg",
    "STATE-ONCOLOGY-STOPPED: course.usable == True": "120 mg is a known product, and a stop makes a vague date usable",
    "CLASS-ON-TREATMENT: index.fracture == fracture.number": "no older dose can cover a later fracture",
    "CAUTION-ZOLEDRONATE-VITAMIN-D-LOWISH: vitamin_d.known == True": "an unknown value is 0, under the lower limit",
    "RVFX-14: draft.stop == False": "a stop is a record of denosumab, and the state is then no longer NEVER",
    "CAUTION-DENOSUMAB-KIDNEY-LOWISH: kidney.known == True": "an unknown value is 0, under the lower limit",
}
"""Conditions that the others of their rule imply, so that none of them can decide alone, each with the reason."""


@cache
def evaluations() -> tuple[tuple[Case, Evaluation], ...]:
    """Every case with what follows from it at any hook."""
    return tuple((case, IN_PROCESS.evaluate(case)) for case in CASES)


def concluded(evaluation: Evaluation) -> set[str]:
    """The rules whose conditions hold, whether they speak at the hook or give way."""
    return {firing.rule for firing in evaluation.trace.firings}


@pytest.mark.parametrize("rule", ADVISING)
def test_the_rule_speaks_in_one_case_and_is_silent_in_another(rule: str) -> None:
    spoke = {case.name for case, evaluation in evaluations() if rule in {one.rule for one in evaluation.conclusions}}
    assert spoke
    assert len(spoke) < len(CASES)


@dataclass(frozen=True)
class Needed:
    """One condition of a rule, and the rule without it."""

    rule: Rule
    words: str
    without: Rule

    def __str__(self) -> str:
        return f"{self.rule.id}: {self.words}"

    def decides(self, facts: tuple[Fact, ...]) -> bool:
        """Whether this condition alone keeps the rule silent."""
        return bool(_matches(self.without, facts)) and not _matches(self.rule, facts)


def _matches(rule: Rule, facts: tuple[Fact, ...]) -> bool:
    return bool(matches(Program([rule], KNOWLEDGE.limits), rule.phase, facts))


def conditions() -> Iterator[Needed]:
    """Each test of each fact that a rule asks for, each fact without tests that may be missing, each exclusion."""
    for rule in JUDGED:
        for pattern in rule.when:
            for test in pattern.tests if not _names_an_appraisal(pattern) else ():
                lighter = replace(pattern, tests=tuple(one for one in pattern.tests if one is not test))
                yield Needed(rule, str(test), _with(rule, pattern, lighter))
            if not pattern.tests and _may_be_missing(pattern) and not _is_compared_with(rule, pattern):
                yield Needed(rule, f"there is {pattern.kind.__name__}", _with(rule, pattern, None))
        for pattern in rule.unless:
            without = replace(rule, unless=tuple(one for one in rule.unless if one is not pattern))
            yield Needed(rule, f"there is no {pattern.kind.__name__}", without)


def _is_compared_with(rule: Rule, pattern: Pattern) -> bool:
    """Whether other tests of the rule are about this fact, and mean nothing without it."""
    tests = [test for other in (*rule.when, *rule.unless) for test in other.tests]
    return any(test.join is not None and test.join.alias == pattern.alias for test in tests)


def _with(rule: Rule, old: Pattern, new: Pattern | None) -> Rule:
    # A rule of one pattern keeps the day of evaluation, which is always known, in its place.
    kept = tuple(new if one is old else one for one in rule.when if not (one is old and new is None))
    return replace(rule, when=tuple(one for one in kept if one is not None) or (Pattern(Today, "today", ()),))


def _names_an_appraisal(pattern: Pattern) -> bool:
    """Whether a pattern only says which of the appraisals it means; there is one for each drug, always."""
    return pattern.kind is Appraisal and [test.field.name for test in pattern.tests] == ["drug"]


def _may_be_missing(pattern: Pattern) -> bool:
    return any(
        not any(type(fact) is pattern.kind for fact in evaluation.trace.facts) for _, evaluation in evaluations()
    )


CONDITIONS = list(conditions())


@pytest.mark.parametrize("needed", CONDITIONS, ids=str)
def test_a_case_is_silent_for_want_of_this_condition_alone(needed: Needed) -> None:
    decides = any(needed.decides(evaluation.trace.facts) for _, evaluation in evaluations())
    assert decides != (str(needed) in IMPLIED)


def test_the_implied_conditions_exist() -> None:
    assert set(IMPLIED) <= {str(needed) for needed in CONDITIONS}


@pytest.mark.parametrize("rule", ADVISING)
def test_the_rule_speaks_with_the_urgency_that_its_knowledge_tells_and_with_each_of_it(rule: str) -> None:
    firings = [one for _, evaluation in evaluations() for one in evaluation.trace.firings if one.rule == rule]
    spoken = {one.outcome.indicator for one in firings if isinstance(one.outcome, Advice)}
    entry = KNOWLEDGE.rule(rule)
    assert spoken == {entry.indicator, *(word for word, _ in entry.otherwise)}


@pytest.mark.parametrize("rule", KNOWLEDGE.program.rules, ids=lambda rule: rule.id)
def test_the_rule_applies_in_one_case_and_not_in_another(rule: Rule) -> None:
    applied = [rule.id in concluded(evaluation) for _, evaluation in evaluations()]
    assert any(applied)
    assert not all(applied)


def test_each_drug_has_one_appraisal_in_every_case() -> None:
    for _, evaluation in evaluations():
        assert [one.drug for one in evaluation.trace.all(Appraisal)] == list(TESTS_BEFORE)


def words() -> Iterator[tuple[str, Condition, str]]:
    for rule in JUDGED:
        for pattern in rule.when:
            for test in pattern.tests:
                if isinstance(test.right, tuple):
                    yield from ((rule.id, test, word) for word in test.right)


@pytest.mark.parametrize(("rule", "test", "word"), list(words()), ids=str)
def test_a_case_speaks_for_each_word_of_a_choice(rule: str, test: Condition, word: str) -> None:
    assert any(
        vars(fact)[test.field.name] == word
        for _, evaluation in evaluations()
        if rule in concluded(evaluation)
        for fact in evaluation.trace.facts
        if type(fact) is test.field.kind
    )


def named_limits() -> dict[str, dict[str, list[Case]]]:
    found: dict[str, dict[str, list[Case]]] = defaultdict(lambda: defaultdict(list))
    for case in CASES:
        for name, sides in case.told.limits.items():
            for side in [sides] if isinstance(sides, str) else sides:
                found[name][side].append(case)
    return found


LIMITS = sorted(KNOWLEDGE.limits)


def test_cases_name_only_limits_that_exist() -> None:
    assert set(named_limits()) <= set(LIMITS)


@pytest.mark.parametrize("limit", LIMITS)
def test_the_limit_has_cases_just_below_at_and_just_above(limit: str) -> None:
    assert set(named_limits().get(limit, {})) == SIDES


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_moved_by_the_least_step_changes_a_case_that_names_it(limit: str) -> None:
    value, unit = KNOWLEDGE.limits[limit], KNOWLEDGE.limits.limit(limit).unit
    step = FINER_STEPS.get(unit, 1)
    cases = {case.name: case for cases in named_limits()[limit].values() for case in cases}
    before = IN_PROCESS.answers(list(cases.values()))
    for moved in (round(value - step, 4), round(value + step, 4)):
        after = IN_PROCESS.with_limit(limit, moved).answers(list(cases.values()))
        assert before != after, f"no case that names {limit} notices {moved:g} {unit}"

"""A text names the limit that decided, as the site has set it, not the number that was written with the text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rules.reasoning.facts.appraisal import Caution
from rules.reasoning.facts.deciding import UnrelatedFractures
from tests.storybook.case import Case, load_cases
from tests.storybook.routes import InProcess

SAID = [
    ("effect_ends", "within {:g} months after a dose"),
    ("rebound_window_opens", "{:g} to 24 months after the last dose"),
    ("rebound_window_opens", "earlier than {:g} months after the last dose"),
    ("rebound_window_closes", "7 to {:g} months after the last dose"),
    ("rebound_window_closes", "later than {:g} months after the last dose"),
    ("rebound_window_closes", "denosumab within the last {:g} months"),
    ("rebound_window_tolerance", "by the {:g} days that are allowed below"),
    ("rebound_over_after", "more than {:g} months after the last dose"),
    ("recent_fracture", "more than {:g} months ago ("),
    ("adult_from", "younger than {:g} years"),
    ("adult_from", "age under {:g}"),
    ("turnover_counts", "not measured in the last {:g} months"),
    ("exposure_long_doses", "{:g} or more doses"),
    ("exposure_long_duration", "or more doses, or {:g} months"),
    ("dose_too_close", "less than {:g} days old"),
    ("zoledronate_clearance", "creatinine clearance above {:g} mL/min"),
    ("zoledronate_clearance", "clearance {:g} mL/min or less, denosumab 60 mg"),
    ("zoledronate_clearance", "later (clearance {:g} mL/min or less)"),
    ("vitamin_d_deficient", "25-hydroxyvitamin D under {:g} nmol/L, load"),
    ("cardiovascular_event_recent", "myocardial infarction or stroke within {:g} months"),
    ("cardiovascular_event_recent", "more than {:g} months ago"),
    ("teriparatide_lifetime", "more than {:g} months of teriparatide"),
    ("nsaid_age", "age {:g} or more and no proton pump inhibitor"),
    ("nsaid_near_infusion", "zoledronate within {:g} days"),
    ("nsaid_clearance", "Avoid below a clearance of {:g} mL/min"),
    ("opioid_age", "age {:g} or more"),
    ("opioid_kidney", "codeine with an eGFR under {:g}"),
]
PRODUCT = InProcess.of()
CASES = load_cases()


def texts(asked: InProcess, case: Case) -> Iterator[str]:
    evaluation = asked.evaluate(case)
    yield from (one.reason for one in evaluation.fractures)
    yield from (one.reason for one in evaluation.trace.all(Caution))
    yield from (reason for one in evaluation.trace.all(UnrelatedFractures) for reason in one.reasons)
    for one in evaluation.conclusions:
        yield from (one.advice.summary, *one.advice.detail)


@pytest.fixture(scope="module")
def told() -> dict[str, str]:
    return {case.name: "\n".join(texts(PRODUCT, case)) for case in CASES}


@pytest.mark.parametrize(("name", "words"), SAID, ids=[f"{name}: {words}" for name, words in SAID])
def test_the_words_follow_the_limit_of_the_site(name: str, words: str, told: dict[str, str]) -> None:
    limit = PRODUCT.knowledge.limits.limit(name)
    here = [case for case in CASES if words.format(limit.value) in told[case.name]]
    assert here, "no case says these words"
    followed = False
    for value in (limit.value + 1, limit.value - 1):
        moved = PRODUCT.with_limit(name, value)
        now = ["\n".join(texts(moved, case)) for case in here]
        followed |= any(words.format(value) in said for said in now)
        assert not any(words.format(limit.value) in said for said in now)
    assert followed

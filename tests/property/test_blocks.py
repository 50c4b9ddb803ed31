"""What blocks an order goes on blocking it whatever else is found, and the worst chart stays within the engine."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.reasoning.conclusions import Advice, Indicator
from rules.reasoning.evaluation import Evaluation
from tests.storybook.case import Case, Told
from tests.storybook.given import Appointment, Diagnosis, DrugTaken, Given, Injections, Person, Stay, When
from tests.storybook.given import VertebralFracture as Broken
from tests.storybook.outcome import Then
from tests.storybook.routes import InProcess
from tests.storybook.vocabulary import words_of

ROUTE = InProcess.of()
DAY = "2026-03-01"
MOST_ADVICE = 60

BLOCKED = {
    "a clearance of 20 before zoledronate": ("zoledronic acid 5 mg", {"creatinine clearance": f"20 mL/min on {DAY}"}),
    "low calcium before denosumab": ("denosumab 60 mg", {"calcium": f"1.90 mmol/L on {DAY}"}),
    "low calcium before romosozumab": ("romosozumab 210 mg", {"calcium": f"1.90 mmol/L on {DAY}"}),
}
DIAGNOSES = words_of("diagnoses")
DRUGS = [drug for drug in words_of("drugs") if "denosumab" not in drug and not drug.endswith(("60 mg", "120 mg"))]

diagnoses = st.lists(st.sampled_from(DIAGNOSES), max_size=6, unique=True)
drugs = st.lists(st.sampled_from(DRUGS), max_size=4, unique=True)


def evaluated(record: Given, *drafts: str) -> Evaluation:
    when = When(as_of=DAY, hook="order-sign", drafts=drafts)
    return ROUTE.evaluate(Case("property", "blocks", Told(title="one", given=record, when=when, then=Then())))


def blocks(evaluation: Evaluation) -> set[tuple[str, str]]:
    """The rules that speak critically against an order, with the order."""
    return {
        (one.rule, one.advice.about)
        for one in evaluation.conclusions
        if one.advice.indicator is Indicator.CRITICAL and one.advice.about
    }


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(sorted(BLOCKED)), diagnoses, drugs)
def test_more_evidence_never_loses_a_block(reason: str, found: list[str], taken: list[str]) -> None:
    draft, tests = BLOCKED[reason]
    person = Person(age=70)
    laboratory: dict[str, str | list[str]] = {**tests}
    expected = blocks(evaluated(Given(patient=person, laboratory=laboratory), draft))
    more = Given(
        patient=person,
        laboratory=laboratory,
        history=tuple(Diagnosis(what=what, since="2025-06-01") for what in found),
        drugs_taken=tuple(DrugTaken(drug=drug, from_="2024-01-01") for drug in taken),
    )
    assert expected
    assert expected <= blocks(evaluated(more, draft))


def test_the_worst_chart_gets_fewer_than_sixty_pieces_of_advice() -> None:
    record = Given(
        patient=Person(age=80),
        denosumab=Injections(doses=7, last="2025-05-01"),
        vertebral_fractures=(Broken(levels=("T4", "T12"), onset="2026-01-10"), Broken(levels=("L1",), onset=DAY)),
        history=tuple(Diagnosis(what=what, since="2026-02-20") for what in DIAGNOSES),
        drugs_taken=tuple(DrugTaken(drug=drug, from_="2024-01-01") for drug in DRUGS),
        stays=(Stay(from_="2026-02-15"),),
        appointments=(Appointment(on="2026-03-20", for_="tooth extraction"),),
        laboratory={"calcium": "3.2 mmol/L on 2026-02-20", "creatinine clearance": "20 mL/min on 2026-02-20"},
    )
    evaluation = evaluated(record, *words_of("drugs"), "kyphoplasty of L1", "spinal orthosis", "stop Prolia 60 mg")
    advice = [firing for firing in evaluation.trace.firings if isinstance(firing.outcome, Advice)]
    assert 25 < len(advice) < MOST_ADVICE

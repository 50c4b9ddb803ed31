"""Each rule speaks when it should and is silent in the near miss; nothing is concluded that cites nothing."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from rules.evaluation import Evaluator
from rules.knowledge_base import load_knowledge
from rules.reasoning.conclusions import Indicator
from rules.reasoning.errors import KnowledgeError
from rules.reasoning.evaluation import Evaluation
from service.fhir.reader import Document
from tests.unit.fhir.records import PATIENT, READER, SUBJECT, bundle, fracture, injection

KNOWLEDGE = load_knowledge()
EVALUATOR = Evaluator(KNOWLEDGE)
SEVEN = ("2022-01-10", "2022-07-10", "2023-01-10", "2023-07-10", "2024-01-10", "2024-07-10", "2025-01-10")


def evaluate(
    *resources: dict[str, Any],
    as_of: str = "2026-03-01",
    hook: str | None = "patient-view",
    by: Evaluator = EVALUATOR,
) -> Evaluation:
    [timeline] = READER.read([Document("r.json", bundle(*resources))], as_of=date.fromisoformat(as_of)).timelines
    return by.evaluate(timeline, hook)


def rules(*resources: dict[str, Any], as_of: str = "2026-03-01", hook: str | None = "patient-view") -> list[str]:
    return [one.rule for one in evaluate(*resources, as_of=as_of, hook=hook).conclusions]


def doses(*days: str) -> list[dict[str, Any]]:
    return [injection(day) for day in days]


def other(kind: str, text: str, **members: Any) -> dict[str, Any]:
    medication = {"medicationCodeableConcept": {"text": text}} if kind.startswith("Medication") else {}
    name = text.replace(" ", "-")
    return {"resourceType": kind, "id": name, "status": "completed", **medication, **SUBJECT, **members}


def infusion(day: str, status: str = "completed") -> dict[str, Any]:
    return other("MedicationAdministration", "zoledronic acid 5 mg", status=status, effectiveDateTime=day)


def infusion_order(day: str) -> dict[str, Any]:
    return other("MedicationRequest", "zoledronic acid 5 mg", status="active", intent="order", authoredOn=day)


def taking(drug: str, status: str = "active") -> dict[str, Any]:
    return other("MedicationStatement", drug, status=status, effectivePeriod={"start": "2025-07-10"})


def test_ten_months_after_the_last_of_seven_doses_a_fracture_is_a_probable_rebound_and_wants_treatment() -> None:
    found = evaluate(*doses(*SEVEN), fracture("2025-11-20"))
    assert found.denosumab.state == "PRESUMED_DISCONTINUED"
    assert found.fracture_class == "RVFX_PROBABLE"
    assert [one.rule for one in found.conclusions] == ["RVFX-01", "RVFX-26", "RVFX-12", "RVFX-30"]
    assert {one.advice.indicator for one in found.conclusions[:3]} == {Indicator.CRITICAL}
    assert "1 new, 10 months" in found.conclusions[0].advice.summary
    assert "Condition/f" in found.conclusions[0].evidence


def test_the_customers_own_sentence_is_a_probable_rebound_fracture() -> None:
    statement = other(
        "MedicationStatement",
        "Prolia 60 mg",
        status="stopped",
        effectivePeriod={"start": "2021-01-10", "end": "2025-03-10"},
    )
    found = evaluate(statement, fracture("2025-12-10"))
    assert (found.denosumab.state, found.fracture_class) == ("STOPPED_EXPLICIT", "RVFX_PROBABLE")


def test_after_one_dose_the_fracture_is_possible_and_only_that_rule_speaks_of_it() -> None:
    found = rules(*doses("2025-01-10"), fracture("2025-11-20"))
    assert "RVFX-02" in found
    assert not {"RVFX-01", "RVFX-26"} & set(found)


def test_an_older_rebound_fracture_is_shown_and_asks_for_nothing_today() -> None:
    found = rules(*doses("2022-01-10", "2022-07-10", "2025-12-01"), fracture("2023-05-20"))
    assert found == ["RVFX-08"]


@pytest.mark.parametrize(
    ("treatment", "speaks"),
    [
        (injection("2025-12-20"), False),
        (infusion("2025-12-20"), False),
        (
            infusion_order("2026-02-15"),
            False,
        ),
        (
            infusion_order("2026-02-14"),
            True,
        ),
        (
            infusion("2025-12-20", "not-done"),
            True,
        ),
    ],
)
def test_a_rebound_fracture_wants_treatment_until_a_potent_drug_is_given_or_freshly_ordered(
    treatment: dict[str, Any], speaks: bool
) -> None:
    assert ("RVFX-26" in rules(*doses(*SEVEN), fracture("2025-11-20"), treatment)) is speaks


def test_a_fracture_while_denosumab_was_active_is_said_to_be_none() -> None:
    assert "RVFX-07" in rules(*doses("2025-04-10", "2025-10-10"), fracture("2025-12-10"))
    assert "RVFX-07" not in rules(*doses("2025-01-10", "2025-04-10"), fracture("2025-11-20"))


@pytest.mark.parametrize(
    ("as_of", "speaks"), [("2026-06-09", False), ("2026-06-10", True), ("2026-08-10", True), ("2026-08-11", False)]
)
def test_the_next_dose_is_called_for_from_30_days_before_it_is_due_to_a_month_after(as_of: str, speaks: bool) -> None:
    assert ("RVFX-10" in rules(*doses("2025-07-10", "2026-01-10"), as_of=as_of)) is speaks


@pytest.mark.parametrize(
    ("as_of", "speaks"), [("2026-08-10", False), ("2026-08-11", True), ("2026-10-09", True), ("2026-10-10", False)]
)
def test_a_dose_is_overdue_after_7_and_before_9_months(as_of: str, speaks: bool) -> None:
    assert ("RVFX-11" in rules(*doses("2025-07-10", "2026-01-10"), as_of=as_of)) is speaks


@pytest.mark.parametrize(
    ("as_of", "speaks"), [("2026-10-09", False), ("2026-10-10", True), ("2029-01-10", True), ("2029-01-11", False)]
)
def test_denosumab_has_lapsed_from_9_to_36_months(as_of: str, speaks: bool) -> None:
    assert ("RVFX-12" in rules(*doses("2025-07-10", "2026-01-10"), as_of=as_of)) is speaks


@pytest.mark.parametrize(
    ("follow_on", "speaks"),
    [
        (infusion("2025-07-10"), False),
        (infusion("2024-12-10"), True),
        (
            taking("alendronate 70 mg"),
            False,
        ),
        (
            taking("alendronate 70 mg", "intended"),
            True,
        ),
        (
            taking("raloxifene 60 mg"),
            True,
        ),
    ],
)
def test_a_lapse_is_covered_only_by_a_bisphosphonate_that_was_given_or_is_taken(
    follow_on: dict[str, Any], speaks: bool
) -> None:
    assert ("RVFX-12" in rules(*doses("2024-07-10", "2025-01-10"), follow_on)) is speaks


@pytest.mark.parametrize(
    ("risk", "indicator"),
    [
        ([], "warning"),
        (doses("2023-01-10", "2023-07-10", "2024-01-10"), "critical"),
        ([other("MedicationStatement", "anastrozole", status="active")], "critical"),
    ],
)
def test_a_lapse_is_critical_after_five_doses_or_with_a_drug_that_raises_the_risk(
    risk: list[dict[str, Any]], indicator: str
) -> None:
    found = evaluate(*doses("2024-07-10", "2025-01-10"), *risk)
    [lapse] = [one for one in found.conclusions if one.rule == "RVFX-12"]
    assert lapse.advice.indicator == indicator


def test_denosumab_without_a_date_is_asked_for_and_never_called_lapsed() -> None:
    assert rules(other("MedicationStatement", "Prolia", status="active")) == ["ASK-01"]


@pytest.mark.parametrize(("born", "speaks"), [("1976-03-01", True), ("1976-03-02", False)])
def test_an_ordinary_fracture_from_50_years_is_the_contrast_arm(
    born: str, speaks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PATIENT, "birthDate", born)
    assert ("RVFX-41" in rules(fracture("2026-01-10"))) is speaks


def test_in_pregnancy_no_drug_is_proposed() -> None:
    pregnancy = other(
        "Condition", "pregnancy", code={"coding": [{"system": "http://snomed.info/sct", "code": "77386006"}]}
    )
    assert "RVFX-12" not in rules(*doses(*SEVEN), pregnancy)


def test_every_summary_is_shorter_than_140_characters() -> None:
    for resources in ([*doses(*SEVEN), fracture("2025-11-20")], doses("2025-01-10"), [fracture("2026-01-10")]):
        for one in evaluate(*resources, hook=None).conclusions:
            assert len(one.advice.summary) < 140
            assert one.citations


def test_a_rule_speaks_only_at_its_hooks() -> None:
    assert "RVFX-01" not in rules(*doses(*SEVEN), fracture("2025-11-20"), hook="order-select")
    assert "RVFX-26" in rules(*doses(*SEVEN), fracture("2025-11-20"), hook="order-select")


def test_the_nearest_miss_of_a_silent_rule_is_told() -> None:
    silence = EVALUATOR.why_silent(evaluate(*doses("2025-07-10", "2026-01-10")), "RVFX-11")
    assert (silence.alias, silence.failed) == ("state", ("state.word == 'OVERDUE'",))


def test_a_site_changes_a_limit_and_disables_a_rule(tmp_path: Path) -> None:
    limits = tmp_path / "limits.yaml"
    limits.write_text("since: 2026-01-01\noverdue_after: 8\n", encoding="utf-8")
    knowledge = load_knowledge(limits_file=limits, disabled=("RVFX-10",))
    assert knowledge.limits.limit("overdue_after").site
    assert "RVFX-10" not in {entry.id for entry in knowledge.rules}


def test_limits_of_a_site_that_are_used_for_an_earlier_day_are_said_to_be(tmp_path: Path) -> None:
    limits = tmp_path / "limits.yaml"
    limits.write_text("since: 2026-02-01\noverdue_after: 8\n", encoding="utf-8")
    evaluator = Evaluator(load_knowledge(limits_file=limits))
    assert not evaluate(*doses("2025-07-10"), as_of="2026-02-01", by=evaluator).notes
    [said] = evaluate(*doses("2025-07-10"), as_of="2026-01-31", by=evaluator).notes
    assert said.startswith("The site's own limits hold from 2026-02-01")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("overdue_after: 8", "since"),
        ("since: 2026-01-01 08:00:00\noverdue_after: 8", "since"),
        ("since: 2026-01-01\nnothing: 1", "nothing"),
        ("since: 2026-01-01\noverdue_after: x", "overdue_after"),
        ("since: 2026-01-01\nctx_raised: .nan", "ctx_raised"),
    ],
)
def test_a_site_file_that_is_wrong_is_refused_by_name(tmp_path: Path, content: str, named: str) -> None:
    path = tmp_path / "limits.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(KnowledgeError, match=rf"limits\.yaml: .*{named}"):
        load_knowledge(limits_file=path)


def test_a_rule_that_does_not_exist_cannot_be_disabled() -> None:
    with pytest.raises(KnowledgeError, match="RVFX-99"):
        load_knowledge(disabled=("RVFX-99",))


def test_a_fracture_despite_an_infusion_in_between_is_possible_and_asks_for_turnover() -> None:
    found = evaluate(*doses(*SEVEN), infusion("2025-07-10"), fracture("2025-11-20"))
    [possible] = [one for one in found.conclusions if one.rule == "RVFX-02"]
    assert "does not exclude a rebound" in possible.advice.detail[-1]
    assert "Order CTX and P1NP" in [one.label for one in possible.advice.suggestions]
    assert found.fractures[0].despite_bridge


def test_both_products_on_record_are_named_and_the_latest_dose_of_any_strength_sets_the_clock() -> None:
    xgeva = injection("2025-05-01", medicationCodeableConcept={"text": "Xgeva 120 mg"})
    found = evaluate(xgeva, *doses("2025-12-01"))
    assert found.denosumab.state == "ACTIVE"
    assert any(note.startswith("Both products are on record") for note in found.notes)
    assert not {one.rule for one in found.conclusions} & {"RVFX-10", "RVFX-11", "RVFX-12"}

"""Orders and blood tests: what blocks a drug, what only delays it, and what is offered instead."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from rules.reasoning.conclusions import Conclusion, Propose, Withdraw
from rules.reasoning.evaluation import Evaluation
from service.fhir.reader import Document
from tests.unit.fhir.records import PATIENT, PROLIA, READER, SUBJECT, bundle, fracture, injection
from tests.unit.test_rules import EVALUATOR, SEVEN, doses, taking

DAY = "2026-03-01"
LOINC = "http://loinc.org"
CODES = {
    "calcium": ("2000-8", "mmol/L"),
    "ionised": ("1995-0", "mmol/L"),
    "albumin": ("1751-7", "g/L"),
    "creatinine": ("2160-0", "umol/L"),
    "egfr": ("98979-8", "mL/min/{1.73_m2}"),
    "25ohd": ("62292-8", "nmol/L"),
    "weight": ("29463-7", "kg"),
}
LATE_2025 = fracture("2025-11-20")
REBOUND = (*doses(*SEVEN), LATE_2025)


def blood_test(name: str, value: float, day: str = "2026-02-20", **more: Any) -> dict[str, Any]:
    code, unit = CODES[name]
    return {
        "resourceType": "Observation",
        "id": f"{name}-{day}",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "effectiveDateTime": day,
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
        **SUBJECT,
        **more,
    }


NORMAL = (blood_test("calcium", 2.35), blood_test("albumin", 41), blood_test("egfr", 68), blood_test("25ohd", 72))


def diagnosis(text: str, **more: Any) -> dict[str, Any]:
    name = text.replace(" ", "-")
    active = {"coding": [{"code": "active"}]}
    return {
        "resourceType": "Condition",
        "id": name,
        "clinicalStatus": active,
        "code": {"text": text},
        **SUBJECT,
        **more,
    }


def order(drug: str, status: str = "draft", **more: Any) -> dict[str, Any]:
    concept = PROLIA if drug == "denosumab" else {"text": drug}
    return {
        "resourceType": "MedicationRequest",
        "id": f"{drug.replace(' ', '-')}-order",
        "status": status,
        "intent": "order",
        "medicationCodeableConcept": concept,
        **SUBJECT,
        **more,
    }


def procedure_order(text: str) -> dict[str, Any]:
    code = {"code": {"text": text}}
    return {
        "resourceType": "ServiceRequest",
        "id": "procedure",
        "status": "draft",
        "intent": "order",
        **code,
        **SUBJECT,
    }


def ordering(
    *record: dict[str, Any], drafts: list[dict[str, Any]], hook: str = "order-sign", **more: Any
) -> Evaluation:
    context = json.dumps({"resourceType": "Bundle", "entry": [{"resource": one} for one in drafts]}).encode()
    documents = [Document("record", bundle(*record)), Document("drafts", context, draft=True, **more)]
    [timeline] = READER.read(documents, as_of=date.fromisoformat(DAY)).timelines
    return EVALUATOR.evaluate(timeline, hook)


def viewing(*record: dict[str, Any], day: str = DAY, hook: str = "patient-view") -> Evaluation:
    [timeline] = READER.read([Document("record", bundle(*record))], as_of=date.fromisoformat(day)).timelines
    return EVALUATOR.evaluate(timeline, hook)


def said(evaluation: Evaluation) -> list[str]:
    return [one.rule for one in evaluation.conclusions]


def spoken(evaluation: Evaluation, rule: str) -> Conclusion:
    [found] = [one for one in evaluation.conclusions if one.rule == rule]
    return found


def offered(conclusion: Conclusion) -> set[str]:
    actions = [action for one in conclusion.advice.suggestions for action in one.actions]
    return {action.order if isinstance(action, Propose) else f"delete {action.reference}" for action in actions}


def drugs_offered(conclusion: Conclusion) -> set[str]:
    return offered(conclusion) & {"denosumab-60mg", "zoledronate-5mg"}


ZOLEDRONATE = order("zoledronic acid 5 mg")
DENOSUMAB = order("denosumab")


def test_with_fresh_normal_tests_both_drugs_are_a_choice_of_one() -> None:
    found = spoken(viewing(*REBOUND, *NORMAL), "RVFX-26")
    assert found.advice.choice
    assert drugs_offered(found) == {"denosumab-60mg", "zoledronate-5mg"}
    assert "no block found in the data at hand" in " ".join(found.advice.detail)
    assert "Observation/egfr-2026-02-20" in found.evidence


def test_without_tests_no_drug_is_offered_but_the_tests_and_which_drug_follows_which_result() -> None:
    found = spoken(viewing(*REBOUND), "RVFX-26")
    assert not found.advice.choice
    assert offered(found) == {"lab-calcium", "lab-albumin", "lab-creatinine", "lab-25ohd"}
    assert "Which drug follows which result" in found.advice.detail[-1]


def test_denosumab_needs_a_fresh_calcium_only_and_zoledronate_kidney_function_as_well() -> None:
    found = spoken(viewing(*REBOUND, blood_test("calcium", 2.35)), "RVFX-26")
    assert drugs_offered(found) == {"denosumab-60mg"}


@pytest.mark.parametrize(("day", "fresh"), [("2026-01-30", True), ("2026-01-29", False)])
def test_a_calcium_of_thirty_days_is_fresh_and_one_of_thirty_one_is_not(day: str, fresh: bool) -> None:
    found = spoken(viewing(*REBOUND, blood_test("calcium", 2.35, day)), "RVFX-26")
    assert bool(drugs_offered(found)) is fresh


@pytest.mark.parametrize(("egfr", "blocked"), [(34, True), (35, True), (35.1, False), (36, False)])
def test_zoledronate_is_blocked_at_35_and_below(egfr: float, blocked: bool) -> None:
    tests = (blood_test("calcium", 2.35), blood_test("egfr", egfr), blood_test("25ohd", 72))
    found = ordering(*REBOUND, *tests, drafts=[ZOLEDRONATE])
    assert ("RVFX-31" in said(found)) is blocked
    if blocked:
        spoke = spoken(found, "RVFX-31")
        assert spoke.advice.indicator == "critical"
        assert "delete MedicationRequest/zoledronic-acid-5-mg-order" in offered(spoke)
        assert drugs_offered(spoke) == {"denosumab-60mg"}
        assert "RVFX-26" not in said(found)  # order-sign is no hook of it


def test_the_clearance_by_cockcroft_gault_decides_before_the_egfr() -> None:
    # A woman of 68, 50 kg, creatinine 110 umol/L: (140 - 68) x 50 x 1.04 / 110 = 34 mL/min.
    tests = (
        blood_test("calcium", 2.35),
        blood_test("egfr", 45),
        blood_test("creatinine", 110),
        blood_test("weight", 50),
    )
    found = ordering(*REBOUND, *tests, drafts=[ZOLEDRONATE])
    assert "creatinine clearance 34 mL/min" in spoken(found, "RVFX-31").advice.summary
    without_weight = ordering(*REBOUND, *tests[:3], drafts=[ZOLEDRONATE])
    assert "RVFX-31" not in said(without_weight)


@pytest.mark.parametrize(("calcium", "albumin", "blocked"), [(2.19, 40, True), (2.2, 40, False), (2.1, 34, False)])
def test_low_calcium_adjusted_for_albumin_blocks_both_drugs(calcium: float, albumin: float, blocked: bool) -> None:
    tests = (
        blood_test("calcium", calcium),
        blood_test("albumin", albumin),
        blood_test("egfr", 68),
        blood_test("25ohd", 72),
    )
    found = ordering(*REBOUND, *tests, drafts=[ZOLEDRONATE, DENOSUMAB])
    assert ({"RVFX-31", "RVFX-32"} <= set(said(found))) is blocked


def test_without_albumin_the_total_is_taken_as_it_is_and_that_is_said() -> None:
    found = ordering(*REBOUND, blood_test("calcium", 2.1), blood_test("egfr", 68), drafts=[DENOSUMAB])
    assert "not corrected for albumin" in " ".join(spoken(found, "RVFX-32").advice.detail)


def test_ionised_calcium_wins_and_the_laboratorys_own_range_decides() -> None:
    normal = blood_test("ionised", 1.2, referenceRange=[{"low": {"value": 1.15, "unit": "mmol/L"}}])
    assert "RVFX-32" not in said(ordering(*REBOUND, blood_test("calcium", 2.1), normal, drafts=[DENOSUMAB]))
    low = blood_test("ionised", 1.14, referenceRange=[{"low": {"value": 1.15, "unit": "mmol/L"}}])
    assert "RVFX-32" in said(ordering(*REBOUND, blood_test("calcium", 2.4), low, drafts=[DENOSUMAB]))


@pytest.mark.parametrize(("value", "speaks"), [(29, True), (30, False)])
def test_a_vitamin_d_deficiency_makes_zoledronate_not_yet_without_a_delete(value: float, speaks: bool) -> None:
    found = ordering(*REBOUND, *NORMAL[:3], blood_test("25ohd", value), drafts=[ZOLEDRONATE])
    assert ("RVFX-31" in said(found)) is speaks
    if speaks:
        spoke = spoken(found, "RVFX-31")
        assert spoke.advice.summary.startswith("Zoledronate 5 mg: not yet: 25-hydroxyvitamin D 29 nmol/L")
        assert spoke.advice.indicator == "warning"
        actions = [action for one in spoke.advice.suggestions for action in one.actions]
        assert not any(isinstance(action, Withdraw) for action in actions)


def test_low_calcium_and_a_clearance_of_33_give_the_sequence_and_no_empty_suggestion() -> None:
    tests = (blood_test("calcium", 2.05), blood_test("albumin", 40), blood_test("egfr", 33), blood_test("25ohd", 60))
    found = spoken(viewing(*REBOUND, *tests), "RVFX-26")
    assert not drugs_offered(found)
    assert "lab-calcium" in offered(found)
    assert "Neither drug today" in found.advice.detail[-1]
    assert "correct calcium and vitamin D today" in found.advice.detail[-1]
    assert "held up" in found.advice.summary


def test_on_dialysis_an_overdue_dose_is_a_conflict_and_never_give_it_now() -> None:
    record = (*doses("2024-12-15", "2025-06-20"), diagnosis("hemodialysis"), blood_test("calcium", 2.3))
    overdue = spoken(viewing(*record), "RVFX-11").advice
    assert "Give it now" not in overdue.summary
    assert "Conflict: dialysis" in overdue.summary
    at_order = ordering(*record, drafts=[DENOSUMAB], hook="order-select")
    assert {"RVFX-11", "RVFX-32"} <= set(said(at_order))
    warning = spoken(at_order, "RVFX-32")
    assert warning.advice.indicator == "warning"
    assert not any("delete" in one for one in offered(warning))


@pytest.mark.parametrize(("egfr", "speaks"), [(29.9, True), (30, False)])
def test_an_egfr_under_30_is_a_warning_for_denosumab(egfr: float, speaks: bool) -> None:
    found = ordering(*REBOUND, blood_test("calcium", 2.3), blood_test("egfr", egfr), drafts=[DENOSUMAB])
    assert ("RVFX-32" in said(found)) is speaks


@pytest.mark.parametrize(
    ("finding", "zoledronate", "denosumab"),
    [
        (diagnosis("atypical femoral fracture", onsetDateTime="2019-05-01"), True, True),
        (diagnosis("pregnant", recordedDate="2026-02-01"), True, True),
        (diagnosis("pregnant", recordedDate="2024-02-01"), False, False),
        (diagnosis("breastfeeding", recordedDate="2026-02-01"), True, False),
        (diagnosis("acute kidney injury", onsetDateTime="2026-02-01"), True, False),
        (diagnosis("acute kidney injury", onsetDateTime="2025-02-01"), False, False),
        (taking("zoledronic acid 4 mg"), True, False),
    ],
)
def test_findings_block_what_they_should(finding: dict[str, Any], zoledronate: bool, denosumab: bool) -> None:
    found = said(ordering(*REBOUND, *NORMAL, finding, drafts=[ZOLEDRONATE, DENOSUMAB]))
    assert (("RVFX-31" in found), ("RVFX-32" in found)) == (zoledronate, denosumab)


def test_each_missing_or_old_test_is_named_before_a_parenteral_drug() -> None:
    found = ordering(*REBOUND, blood_test("calcium", 2.3), blood_test("25ohd", 60, "2025-02-27"), drafts=[DENOSUMAB])
    spoke = spoken(found, "RVFX-38")
    assert "Check creatinine and eGFR, 25-hydroxyvitamin D before denosumab 60 mg" in spoke.advice.summary
    assert offered(spoke) == {"lab-creatinine", "lab-25ohd"}
    assert "RVFX-38" not in said(ordering(*REBOUND, *NORMAL, drafts=[DENOSUMAB]))
    assert "RVFX-38" not in said(ordering(*REBOUND, drafts=[order("alendronate")]))


def test_a_kidney_value_is_old_sooner_in_kidney_disease() -> None:
    old = blood_test("egfr", 50, "2026-01-15")
    tests = (blood_test("calcium", 2.3), blood_test("25ohd", 60), old)
    assert "RVFX-38" not in said(ordering(*REBOUND, *tests, drafts=[DENOSUMAB]))
    diseased = ordering(*REBOUND, *tests, diagnosis("ckd stage 4"), drafts=[DENOSUMAB])
    assert "RVFX-38" in said(diseased)


def test_augmentation_is_wrong_in_a_rebound_and_nothing_is_said_of_it_otherwise() -> None:
    found = spoken(ordering(*REBOUND, drafts=[procedure_order("kyphoplasty L1")]), "RVFX-25")
    assert "delete ServiceRequest/procedure" in offered(found)
    assert "RVFX-25" in said(ordering(*doses("2025-01-10"), LATE_2025, drafts=[procedure_order("vertebroplasty")]))
    assert "RVFX-25" not in said(ordering(LATE_2025, drafts=[procedure_order("kyphoplasty L1")]))
    assert "RVFX-25" not in said(ordering(*REBOUND, drafts=[procedure_order("bone scan")]))


def test_a_bone_forming_drug_alone_is_wrong_in_a_rebound() -> None:
    teriparatide = order("teriparatide")
    found = spoken(ordering(*REBOUND, *NORMAL, drafts=[teriparatide]), "RVFX-27")
    assert "delete MedicationRequest/teriparatide-order" in offered(found)
    assert drugs_offered(found) == {"denosumab-60mg", "zoledronate-5mg"}
    assert "RVFX-27" not in said(ordering(*REBOUND, *NORMAL, drafts=[teriparatide, DENOSUMAB]))
    assert "RVFX-27" in said(
        ordering(*REBOUND, *NORMAL[:2], blood_test("egfr", 30), drafts=[teriparatide, ZOLEDRONATE])
    )


@pytest.mark.parametrize(("last", "speaks"), [("2024-03-01", True), ("2024-02-29", False)])
def test_a_bone_forming_drug_is_wrong_until_24_months_after_denosumab(last: str, speaks: bool) -> None:
    assert ("RVFX-27" in said(ordering(*doses("2023-08-01", last), drafts=[order("teriparatide")]))) is speaks


def test_a_bone_forming_drug_is_not_judged_while_a_malignancy_is_not_excluded() -> None:
    metastasis = diagnosis("bone metastasis", recordedDate="2025-10-01")
    assert "RVFX-27" not in said(ordering(*REBOUND, metastasis, drafts=[order("teriparatide")]))


@pytest.mark.parametrize("status", ["stopped", "cancelled", "on-hold"])
def test_a_stop_without_follow_on_is_critical(status: str) -> None:
    record = doses("2025-06-20", "2025-12-20")
    found = spoken(ordering(*record, *NORMAL, drafts=[order("denosumab", status)]), "RVFX-13")
    assert found.advice.indicator == "critical"
    [plan] = [one for one in found.advice.suggestions if one.label.startswith("Zoledronate")]
    assert plan.actions[0] == Propose("zoledronate-5mg", due=date(2026, 6, 20))
    assert not any("delete" in one for one in offered(found))


def test_a_stop_with_a_follow_on_or_without_exposure_or_of_the_oncology_product_is_not() -> None:
    stop = order("denosumab", "stopped")
    record = doses("2025-06-20", "2025-12-20")
    assert "RVFX-13" in said(ordering(*record, drafts=[stop]))
    for follow_on in (ZOLEDRONATE, order("alendronate"), DENOSUMAB | {"id": "biosimilar"}):
        assert "RVFX-13" not in said(ordering(*record, *NORMAL, drafts=[stop, follow_on]))
    assert "RVFX-13" not in said(ordering(drafts=[stop]))
    xgeva = [injection(f"2026-0{month}-01", medicationCodeableConcept={"text": "Xgeva 120 mg"}) for month in (1, 2)]
    assert "RVFX-13" not in said(ordering(*xgeva, drafts=[stop]))


def test_what_is_not_selected_is_context_and_is_not_judged() -> None:
    chosen = procedure_order("MRI of the spine") | {"id": "chosen"}
    drafts = [procedure_order("kyphoplasty L1"), chosen]
    selected = frozenset({f"{chosen['resourceType']}/chosen"})
    assert "RVFX-25" not in said(ordering(*REBOUND, drafts=drafts, hook="order-select", selected=selected))


def test_where_no_draft_is_the_selected_one_all_are_judged_and_it_is_said() -> None:
    drafts = [procedure_order("kyphoplasty L1")]
    found = ordering(*REBOUND, drafts=drafts, hook="order-select", selected=frozenset({"x/y"}))
    assert "RVFX-25" in said(found)
    assert [one.source for one in found.unusable] == ["context.selections"]


@pytest.mark.parametrize(("day", "speaks"), [("2026-01-29", False), ("2026-01-30", True), ("2026-02-28", True)])
def test_new_back_pain_after_a_lapse_wants_an_image(day: str, speaks: bool) -> None:
    pain = diagnosis("acute thoracic back pain", onsetDateTime=day)
    assert ("RVFX-03" in said(viewing(*doses(*SEVEN), pain))) is speaks


def test_pain_that_was_imaged_or_before_the_effect_ended_is_not_asked_about() -> None:
    pain = diagnosis("acute thoracic back pain", onsetDateTime="2026-02-10")
    image = {"resourceType": "Procedure", "id": "mri", "status": "completed", "code": {"text": "MRI of lumbar spine"}}
    assert "RVFX-03" not in said(viewing(*doses(*SEVEN), pain, {**image, "performedDateTime": "2026-02-12", **SUBJECT}))
    assert "RVFX-03" in said(viewing(*doses(*SEVEN), pain, {**image, "performedDateTime": "2026-02-09", **SUBJECT}))
    assert "RVFX-03" not in said(viewing(*doses("2025-03-20", "2025-09-20"), pain))


@pytest.mark.parametrize(
    ("before", "years_ago", "speaks"),
    [(162, 1, True), (161.9, 1, False), (162, 9, False), (164, 9, True), (163.9, 9, False)],
)
def test_loss_of_height_counts_from_two_centimetres_lately_or_four_in_all(
    before: float, years_ago: int, speaks: bool
) -> None:
    heights = [
        {
            **blood_test("weight", value, day),
            "code": {"coding": [{"system": LOINC, "code": "8302-2"}]},
            "id": f"height-{day}",
        }
        for value, day in ((before, f"{2026 - years_ago}-02-20"), (160, "2026-02-20"))
    ]
    for one in heights:
        one["valueQuantity"] = {"value": one["valueQuantity"]["value"], "unit": "cm", "code": "cm"}
    assert ("RVFX-03" in said(viewing(*doses(*SEVEN), *heights))) is speaks


def test_a_child_gets_no_drug_but_the_block_is_said() -> None:
    child = {**PATIENT, "birthDate": "2012-01-01"}
    entries = [{"resource": one} for one in (child, injection("2025-01-10"))]
    record = json.dumps({"resourceType": "Bundle", "entry": entries}).encode()
    drafts = json.dumps({"resourceType": "Bundle", "entry": [{"resource": DENOSUMAB}]}).encode()
    documents = [Document("record", record), Document("drafts", drafts, draft=True)]
    [timeline] = READER.read(documents, as_of=date(2026, 3, 1)).timelines
    found = EVALUATOR.evaluate(timeline, "order-sign")
    assert "age under 18" in spoken(found, "RVFX-32").advice.summary

"""An assessment as FHIR R4: valid resources that carry the conclusions and what they rest on."""

from __future__ import annotations

from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from rules.reasoning.evaluation import Evaluation
from service.reports.fhir_report import assessment
from tests.unit.reports import stories

STORIES = [
    stories.five_fractures_after_seven_doses(),
    stories.nothing_on_record(),
    stories.undated_fracture_and_vague_doses(),
]


def responses(evaluation: Evaluation) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in assessment(evaluation)["entry"]]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.patient)
def test_the_bundle_is_valid_fhir(story: Evaluation) -> None:
    Bundle.model_validate(assessment(story))


def test_the_first_response_is_the_assessment_itself_also_when_nothing_was_concluded() -> None:
    (only,) = responses(stories.nothing_on_record())
    assert only["moduleUri"] == "urn:reboundwatch:assessment"
    assert only["status"] == "success"
    assert {"name": "denosumabState", "valueCode": "NEVER"} in only["contained"][0]["parameter"]


def test_what_could_not_be_read_is_said_and_asked_for() -> None:
    first = responses(stories.five_fractures_after_seven_doses())[0]
    assert first["status"] == "data-requested"
    said = [issue["diagnostics"] for issue in first["contained"][1]["issue"]]
    assert any("furlong" in line for line in said)
    assert "dispenses: the query failed" in said


def test_a_conclusion_is_a_response_with_its_rule_evidence_and_sources() -> None:
    conclusion = responses(stories.five_fractures_after_seven_doses())[1]
    assert conclusion["moduleUri"] == "urn:reboundwatch:rules:RVFX-01"
    assert conclusion["reasonReference"] == [{"reference": "Condition/1"}]
    parameters = conclusion["contained"][0]["parameter"]
    assert {"name": "evidence", "valueReference": {"reference": "MedicationAdministration/7"}} in parameters
    assert {"name": "citation", "valueCode": "S01"} in parameters
    assert conclusion["note"][1] == {"text": "Treat as very high risk."}


def test_the_same_assessment_has_the_same_ids() -> None:
    story = stories.five_fractures_after_seven_doses()
    assert assessment(story) == assessment(story)
    assert len({response["id"] for response in responses(story)}) == 2

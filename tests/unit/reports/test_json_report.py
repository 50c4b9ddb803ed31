"""The JSON object of an assessment is exactly that of the public contract."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from rules.reasoning.timeline import Gap, Unusable
from service.cds_hooks.card_messages import Card, Source
from service.reports.json_report import assessment, json_line
from tests.unit.reports import stories


def object_of_five() -> dict[str, Any]:
    return assessment(
        stories.five_fractures_after_seven_doses(),
        [Card(uuid="u", summary="a card", indicator="info", source=Source(label="s"))],
    )


def test_the_object_holds_the_members_of_the_contract_in_their_order() -> None:
    assert list(object_of_five()) == [
        *("patient", "asOf", "knowledgeVersion", "denosumab", "fractures", "fractureClass"),
        *("conclusions", "suppressed", "unusable", "gaps", "notes", "cards"),
    ]


def test_what_of_the_record_could_not_be_had_is_told_with_the_reason() -> None:
    missing = replace(
        stories.nothing_on_record(), gaps=(Gap("drugs.json", "is empty; any record may be missing", True),)
    )
    assert assessment(missing, [])["gaps"] == [
        {"part": "drugs.json", "reason": "is empty; any record may be missing", "drugs": True}
    ]


def test_the_course_is_told_with_product_state_doses_last_dose_months_and_exposure() -> None:
    assert object_of_five()["denosumab"] == {
        "product": "60mg",
        "state": "PRESUMED_DISCONTINUED",
        "doses": 7,
        "lastDose": {"earliest": "2024-12-10", "latest": "2024-12-10", "basis": "administered"},
        "monthsSinceLastDose": {"min": 14, "max": 14},
        "exposureLong": True,
    }


def test_each_fracture_event_is_an_entry_with_class_levels_interval_and_evidence() -> None:
    assert object_of_five()["fractures"][1] == {
        "class": "RVFX_PROBABLE",
        "levels": ["T12", "L1", "L2", "L3", "L4"],
        "earliest": "2025-10-05",
        "latest": "2025-10-05",
        "monthsAfterLastDose": {"min": 9, "max": 9},
        "evidence": ["Condition/1", "Condition/2"],
        "despiteBridge": None,
    }


def test_conclusions_name_rule_urgency_summary_evidence_and_sources() -> None:
    found = object_of_five()
    assert found["conclusions"] == [
        {
            "rule": "RVFX-01",
            "indicator": "critical",
            "summary": "Probable rebound vertebral fractures: 5 new, 9 months after the last denosumab.",
            "evidence": ["Condition/1", "MedicationAdministration/7"],
            "citations": ["S01", "S02"],
        }
    ]
    assert found["suppressed"] == [{"rule": "RVFX-12", "by": "RVFX-01"}]
    assert found["unusable"] == [{"reference": "Observation/4", "reason": "unknown unit 'furlong'"}]
    assert found["cards"] == [{"uuid": "u", "summary": "a card", "indicator": "info", "source": {"label": "s"}}]


def test_what_is_not_known_is_null() -> None:
    found = assessment(stories.nothing_on_record(), [])
    assert found["fractureClass"] is None
    assert found["denosumab"]["lastDose"] is None
    assert found["denosumab"]["monthsSinceLastDose"] is None


def test_a_fracture_known_up_to_a_day_only_has_no_earliest_day() -> None:
    vague = assessment(stories.undated_fracture_and_vague_doses(), [])["fractures"][0]
    assert vague["earliest"] is None
    assert vague["latest"] == "1996-04-04"
    assert vague["monthsAfterLastDose"] == {"min": 0, "max": None}
    assert vague["despiteBridge"] is True


def test_a_line_is_one_line_that_no_character_of_the_record_can_break() -> None:
    hostile = Unusable("Observation/1", 'a\nb\u2028c\u009b31m\x1b[2J\u202e"\\ é')
    value = assessment(replace(stories.nothing_on_record(), unusable=(hostile,)), [])
    line = json_line(value)
    assert len(line.splitlines()) == 1
    assert not set(line) & set("\x1b\u009b\u2028\u202e")
    assert "é" in line
    assert json.loads(line) == value

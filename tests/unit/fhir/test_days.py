"""Which day a record is of, and which are of the future."""

from __future__ import annotations

import pytest

from rules.reasoning.dates import DateInterval
from rules.reasoning.facts.course import exposure
from tests.unit.fhir.records import AS_OF, injection, timeline
from tests.unit.test_fracture_class import LIMITS


@pytest.mark.parametrize(
    "day", ["2026-03-02", "2026-03-02T08:00:00", "2026-03-02T08:00:00-05:00", "2026-03-02T12:00:00+11:00"]
)
def test_a_dose_of_the_future_is_left_out_and_named(day: str) -> None:
    found = timeline(injection(day, id="later"))
    assert found.events == ()
    assert found.unusable[0].reason == "dated after the day of evaluation"


@pytest.mark.parametrize("day", ["2026-03-02T08:00:00+11:00", "2026-03-02T10:59:59.1234567+11:00"])
def test_a_dose_given_where_the_next_day_has_begun_is_one_of_today(day: str) -> None:
    [event] = timeline(injection(day, id="today")).events
    assert event.when == DateInterval.on(AS_OF)


def test_what_is_planned_for_tomorrow_stays_tomorrow() -> None:
    visit = {
        "resourceType": "Appointment",
        "id": "v",
        "status": "booked",
        "start": "2026-03-02T09:00:00+11:00",
        "description": "Prolia injection",
        "participant": [{"actor": {"reference": "Patient/p"}, "status": "accepted"}],
    }
    [event] = timeline(visit).events
    assert event.when == DateInterval.parse("2026-03-02")


@pytest.mark.parametrize("day", ["2025-02-30", "20250110", "last spring"])
def test_a_day_that_does_not_exist_is_named_and_the_rest_is_read(day: str) -> None:
    found = timeline(injection(day), injection("2025-07-10"))
    assert "MedicationAdministration.effectiveDateTime" in {one.element for one in found.unusable}
    assert len(exposure(found, LIMITS).doses) == 1


def test_a_partial_day_is_an_interval() -> None:
    [event] = timeline(injection("2025-01")).events
    assert event.when == DateInterval.parse("2025-01")

"""Two patients whose answer is known, judged when a process starts: one that cannot tell them apart serves no one."""

from __future__ import annotations

from datetime import date, timedelta

from rules.evaluation import Evaluator
from rules.reasoning.dates import DateInterval, add_months
from rules.reasoning.errors import EngineFailed
from rules.reasoning.timeline import (
    ConditionEvent,
    MedicationEvent,
    MedicationRecord,
    Patient,
    PatientTimeline,
    Standing,
)

AS_OF = date(2026, 3, 1)
FRACTURE = AS_OF - timedelta(days=60)
LATE, ON_TIME = add_months(FRACTURE, -10), add_months(FRACTURE, -1)
EXPECTED = {LATE: ("PRESUMED_DISCONTINUED", "RVFX_PROBABLE"), ON_TIME: ("ACTIVE", "VFX_ON_TREATMENT")}
"""State and deciding class by the day of the last of seven doses."""


def prove(evaluator: Evaluator) -> None:
    """Judge both patients with the evaluator that will judge all others, its engine and its site's limits included.

    Raises:
        EngineFailed: an answer is not the known one; the message says which.
    """
    for last_dose, expected in EXPECTED.items():
        found = evaluator.evaluate(patient(last_dose), hook=None)
        answer = (found.denosumab.state, found.fracture_class)
        if answer != expected:
            raise EngineFailed(f"a patient known as {' and '.join(expected)} was judged {answer[0]} and {answer[1]}")


def patient(last_dose: date) -> PatientTimeline:
    """A woman of 70 with seven doses on time, the last on that day, and a fracture of T12 without trauma."""
    doses = [
        MedicationEvent(
            reference=f"MedicationAdministration/{number}",
            concepts=frozenset({"denosumab", "denosumab-60mg"}),
            standing=Standing.HAPPENED,
            when=DateInterval.on(add_months(last_dose, -6 * number)),
            record=MedicationRecord.ADMINISTRATION,
        )
        for number in range(7)
    ]
    fracture = ConditionEvent(
        reference="Condition/fracture",
        concepts=frozenset({"vertebral-fracture-compression"}),
        standing=Standing.HAPPENED,
        when=DateInterval.on(FRACTURE),
        text="compression fracture of T12",
    )
    person = Patient("Patient/canary", DateInterval.parse("1955"), "female")
    return PatientTimeline(person, AS_OF, (*doses, fracture))

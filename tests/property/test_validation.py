"""Judging a shape once says of every resource exactly what the official model says of it."""

from __future__ import annotations

import copy
import random
from typing import Any

import msgspec
import pytest
from fhir.resources.R4B import get_fhir_model_class

from service.fhir.bundles import TYPES
from service.fhir.validation import invalid
from tests.unit.fhir.records import PROLIA, SUBJECT, fracture, injection

RESOURCES: list[dict[str, Any]] = [
    injection("2025-01-10T10:00:00+01:00", dosage={"dose": {"value": 60, "unit": "mg", "code": "mg"}}),
    fracture(note=[{"text": "after a fall"}], bodySite=[{"text": "T12"}]),
    {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2000-8", "display": "Calcium"}]},
        "effectiveDateTime": "2026-02-20",
        "valueQuantity": {"value": 2.3, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
        "referenceRange": [{"low": {"value": 2.2, "unit": "mmol/L"}}],
        **SUBJECT,
    },
    {
        "resourceType": "MedicationRequest",
        "id": "q",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": PROLIA,
        "authoredOn": "2025-01-10",
        "dosageInstruction": [{"text": "every 6 months", "timing": {"repeat": {"period": 6, "periodUnit": "mo"}}}],
        **SUBJECT,
    },
]
ODD: list[Any] = [
    *(
        "",
        " ",
        "x",
        "a b",
        "-",
        "2025-02",
        "2025-02-30",
        "2025-1-1",
        "2025-01-10T10:00",
        "2025-01-10T24:00:00Z",
        "é" * 80,
    ),
    *("2025-01-10T10:00:00", "2025-01-10T10:00:00.5Z", "0000", "\n", "Patient/p", "x" * 65, "urn:uuid:1"),
]


def says(resource: msgspec.Struct, kind: str) -> bool:
    try:
        get_fhir_model_class(kind).model_validate(msgspec.to_builtins(resource))
    except Exception:
        return False
    return True


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        return [leaf for key, one in inner for leaf in leaves(one, (*path, key))]
    return [path]


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: one["resourceType"])
def test_a_spoilt_member_is_judged_as_the_official_model_judges_it(resource: dict[str, Any]) -> None:
    kind = resource["resourceType"]
    source = random.Random(7)
    verdicts = set()
    for path in leaves(resource):
        for odd in (*source.sample(ODD, 9), None):
            spoilt = copy.deepcopy(resource)
            node = spoilt
            for key in path[:-1]:
                node = node[key]
            if odd is None:
                del node[path[-1]]
            else:
                node[path[-1]] = odd
            try:
                read = msgspec.convert(spoilt, type=TYPES[kind])
            except msgspec.ValidationError:
                continue
            valid = invalid(kind, "R4", read) is None
            assert valid == says(read, kind), (path, odd)
            verdicts.add(valid)
    assert verdicts == {True, False}

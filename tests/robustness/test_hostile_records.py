"""Odd and hostile records: one broken resource never silences the rest, and nothing ends in a traceback."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest

from service.fhir.reader import Document, Reading, UnreadableDocument
from tests.unit.fhir.records import AS_OF, PATIENT, READER, SUBJECT, bundle, fracture, injection, read

GOOD = (injection("2025-01-10"), fracture())


def sent(*resources: Any, **members: Any) -> Reading:
    entries = [{"resource": one} for one in (PATIENT, *resources)]
    return read(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries, **members}).encode())


def references(reading: Reading) -> set[str]:
    return {event.reference for timeline in reading.timelines for event in timeline.events}


def named(reading: Reading) -> set[str]:
    own = {one.reference for timeline in reading.timelines for one in timeline.unusable}
    return own | {one.reference for one in reading.unusable}


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"7", b"\xff\xfe", b'{"a": 1}', b'"Bundle"', b"\x00" * 10])
def test_what_is_no_fhir_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(UnreadableDocument, match=r"^record\.json: "):
        read(data)


def test_nesting_a_hundred_thousand_deep_is_named() -> None:
    deep = b'{"resourceType":"Bundle","entry":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(UnreadableDocument, match="nested too deep"):
        read(deep)
    inside = bundle(*GOOD)[:-2] + b',{"resource":{"resourceType":"Condition","note":' + b'[{"x":' * 100_000
    inside += b"1" + b"}]" * 100_000 + b"}}]}"
    with pytest.raises(UnreadableDocument, match="nested too deep"):
        read(inside)


def test_ten_thousand_entries_are_read() -> None:
    pulse = {"resourceType": "Observation", "status": "final", "code": {"text": "pulse"}, **SUBJECT}
    reading = sent(*GOOD, *({**pulse, "id": f"o{number}"} for number in range(10_000)))
    assert references(reading) == {"MedicationAdministration/a-2025-01-10", "Condition/f"}


WRONG = [
    {"resourceType": "Condition", "id": "bad", "code": "T12", **SUBJECT},
    {"resourceType": "Condition", "id": "bad", "subject": "Patient/p", "code": {"text": "fracture of T12"}},
    {"resourceType": "MedicationAdministration", "id": "bad", "status": 7, **SUBJECT},
    {"resourceType": "MedicationRequest", "id": "bad", "dosageInstruction": {"text": "x"}, **SUBJECT},
    {"resourceType": "Observation", "id": "bad", "valueQuantity": {"value": "high"}, **SUBJECT},
    {"resourceType": "Procedure", "id": "bad", "code": [{"text": "x"}], **SUBJECT},
    {"resourceType": "MedicationAdministration", "id": "bad", "medication": {"concept": 1}, **SUBJECT},
    {"resourceType": "Appointment", "id": "bad", "participant": "all"},
    {"resourceType": "MedicationOrder", "id": "bad", "status": "active"},
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda one: f"{one['resourceType']}-{list(one)[2]}")
def test_a_member_of_another_type_is_named_and_the_rest_is_read(wrong: dict[str, Any]) -> None:
    reading = sent(wrong, *GOOD)
    assert references(reading) == {"MedicationAdministration/a-2025-01-10", "Condition/f"}
    assert any(name.startswith(wrong["resourceType"]) for name in named(reading))


@pytest.mark.parametrize("entry", [None, 7, "x", [], {"resource": 7}, {"resource": "x"}, {"resource": []}])
def test_a_malformed_entry_is_passed_by(entry: Any) -> None:
    content = json.loads(bundle(*GOOD))
    content["entry"].insert(1, entry)
    reading = read(json.dumps(content).encode())
    assert references(reading) == {"MedicationAdministration/a-2025-01-10", "Condition/f"}


@pytest.mark.parametrize("day", ["0000-01-01", "2024-02-30", "2025-13-01", "next week", "99999-01-01", "2025-1-1", ""])
def test_a_day_that_does_not_exist_is_named_and_counts_as_unknown(day: str) -> None:
    reading = sent(injection(day, id="odd"), fracture())
    assert "MedicationAdministration/odd" in named(reading)
    assert "Condition/f" in references(reading)


@pytest.mark.parametrize("day", ["2025-01-10T23:59:59-11:00", "2025-01-10T00:00:00+14:00"])
def test_the_day_is_the_one_that_was_written_down(day: str) -> None:
    [timeline] = sent(injection(day, id="odd")).timelines
    assert [str(event.when) for event in timeline.events] == ["2025-01-10"]
    assert timeline.unusable == ()


def test_the_end_of_a_day_is_no_time_in_fhir_and_is_named() -> None:
    [timeline] = sent(injection("2025-01-10T24:00:00Z", id="odd")).timelines
    assert [event.when for event in timeline.events] == [None]
    assert [one.reference for one in timeline.unusable] == ["MedicationAdministration/odd"]


def test_a_further_page_and_a_failed_query_are_gaps_and_no_data() -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
    paged = sent(*GOOD, link=[{"relation": "next", "url": "https://ehr.example/page2"}])
    failed = sent(*GOOD, outcome)
    for reading in (paged, failed):
        assert references(reading) == {"MedicationAdministration/a-2025-01-10", "Condition/f"}
        [gap] = reading.timelines[0].gaps
        assert gap.part == "record.json"
    information = {"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": "informational"}]}
    assert sent(*GOOD, information).timelines[0].gaps == ()


def test_a_bundle_within_a_bundle_is_read() -> None:
    inner = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in GOOD]}
    assert references(sent(inner)) == {"MedicationAdministration/a-2025-01-10", "Condition/f"}


@pytest.mark.parametrize("target", ["Patient/p", "https://ehr.example/fhir/Patient/p", "Patient/p/_history/3"])
def test_a_patient_is_known_by_each_form_of_reference(target: str) -> None:
    assert references(sent({**injection("2025-01-10"), "subject": {"reference": target}}))


@pytest.mark.parametrize("text", ["\u202e", "a\x00b", "\ud83e\uddb4" * 10_000, "<script>", "\\", '"'])
def test_strange_words_do_no_harm(text: str) -> None:
    reading = sent(fracture(code={"text": f"Compression fracture of T12 {text}"}))
    [event] = reading.timelines[0].events
    assert "\x00" not in event.text
    assert len(event.text) <= 500


def mutated(value: Any, source: random.Random) -> Any:
    """The value with one member, anywhere, replaced, taken out or doubled."""
    content = copy.deepcopy(value)
    node, where = content, []
    while isinstance(node, dict | list) and node and source.random() < 0.85:
        key = source.choice(list(node) if isinstance(node, dict) else range(len(node)))
        where.append((node, key))
        node = node[key]
    if where:
        holder, key = where[-1]
        odd: list[Any] = [
            None,
            [],
            {},
            7,
            -1.5,
            True,
            "",
            "x",
            "\u0000",
            [None],
            {"reference": 3},
            1e308,
            "2025-02-30",
            [[]],
            "Bundle",
        ]
        holder[key] = source.choice(odd)
    return content


@pytest.mark.parametrize("seed", range(40))
def test_a_record_with_any_member_spoilt_is_read_or_refused_but_never_breaks(seed: int) -> None:
    source = random.Random(seed)
    good = json.loads(bundle(*GOOD, {"resourceType": "Encounter", "id": "e", "status": "finished", **SUBJECT}))
    for _ in range(50):
        spoilt = mutated(mutated(good, source), source)
        try:
            reading = READER.read([Document("record.json", json.dumps(spoilt).encode())], as_of=AS_OF)
        except UnreadableDocument as error:
            assert str(error).startswith("record.json: ")  # noqa: PT017  # the message is what is tested
            continue
        for timeline in reading.timelines:
            assert all(one.reason for one in timeline.unusable)

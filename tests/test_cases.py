"""Every case in a clinician's words comes out as it says, and the same by every route."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.storybook.case import BadCase, Case, load_cases, read_cases
from tests.storybook.outcome import differences
from tests.storybook.r5 import in_r5
from tests.storybook.routes import CommandLine, Http, InProcess, Screened, exportable, over_http
from tests.storybook.vocabulary import Json, Untellable

CASES = load_cases()
IN_PROCESS = InProcess.of()
HTTP = Http.of()
EXPORTED = [case for case in CASES if exportable(case)]
SERVED = [case for case in CASES if case.told.when.hook in HTTP.hooks]


def tellable_in_r5(case: Case) -> bool:
    """R5 has no words for a drug that is intended and not yet taken."""
    try:
        in_r5(case.resources)
    except Untellable:
        return False
    return True


@pytest.fixture(scope="module")
def in_process() -> Mapping[str, Json]:
    return IN_PROCESS.answers(CASES)


@pytest.fixture(scope="module")
def by_command_line(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Json]:
    return CommandLine(tmp_path_factory.mktemp("requests")).answers(CASES)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_case_comes_out_as_it_says(case: Case) -> None:
    evaluation = IN_PROCESS.evaluate(case)
    found = differences(case.told.then, evaluation, IN_PROCESS.answer(evaluation))
    if case.told.known_disagreement is None:
        assert not found, "\n".join(found)
    else:
        assert found, f"comes out as it says: take away the known disagreement ({case.told.known_disagreement})"
        print(f"{case}\n  known disagreement: {case.told.known_disagreement}\n  {'; '.join(found)}")


def test_every_conclusion_names_its_rule_its_sources_and_records_that_were_sent() -> None:
    rules, sources = {entry.id for entry in IN_PROCESS.knowledge.rules}, set(IN_PROCESS.knowledge.sources)
    spoken = set()
    for case in CASES:
        sent = {f"{one['resourceType']}/{one['id']}" for one in [*case.resources, *case.drafts] if "id" in one}
        for conclusion in IN_PROCESS.evaluate(case).conclusions:
            spoken.add(conclusion.rule)
            assert conclusion.citations, f"{case}: {conclusion.rule}"
            assert set(conclusion.citations) <= sources
            assert conclusion.evidence, f"{case}: {conclusion.rule}"
            assert set(conclusion.evidence) <= sent
    assert spoken == rules


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_command_line_says_the_same(
    case: Case, by_command_line: Mapping[str, Json], in_process: Mapping[str, Json]
) -> None:
    assert by_command_line[case.name] == in_process[case.name]


@pytest.fixture(scope="module")
def screened(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Json]:
    return Screened(tmp_path_factory.mktemp("exports")).answers(EXPORTED)


@pytest.mark.parametrize("case", EXPORTED, ids=str)
def test_a_screening_of_the_population_says_the_same(
    case: Case, screened: Mapping[str, Json], in_process: Mapping[str, Json]
) -> None:
    assert screened[case.name] == in_process[case.name]


@pytest.mark.parametrize("case", SERVED, ids=str)
def test_a_call_over_http_says_the_same(case: Case, in_process: Mapping[str, Json]) -> None:
    [answer] = HTTP.answers([case]).values()
    assert answer == over_http(in_process[case.name])


@pytest.mark.parametrize("case", [case for case in CASES if tellable_in_r5(case)], ids=str)
def test_the_record_in_fhir_r5_says_the_same(case: Case, in_process: Mapping[str, Json]) -> None:
    found = IN_PROCESS.answer(IN_PROCESS.evaluate(case, "R5"))
    for one in found["unusable"]:
        one["reason"] = one["reason"].replace("FHIR R5", "FHIR R4")
    assert found == in_process[case.name]


SHEET = """
topic: A topic
cases:
  - title: A woman on time
    given:
      denosumab: {doses: 2, last: 2025-07-10}
    when: {as of: 2025-12-01}
    then: {state: ACTIVE}
"""


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("doses: 2", "dosis: 2", "sheet.yaml: A woman on time: Object contains unknown field `dosis`"),
        ("state: ACTIVE", "stat: ACTIVE", "sheet.yaml: A woman on time: Object contains unknown field `stat`"),
        ("doses: 2", "doses: two", "sheet.yaml: A woman on time: Expected `int"),
        ("doses: 2, ", "", "sheet.yaml: A woman on time: doses need a number and the day of the last"),
        ("last: 2025-07-10", "last: 2025-07-10, product: Polia", "sheet.yaml: A woman on time: 'Polia' is none of"),
        ("as of: 2025-12-01", "as of: 2025-02-30", "sheet.yaml: A woman on time: day is out of range"),
        ("topic: A topic", "subject: A topic", "sheet.yaml: Object contains unknown field `subject`"),
        ("doses: 2, ", "doses: 2, doses: 3, ", "sheet.yaml: line 6: doses is said twice"),
        ("cases:", "cases: [", "sheet.yaml: while parsing"),
    ],
)
def test_a_misspelt_case_is_named_by_file_and_case_and_word(tmp_path: Path, right: str, wrong: str, said: str) -> None:
    path = tmp_path / "sheet.yaml"
    path.write_text(SHEET, encoding="utf-8")
    assert [str(case) for case in read_cases(path)] == ["sheet.yaml: A woman on time"]
    path.write_text(SHEET.replace(right, wrong), encoding="utf-8")
    with pytest.raises(BadCase) as refused:
        read_cases(path)
    assert said in str(refused.value)


def test_two_cases_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "sheet.yaml").write_text(SHEET + SHEET.split("cases:")[1], encoding="utf-8")
    with pytest.raises(BadCase, match="has the name of"):
        load_cases(tmp_path)

"""The wrong changes that are tried on the rules, and the names under which survivors are explained."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tools.rule_changes import mutants

RULE = '''
"""A module of rules."""

from rules.reasoning.conclusions import Advice, Indicator
from rules.reasoning.conditions import each, fails, holds
from rules.reasoning.rule import Phase, rule

LEVELS = (1, 2)


@rule(
    "RVFX-99",
    phase=Phase.ADVISE,
    when=[each(person, holds(person.advised), person.age >= 50)],
    unless=[each(coming)],
)
def grown_up(person: Person) -> Advice:
    """An adult."""
    first = min(one for one in LEVELS if one)
    return Advice(indicator=Indicator.INFO, summary="Adult", detail=("first", "second"), choice=False)
'''
ROOT = Path(__file__).parents[3]


def names(path: Path) -> list[str]:
    return [one.id.removeprefix(f"{path}::") for one in mutants(path)]


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "adults.py"
    path.write_text(RULE, encoding="utf-8")
    return path


def test_conditions_words_limits_and_what_is_said_are_changed_one_at_a_time(module: Path) -> None:
    assert names(module) == [
        "LEVELS: without 1",
        "LEVELS: without 2",
        "LEVELS: 1 becomes 2",
        "LEVELS: 2 becomes 3",
        "grown_up (conditions): without unless=",
        "grown_up (conditions): without each(person, holds(person.advised), person.age >= 50)",
        "grown_up (conditions): without holds(person.advised)",
        "grown_up (conditions): without person.age >= 50",
        "grown_up (conditions): holds(person.advised) becomes fails",
        "grown_up (conditions): person.age >= 50 becomes person.age > 50",
        "grown_up (conditions): 50 becomes 51",
        "grown_up (conditions): without each(coming)",
        "grown_up: min((one for one in LEVELS if one)) becomes max",
        "grown_up: without if one",
        "grown_up: without detail=",
        "grown_up: without choice=",
        "grown_up: INFO becomes WARNING",
        "grown_up: without 'first'",
        "grown_up: without 'second'",
        "grown_up: False becomes True",
    ]


def test_a_change_in_what_a_rule_concludes_is_told_from_one_in_its_conditions(module: Path) -> None:
    told = {one.id.removeprefix(f"{module}::"): (one.rule, one.concluding) for one in mutants(module)}
    assert told["LEVELS: without 1"] == ("", False)
    assert told["grown_up (conditions): without each(coming)"] == ("RVFX-99", False)
    assert told["grown_up: without 'first'"] == ("RVFX-99", True)


def test_a_mutant_is_the_module_with_this_one_change(tmp_path: Path) -> None:
    path = tmp_path / "numbers.py"
    path.write_text("def most(ages):\n    return max(ages) + 1\n", encoding="utf-8")
    found = {}
    for one in mutants(path):
        module: dict[str, object] = {}
        exec(one.code(), module)
        most = module["most"]
        assert callable(most)
        found[one.id.removeprefix(f"{path}::")] = most([40, 60])
    assert found == {
        "most: max(ages) + 1 becomes max(ages) - 1": 59,
        "most: max(ages) becomes min": 41,
        "most: 1 becomes 2": 62,
    }


def test_the_name_of_a_mutant_stays_when_lines_move(module: Path) -> None:
    before = names(module)
    module.write_text(RULE.replace("LEVELS = (1, 2)", "\n\nAGE = person.age\nLEVELS = (1, 2)"), encoding="utf-8")
    assert names(module) == before


def test_what_is_explained_still_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    explained = yaml.safe_load(Path("tools/mutants_explained.yaml").read_text(encoding="utf-8"))
    modules = {Path(name.split("::")[0]) for name in explained}
    existing = {one.id for path in modules for one in mutants(path)}
    assert set(explained) <= existing
    assert all(len(reason) > 20 for reason in explained.values())

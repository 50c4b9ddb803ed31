"""What ARCHITECTURE.md promises holds for every file of the project."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from rules.reasoning.knowledge import read_limits

ROOT = Path(__file__).parents[2]
CORE = sorted((ROOT / "rules").rglob("*.py"))
SERVICE = sorted((ROOT / "service").rglob("*.py"))
TOPICS = {path.parent.name for path in (ROOT / "rules").glob("*/knowledge.yaml")}
TOPIC_MODULES = [path for one in (ROOT / "rules").glob("*/knowledge.yaml") for path in sorted(one.parent.glob("*.py"))]
CLOCKS = {"today", "now", "utcnow", "time", "monotonic"}


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def clock_calls(source: str) -> list[str]:
    return [
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCKS
        and ast.unparse(node.func.value).split(".")[-1] in {"date", "datetime", "time"}
    ]


def test_the_core_needs_no_more_than_an_engine_units_and_files() -> None:
    needed = {name.split(".")[0] for path in CORE for name in imports(path)} - set(sys.stdlib_module_names)
    assert needed == {"rules", "durable_rules_engine", "yaml", "pint", "dateutil"}


def test_only_the_engine_touches_durable_rules() -> None:
    touching = {path.name for path in CORE if any(name.startswith("durable") for name in imports(path))}
    assert touching == {"engine.py"}


def test_the_core_reads_no_clock() -> None:
    assert clock_calls("import datetime\ndatetime.date.today()") == ["datetime.date.today"]
    assert {path.name: clock_calls(path.read_text(encoding="utf-8")) for path in CORE} == {p.name: [] for p in CORE}


def test_the_day_of_evaluation_is_read_from_a_clock_where_calls_and_commands_come_in() -> None:
    reading = {
        path.relative_to(ROOT).as_posix() for path in SERVICE if "date.today" in path.read_text(encoding="utf-8")
    }
    assert reading == {"service/app.py", "service/commands.py", "service/screening_command.py"}


def test_reasoning_knows_no_topic() -> None:
    assert TOPICS
    for path in (ROOT / "rules" / "reasoning").rglob("*.py"):
        assert not {name for name in imports(path) if TOPICS & set(name.split("."))}


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_a_topic_knows_only_reasoning(topic: str) -> None:
    paths = sorted((ROOT / "rules" / topic).rglob("*.py"))
    assert paths
    known = {name for path in paths for name in imports(path) if name.split(".")[0] == "rules"}
    assert [name for name in known if not name.startswith(("rules.reasoning", f"rules.{topic}"))] == []


def test_what_one_version_of_fhir_says_otherwise_stays_with_what_reads_fhir() -> None:
    own = ("service.fhir.dialects", "service.fhir.resources_r4", "service.fhir.resources_r5", "fhir.resources")
    knowing = {path for path in SERVICE if any(name.startswith(own) for name in imports(path))}
    assert knowing
    assert {path for path in knowing if (ROOT / "service" / "fhir") not in path.parents} == set()


@pytest.mark.parametrize("path", sorted((ROOT / "rules").glob("*/knowledge.yaml")), ids=lambda path: path.parent.name)
def test_every_limit_names_its_source_or_says_that_it_is_proposed(path: Path) -> None:
    for limit in read_limits(path).values():
        assert limit.says
        assert limit.certainty == "P" or limit.source, f"{limit.name} cites nothing"
        assert all(re.fullmatch(r"S\d\d", source) for source in limit.source)


@pytest.mark.parametrize("path", TOPIC_MODULES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_number_stands_in_a_condition(path: Path) -> None:
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "each":
            numbers = [
                node.value
                for node in ast.walk(call)
                if isinstance(node, ast.Constant) and type(node.value) in (int, float)
            ]
            assert numbers == [], f"{path.name}:{call.lineno} holds {numbers}"


def test_lock_files_have_hashes_and_name_no_index() -> None:
    for name in ("build.txt", "dev.txt", "runtime.txt"):
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "index" not in text.replace("importlib", "")

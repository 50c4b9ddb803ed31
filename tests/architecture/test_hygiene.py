"""The project stays easy to read and to carry on: what its documents name exists, and what exists is named."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from rules.knowledge_base import load_knowledge
from rules.reasoning.rule import Phase

ROOT = Path(__file__).parents[2]
MODULE_LINES, FUNCTION_LINES = 320, 60
FORBIDDEN = frozenset({"manager", "handler", "processor", "helper", "util"})
"""Words that say nothing about what a thing is."""

# Put together here, so that this file does not name what it forbids.
PATHS_OF_ONE_MACHINE = ["/" + top for top in ("work/", "root/", "Users/")]
# With its slash, for Debian's package of Docker has the name of the registry of images.
PACKAGE_REGISTRIES = [
    ".".join(parts)
    for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("debian", "org"), ("docker", "io/"))
]


@cache
def tracked() -> tuple[Path, ...]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


def code(*tops: str) -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in tops]


def documents() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md"]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


PRODUCT = code("rules", "service", "benchmarks", "tools")
KNOWLEDGE = load_knowledge()


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in PRODUCT}
    assert len(lengths) > 50
    assert {name: length for name, length in lengths.items() if length > MODULE_LINES} == {}


def test_no_function_needs_scrolling() -> None:
    functions = {
        f"{name_of(path)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in [*PRODUCT, *code("tests")]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    assert len(functions) > 500
    assert {name: length for name, length in functions.items() if length > FUNCTION_LINES} == {}


def words(identifier: str) -> set[str]:
    return {word.lower().rstrip("s") for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", identifier)}


def defined(path: Path) -> Iterator[str]:
    yield path.stem
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def test_no_name_is_one_that_says_nothing() -> None:
    assert words("RuleManager") & FORBIDDEN
    assert words("_date_utils") & FORBIDDEN
    found = {
        f"{name_of(path)}: {name}"
        for path in [*PRODUCT, *code("tests")]
        for name in defined(path)
        if words(name) & FORBIDDEN
    }
    assert found == set()


def test_no_tracked_file_names_a_machine_or_a_package_registry() -> None:
    found = {
        f"{name_of(path)}: {word}"
        for path in tracked()
        for word in (*PATHS_OF_ONE_MACHINE, *PACKAGE_REGISTRIES)
        if word in path.read_text(encoding="utf-8", errors="replace")
    }
    assert found == set()


def pinned(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    found = re.findall(r"^(\S+)==(\S+)( ; .*?)? \\$", text, flags=re.M)
    return {f"{package}{marker}": version for package, version, marker in found}


@pytest.mark.parametrize("name", ["runtime.txt", "build.txt"])
def test_what_runs_and_what_builds_is_what_was_tested(name: str) -> None:
    locked, developed = pinned(name), pinned("dev.txt")
    assert locked
    assert {package: version for package, version in locked.items() if developed.get(package) != version} == {}


def test_every_rule_has_a_sentence_and_what_advises_cites_a_source_that_exists() -> None:
    for rule in KNOWLEDGE.program.rules:
        assert rule.sentence.endswith("."), rule.id
        assert len(rule.sentence) < 200, f"{rule.id}: one sentence"
    advising = {rule.id for rule in KNOWLEDGE.program.of(Phase.ADVISE)}
    assert advising == {entry.id for entry in KNOWLEDGE.rules}
    for entry in KNOWLEDGE.rules:
        assert entry.citations, entry.id
        assert {one.source for one in entry.citations} <= set(KNOWLEDGE.sources), entry.id
        assert all(one.says for one in entry.citations), entry.id


def test_the_version_of_the_knowledge_is_told_in_its_changelog() -> None:
    told = (ROOT / "rules" / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.findall(r"^## (\S+):", told, flags=re.M)[0]
    assert newest == KNOWLEDGE.version
    assert re.fullmatch(r"\d{4}\.\d{2}\.\d+", KNOWLEDGE.version)


def test_every_rule_is_told_in_the_changelog_of_the_knowledge() -> None:
    told = (ROOT / "rules" / "CHANGELOG.md").read_text(encoding="utf-8")
    assert [entry.id for entry in KNOWLEDGE.rules if entry.id not in told] == []


@pytest.mark.parametrize("path", documents(), ids=name_of)
def test_every_link_of_a_document_leads_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)(#[^)\s]*)?\)", text):
        linked = path.parent / target if target else path
        assert linked.exists(), f"{name_of(path)} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), flags=re.M)
            assert anchor[1:] in {slug(heading) for heading in headings}, f"{name_of(path)} links to {anchor}"


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", documents(), ids=name_of)
def test_every_path_that_a_document_names_exists(path: Path) -> None:
    tops = {one.relative_to(ROOT).parts[0] for one in tracked() if len(one.relative_to(ROOT).parts) > 1}
    named = [
        one
        for one in re.findall(r"`([\w./-]+)`", path.read_text(encoding="utf-8"))
        if "/" in one and one.split("/")[0] in tops
    ]
    assert [one for one in named if not (ROOT / one).exists()] == []


def test_what_the_guide_for_clinicians_quotes_is_what_runs() -> None:
    guide = (ROOT / "rules" / "README.md").read_text(encoding="utf-8")
    [quoted] = re.findall(r"```python\n(.*?)```", guide, flags=re.S)
    rule = (ROOT / "rules/rebound_fracture/symptoms.py").read_text(encoding="utf-8")
    shortened = {"@rule(", "when=[", "],", ")", "def symptom_not_imaged(course, today, symptom):"}
    lines = {line.strip() for line in quoted.splitlines()} - shortened
    assert len(lines) == 5
    assert [line for line in lines if line not in rule] == []
    cases = (ROOT / "tests/cases/new-pain.yaml").read_text(encoding="utf-8")
    topic = (ROOT / "rules/rebound_fracture/knowledge.yaml").read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", guide, flags=re.S)
    assert [line for line in examples[0].splitlines() if line.strip() not in topic] == []
    assert examples[1].splitlines()[0].strip() in cases
    assert KNOWLEDGE.limits.with_values({"ctx_raised": 0.28, "calcium_low": 2.15}, KNOWLEDGE.rules[0].reviewed, "")


def headwords() -> list[str]:
    glossary = (ROOT / "GLOSSARY.md").read_text(encoding="utf-8")
    found = re.findall(r"^- \*\*(.+?)\*\*", glossary, flags=re.M)
    return [word.split(" (")[0] for entry in found for word in entry.split(", ")]


def test_every_word_of_the_glossary_is_used() -> None:
    text = "\n".join(
        path.read_text(encoding="utf-8").lower()
        for path in tracked()
        if path.name != "GLOSSARY.md" and path.suffix in {".py", ".md", ".yaml"}
    )
    assert len(headwords()) > 60
    assert [word for word in headwords() if word.lower() not in text] == []


def test_the_glossary_is_sorted_and_tells_no_word_twice() -> None:
    told = headwords()
    assert len(told) == len(set(told))
    glossary = (ROOT / "GLOSSARY.md").read_text(encoding="utf-8")
    for section in glossary.split("\n## ")[1:]:
        first = [word.lower() for word in re.findall(r"^- \*\*(.+?)\*\*", section, flags=re.M)]
        assert first == sorted(first)


def test_the_glossary_tells_every_word_that_an_assessment_prints() -> None:
    glossary = (ROOT / "GLOSSARY.md").read_text(encoding="utf-8")
    source = "\n".join(path.read_text(encoding="utf-8") for path in code("rules"))
    printed = set(re.findall(r'"((?:R?VFX_|PRESUMED_|STOPPED_|REBOUND_|DUE_)[A-Z]+(?:_[A-Z]+)?)"', source))
    assert {"RVFX_PROBABLE", "VFX_ON_TREATMENT", "REBOUND_OVER"} <= printed
    strengths = {word for entry in KNOWLEDGE.rules for word in re.findall(r"EL\d|REG", entry.evidence_level)}
    phases = {phase.name for phase in Phase}
    assert [word for word in sorted(printed | strengths | phases) if word not in glossary] == []

"""Change the rules a little, one change at a time, and see that a case, a golden or a unit test objects to each.

`.venv/bin/python -m tools.mutants [paths] [--jobs 2] [--again] [--only TEXT] [--page]`: `paths` are modules or folders
under `rules`. Each mutant is judged in a process of its own: the changed module is imported, the knowledge is loaded
(which checks it), then the cases are asked, those of the rule first, then the accepted assessments, then the quick unit
tests. What nothing objects to is a survivor. Ends with 1 when a survivor is not explained in
`tools/mutants_explained.yaml`, or when an explanation is about a mutant that is gone or no longer survives. `--again`
judges only what survived last time, `--only` only mutants whose name holds the text.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import importlib.abc
import importlib.machinery
import multiprocessing
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import CodeType, ModuleType

import pytest
import yaml

from rules.knowledge_base import load_knowledge
from rules.reasoning import knowledge, terminology
from rules.reasoning.timeline import PatientTimeline
from tests.storybook.case import Case, load_cases
from tests.storybook.routes import InProcess
from tools import make_fixtures
from tools.mutants_report import CASES, CRASH, GOLDENS, LOADING, SURVIVED, TIME, UNIT_TESTS, differing, page, table
from tools.rule_changes import Mutant, mutants

ROOT = Path(__file__).parents[1]
EXPLAINED = Path(__file__).with_name("mutants_explained.yaml")
SURVIVORS = Path("build") / "mutants.txt"
PAGE = Path("docs") / "mutation.md"
QUICK_TESTS = (
    *("tests/unit/test_rules.py", "tests/unit/test_drug_safety.py", "tests/unit/test_fracture_class.py"),
    *("tests/unit/test_denosumab_state.py", "tests/unit/orders", "tests/unit/facts", "tests/unit/cds_hooks"),
)
# What the service imports is there before pytest could rewrite it; nothing of that is what the tests assert.
QUICKLY = ("-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
SECONDS = 180
"""As long as this a mutant may take; one that loops for ever is noticed by whoever waits for an answer."""


@dataclass(frozen=True)
class Question:
    """A case with its record as it was read, and the rules that concluded from it in the rules as they are."""

    case: Case
    timeline: PatientTimeline
    concluded: frozenset[str]


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from changed code."""

    def __init__(self, module: str, code: CodeType) -> None:
        self.module, self.code = module, code

    def find_spec(self, name: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        """Where the changed module comes from; None for every other."""
        return importlib.machinery.ModuleSpec(name, self) if name == self.module else None

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed code as the module."""
        exec(self.code, vars(module))


@cache
def _importers() -> Mapping[str, frozenset[str]]:
    """Which modules of the project import each module, by name."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for folder in ("rules", "service", "tests", "tools"):
        for path in (ROOT / folder).rglob("*.py"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module:
                    for imported in (node.module, *(f"{node.module}.{one.name}" for one in node.names)):
                        found[imported].add(name)
    return {name: frozenset(importers) for name, importers in found.items()}


def forget(module: str) -> None:
    """Take a module, and all that saw something of it, out of what is imported."""
    # Kinds of facts register themselves with `Fact`: all of them are made anew, or none.
    todo = [module, *(["rules.reasoning.fact"] if module.startswith("rules.reasoning.facts.") else [])]
    gone: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in gone:
            gone.add(name)
            todo += _importers().get(name, ())
    for name in gone - {__name__, "__main__"}:
        sys.modules.pop(name, None)


def questions() -> list[Question]:
    """Every case, with what the rules as they are conclude from it."""
    route = InProcess.of()
    found = []
    for case in load_cases():
        evaluation = route.evaluate(case)
        route.answer(evaluation)  # what is read once, the catalogue of orders, is read here and not in every process
        concluded = frozenset(firing.rule for firing in evaluation.trace.firings)
        found.append(Question(case, route.timeline(case), concluded))
    return found


def about(mutant: Mutant, asked: Sequence[Question]) -> list[Question]:
    """The questions that could come out otherwise, those first that name the rule, then those where it applies."""
    rule = mutant.rule
    chosen = [one for one in asked if rule in one.concluded] if mutant.concluding else asked
    return sorted(chosen, key=lambda one: (rule not in str(one.case.told.then), rule not in one.concluded))


def judge(mutant: Mutant | None, asked: Sequence[Question], unit_tests: bool) -> str:
    """What becomes of a mutant, in this process; without a mutant, of the rules as they are."""
    if mutant is not None:
        asked = about(mutant, asked)
        sys.meta_path.insert(0, _Changed(mutant.module, mutant.code()))
        forget(mutant.module)
    try:
        routes = importlib.import_module("tests.storybook.routes")
        outcome = importlib.import_module("tests.storybook.outcome")
        route = routes.InProcess.of()
    except Exception:
        return LOADING
    if any(_objects(route, outcome, one) for one in asked):
        return CASES
    if not _as_accepted(route, asked, mutant.rule if mutant and mutant.concluding else ""):
        return GOLDENS
    if unit_tests and pytest.main([*QUICKLY, *QUICK_TESTS]) != pytest.ExitCode.OK:
        return UNIT_TESTS
    return SURVIVED


def _objects(route: InProcess, outcome: ModuleType, asked: Question) -> bool:
    told = asked.case.told
    try:
        evaluation = route.evaluate_timeline(asked.timeline, told.when)
        found = outcome.differences(told.then, evaluation, route.answer(evaluation))
    except Exception:
        return True
    return bool(found) is (told.known_disagreement is None)


def _as_accepted(route: InProcess, asked: Sequence[Question], rule: str) -> bool:
    fresh = importlib.import_module(make_fixtures.__name__)
    try:
        found = fresh.golden([one.case for one in asked])
        told = [(one.case, route.evaluate_timeline(one.timeline, one.case.told.when)) for one in asked]
        said = _sections(fresh.page(told, rule), rule)
    except Exception:
        return False
    same = all(_accepted(path) == content for path, content in found.items())
    return same and said == _sections(_accepted(make_fixtures.GOLDEN / "advice.md"), rule)


@cache
def _accepted(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def _sections(page: str, rule: str) -> list[str]:
    return [one for one in page.split("\n## ")[1:] if not rule or one.startswith(f"{rule}\n")]


def _child(mutant: Mutant | None, asked: Sequence[Question], unit_tests: bool, answer: Connection) -> None:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    answer.send(judge(mutant, asked, unit_tests))
    answer.close()
    os._exit(0)  # nothing of the parent's is to be tidied up here


def verdicts(
    wanted: Sequence[Mutant | None], asked: Sequence[Question], jobs: int, unit_tests: bool
) -> Iterator[tuple[Mutant | None, str]]:
    """Each mutant with what becomes of it, `jobs` at a time, in the order in which they end."""
    fork = multiprocessing.get_context("fork")
    waiting = list(reversed(wanted))
    running: dict[Connection, tuple[Mutant | None, BaseProcess, float]] = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            ours, theirs = fork.Pipe(duplex=False)
            process: BaseProcess = fork.Process(target=_child, args=(mutant, asked, unit_tests, theirs), daemon=True)
            process.start()
            theirs.close()
            running[ours] = (mutant, process, time.monotonic())
        for ready in wait(list(running), timeout=1):
            assert isinstance(ready, Connection)
            mutant, process, _ = running.pop(ready)
            with contextlib.closing(ready):
                try:
                    verdict = str(ready.recv())
                except EOFError:
                    verdict = CRASH
            process.join()
            yield mutant, verdict
        for ours, (mutant, process, since) in list(running.items()):
            if time.monotonic() - since > SECONDS:
                process.kill()
                process.join()
                del running[ours]
                yield mutant, TIME


def modules(paths: Sequence[str]) -> list[Path]:
    """The modules that are changed: those of the paths, or of every topic."""
    # Every topic of the rules: a folder with knowledge, as the knowledge base finds them.
    chosen = [Path(one) for one in paths] or [path.parent for path in sorted(Path("rules").glob("*/knowledge.yaml"))]
    found = [one for path in chosen for one in (sorted(path.glob("*.py")) if path.is_dir() else [path])]
    return [path for path in found if path.name != "__init__.py"]


def _read_once() -> None:
    """The knowledge files are not what is changed: they are read once, before the processes part."""
    knowledge.read_yaml = cache(knowledge.read_yaml)
    terminology.Terminology.load = cache(terminology.Terminology.load)  # type: ignore[method-assign]


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the mutants of the chosen modules; 0 when every survivor is explained."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", help="modules or folders under rules; by default all topics")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--again", action="store_true", help="only what survived last time")
    parser.add_argument("--only", default="", help="only mutants whose name holds this text")
    parser.add_argument("--page", action="store_true", help="write docs/mutation.md, after a run over everything")
    parser.add_argument("--no-unit-tests", dest="unit_tests", action="store_false", help="cases and goldens only")
    chosen = parser.parse_args(arguments)
    os.chdir(ROOT)
    wanted = [one for path in modules(chosen.paths) for one in mutants(path)]
    wanted = [one for one in wanted if chosen.only in one.id]
    if chosen.again:
        last = _survived_last_time()
        wanted = [one for one in wanted if one.id in last]
    _read_once()
    _importers()
    asked = questions()
    for path in (ROOT / make_fixtures.GOLDEN).glob("*.*"):
        _accepted(path.relative_to(ROOT))  # as they are now, whatever is written while this runs
    [(_, sound)] = verdicts([None], asked, 1, chosen.unit_tests)
    if sound != SURVIVED:
        print(f"the rules as they are: {sound}", file=sys.stderr)
        return 1
    found: dict[str, str] = {}
    for number, (mutant, verdict) in enumerate(verdicts(wanted, asked, chosen.jobs, chosen.unit_tests), 1):
        assert mutant is not None
        found[mutant.id] = verdict
        print(f"{number}/{len(wanted)} {verdict}: {mutant.id}", flush=True)
    return _report(found, whole=not (chosen.paths or chosen.again or chosen.only), write=chosen.page)


def _survived_last_time() -> set[str]:
    return set(SURVIVORS.read_text(encoding="utf-8").splitlines()) if SURVIVORS.exists() else set()


def _report(found: Mapping[str, str], whole: bool, write: bool) -> int:
    explained: dict[str, str] = yaml.safe_load(EXPLAINED.read_text(encoding="utf-8"))
    survivors = [name for name, verdict in found.items() if verdict == SURVIVED]
    SURVIVORS.parent.mkdir(exist_ok=True)
    unasked = set() if whole else _survived_last_time() - set(found)
    SURVIVORS.write_text("".join(f"{name}\n" for name in sorted({*survivors, *unasked})), encoding="utf-8")
    print("\n" + "\n".join(table(found)))
    if whole and write:
        PAGE.write_text(page(found, explained, load_knowledge().version, date.today()), encoding="utf-8")
    unexplained, stale = differing(found, explained, whole)
    for title, names in (("not explained", unexplained), ("explained, but gone or killed", stale)):
        print("".join(f"\n{title}: {name}" for name in names))
    return 1 if unexplained or stale else 0


if __name__ == "__main__":
    sys.exit(main())

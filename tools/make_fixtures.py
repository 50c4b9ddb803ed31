"""Writes fhir_fixtures, and with --golden the expected assessments, from the cases that tell the stories."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from service.cds_hooks.cards import CardMaker
from service.reports import json_report
from tests.storybook.advice import page
from tests.storybook.case import Case, load_cases
from tests.storybook.r5 import in_r5
from tests.storybook.record import bundle, export
from tests.storybook.routes import InProcess

ROOT = Path(__file__).parents[1]
FIXTURES = Path("fhir_fixtures")
GOLDEN = Path("tests/golden")


def patients(cases: Sequence[Case]) -> list[Case]:
    """The cases that are patients of the fixtures, by name."""
    return sorted((case for case in cases if case.told.patient), key=lambda case: case.name)


def fixtures(cases: Sequence[Case]) -> dict[Path, str]:
    """Every file of fhir_fixtures that is written here, by its path from the root of the project.

    Raises:
        Untellable: R5 cannot say what a case tells.
    """
    found = {FIXTURES / "README.md": readme(cases)}
    for case in patients(cases):
        folder = FIXTURES / "patients" / case.name
        found[folder / "r4.json"] = _pretty(case.bundle())
        if "R5" in case.told.versions:
            found[folder / "r5.json"] = _pretty(bundle(in_r5(case.resources)))
    records = [case.resources for case in patients(cases)]
    found |= {FIXTURES / "population" / name: content for name, content in export(records).items()}
    for case in cases:
        if case.told.request:
            path = FIXTURES / "hooks" / case.told.when.hook / f"{case.told.request}.json"
            found[path] = _pretty(case.request())
    return found


def golden(cases: Sequence[Case]) -> dict[Path, str]:
    """The assessment of every patient as `assess --format json` gives it, with numbered identifiers of cards."""
    route = InProcess.of()
    return {GOLDEN / f"{case.name}.json": _pretty(_assessment(case, route)) for case in patients(cases)}


def advice(cases: Sequence[Case]) -> dict[Path, str]:
    """The page of what each rule says."""
    route = InProcess.of()
    return {GOLDEN / "advice.md": page((case, route.evaluate(case)) for case in cases)}


def _assessment(case: Case, route: InProcess) -> dict[str, Any]:
    numbers = itertools.count(1)
    maker = CardMaker(route.knowledge, new_id=lambda: f"00000000-0000-4000-8000-{next(numbers):012}")
    evaluation = route.evaluate(case)
    found = json.dumps(json_report.assessment(evaluation, maker.cards(evaluation)), ensure_ascii=False)
    whole: dict[str, Any] = json.loads(unversioned(found, route.knowledge.version))
    return whole


def unversioned(answers: str, version: str) -> str:
    """Answers without the version of the knowledge: where only that is new, what was accepted stays accepted."""
    return answers.replace(version, "VERSION")


def readme(cases: Sequence[Case]) -> str:
    """What the fixtures are, patient by patient."""
    lines = [
        "# Synthetic patients and hook requests",
        "",
        "No patient is real. `make fixtures` writes all of this from the cases in `tests/cases`, where each record is",
        "told in a clinician's words; change them there. Every patient is seen on 2026-03-01:",
        "",
        "```",
        "reboundwatch assess fhir_fixtures/patients/*/r4.json --as-of 2026-03-01",
        "```",
        "",
        "`r4.json` and `r5.json` are collection Bundles of FHIR R4 and R5, `hooks/<hook>/<story>.json` whole CDS Hooks",
        "requests (R4). `population/` holds all patients together as a Bulk Data export, to be screened:",
        "",
        "```",
        "reboundwatch screen fhir_fixtures/population --out worklist --as-of 2026-03-01",
        "```",
        "",
        "What a publication leaves open is left open here, and named as partial.",
        "",
    ]
    for case in patients(cases):
        lines += _entry(case)
    lines += ["## Hook requests", ""]
    requests = sorted((case.told.when.hook, case.told.request, case) for case in cases if case.told.request)
    lines += [f"- `hooks/{hook}/{name}.json`: {case.told.title}. {_expected(case)}" for hook, name, case in requests]
    return "\n".join(lines) + "\n"


def _entry(case: Case) -> list[str]:
    told = case.told
    also = " (R4 and R5)" if "R5" in told.versions else ""
    lines = [f"## {case.name}{also}", "", " ".join((told.story or told.title).split()), ""]
    if told.source:
        lines.append(f"- Source: {told.source} (`rules/sources.yaml`)")
    if told.partial:
        lines.append(f"- Partial: {told.partial}")
    return [*lines, f"- {_expected(case)}", ""]


def _expected(case: Case) -> str:
    then = case.told.then
    said = {"State": then.state, "class": then.class_}
    parts = [f"{name} {word}" for name, word in said.items() if word]
    rules = then.fires if then.fires is not None else then.speaks
    parts.append(f"rules {', '.join(rules)}" if rules else "no rule" if then.fires is not None else "")
    words = ", ".join(part for part in parts if part)
    return f"{words[0].upper()}{words[1:]}."


def _pretty(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def write(files: Mapping[Path, str], folders: Sequence[Path]) -> None:
    """Write the files and remove what is no longer among them from the folders that hold nothing else."""
    for path, content in files.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(content, encoding="utf-8")
    for folder in folders:
        for stale in (ROOT / folder).rglob("*.*json"):
            if stale.relative_to(ROOT) not in files:
                stale.unlink()


def main() -> None:
    """Write everything; with --golden the expected assessments and the page of advice as well."""
    cases = load_cases()
    write(fixtures(cases), [FIXTURES / "patients", FIXTURES / "population"])
    # The accepted assessments change only when somebody asks for it, and reads the diff.
    if "--golden" in sys.argv[1:]:
        write(golden(cases), [GOLDEN])
        write(advice(cases), [])


if __name__ == "__main__":
    main()

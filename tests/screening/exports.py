"""An export of some of the synthetic patients, screened as a user would, and what came of it."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

from click.testing import CliRunner, Result

from service.commands import main
from tests.storybook.vocabulary import Json

PATIENTS = Path("fhir_fixtures/patients")
LAPSED = "lapsed-eleven-months-after-three-doses"
FRACTURED = "five-fractures-ten-months-after-seven-doses"
DUE = "due-two-weeks-ago"
ON_TIME = "on-time-after-four-doses"
WITHOUT = "never-on-denosumab"
STORIES = (ON_TIME, DUE, LAPSED, WITHOUT, FRACTURED)


def record(story: str) -> list[Json]:
    bundle = json.loads((PATIENTS / story / "r4.json").read_text(encoding="utf-8"))
    return [entry["resource"] for entry in bundle["entry"]]


def screen(source: Path, out: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["screen", str(source), "--out", str(out), "--as-of", "2026-03-01", *more])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def not_read(out: Path) -> list[tuple[str, str]]:
    """The line of each thing that could not be read, and why."""
    return [(Path(row["place"]).name, row["reason"]) for row in rows(out / "not-read.csv")]


def gaps(out: Path) -> dict[str, list[tuple[str, bool]]]:
    """Of each patient the files in which something is lost, and whether it may be a drug."""
    with gzip.open(out / "assessments.ndjson.gz", "rt", encoding="utf-8") as file:
        found = map(json.loads, file)
        return {
            one["patient"].removeprefix("Patient/"): [
                (Path(gap["part"].split(",")[0]).name, gap["drugs"]) for gap in one["gaps"]
            ]
            for one in found
        }

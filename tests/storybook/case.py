"""A case as it is written down, and the reading of all cases of a folder."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from tests.storybook.given import Given, When, Words
from tests.storybook.outcome import Then
from tests.storybook.record import bundle, drafts, record
from tests.storybook.requests import hook_request
from tests.storybook.vocabulary import Json, Untellable, slug

FOLDER = Path(__file__).parents[1] / "cases"

Side = Literal["below", "at", "above"]


class BadCase(Exception):
    """A case that cannot be read; the message names file, case and word."""


class Told(Words):
    """One case as it stands in its file.

    `limits` are the limits of the knowledge base that the case lies just below, at or just above. A case with `patient`
    is a patient of the fixtures under that name, `versions` says of which FHIR versions; `request` is the name of its
    hook request. `known_disagreement` says how the product differs from what the case expects.
    """

    title: str
    given: Given
    when: When
    then: Then
    limits: dict[str, Side | list[Side]] = msgspec.field(default_factory=dict)
    patient: str | None = None
    versions: tuple[Literal["R4", "R5"], ...] = ("R4",)
    request: str | None = None
    story: str | None = None
    source: str | None = None
    partial: str | None = None
    known_disagreement: str | None = None


class _Sheet(Words):
    topic: str
    cases: list[Told]


@dataclass(frozen=True)
class Case:
    """A case with the file that it was read from."""

    file: str
    topic: str
    told: Told

    def __str__(self) -> str:
        return f"{self.file}: {self.told.title}"

    @property
    def name(self) -> str:
        """The id of its patient."""
        return (
            self.told.patient
            or self.told.request
            or slug(f"{self.file.removesuffix('.yaml')} {self.told.title}").rstrip("-")
        )

    @property
    def as_of(self) -> date:
        """The day of evaluation."""
        return date.fromisoformat(self.told.when.as_of)

    @cached_property
    def resources(self) -> list[Json]:
        """The record as FHIR R4."""
        return record(self.name, self.told.given, self.as_of)

    @cached_property
    def drafts(self) -> list[Json]:
        """The orders that are being written."""
        return drafts(self.name, self.told.when)

    def bundle(self) -> Json:
        """The record in one Bundle."""
        return bundle(self.resources)

    def request(self) -> Json:
        """The whole hook request."""
        when = self.told.when
        return hook_request(when.hook, self.resources, when.as_of, self.drafts, when.selected)


class _Strict(yaml.BaseLoader):
    """Every scalar stays text, and no word may be said twice of one thing."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise BadCase(f"line {node.start_mark.line + 1}: {', '.join(sorted(twice))} is said twice")
        return super().construct_mapping(node, deep=deep)


def load_cases(folder: Path = FOLDER) -> list[Case]:
    """Every case of a folder, file by file.

    Raises:
        BadCase: a file is no YAML, a word is unknown, misspelt or of the wrong kind, or two cases have one title.
    """
    found = [case for path in sorted(folder.glob("*.yaml")) for case in read_cases(path)]
    seen: dict[str, Case] = {}
    for case in found:
        if case.name in seen:
            raise BadCase(f"{case}: has the name of {seen[case.name]}")
        seen[case.name] = case
    return found


def read_cases(path: Path) -> list[Case]:
    """The cases of one file (see `load_cases`)."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Strict)
    except (yaml.YAMLError, BadCase) as error:
        raise BadCase(f"{path.name}: {error}") from None
    told = content.get("cases") if isinstance(content, dict) else None
    if not isinstance(told, list):
        raise BadCase(f"{path.name}: needs a topic and its cases")
    _converted({**content, "cases": []}, _Sheet, path.name)
    return [Case(path.name, str(content["topic"]), _case(one, place, path.name)) for place, one in enumerate(told, 1)]


def _case(one: Any, place: int, file: str) -> Told:
    title = one.get("title", f"case {place}") if isinstance(one, dict) else f"case {place}"
    told: Told = _converted(one, Told, f"{file}: {title}")
    try:
        case = Case(file, "", told)
        case.request()
    except (Untellable, ValueError) as error:
        raise BadCase(f"{file}: {title}: {error}") from None
    return told


def _converted(content: Any, kind: Any, where: str) -> Any:
    try:
        return msgspec.convert(content, kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadCase(f"{where}: {error}") from None

"""Checks CDS Hooks messages against HL7's logical models, as far as these speak of the messages themselves.

The elements of a model's snapshot are interpreted: cardinality, types, names in JSON, fixed values, required codes and
invariants. FHIR inside a message is looked at no further than its resource type and id.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.hl7.invariants import INVARIANTS

Json = dict[str, Any]

_PRIMITIVES = {
    "id": r"[A-Za-z0-9\-.]{1,64}",
    "code": r"\S+( \S+)*",
    "uuid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "string": r"[\s\S]*\S[\s\S]*",
    "markdown": r"[\s\S]*\S[\s\S]*",
    "uri": r"\S+",
    "url": r"\S+",
}
_CODES = {
    "CDSIndicator": ("info", "warning", "critical"),
    "CDSActionType": ("create", "update", "delete"),
    "CDSSelectionBehavior": ("at-most-one", "any"),
    "CDSLinkType": ("absolute", "smart"),
}
"""The required codes, from sections "Card Attributes", "Action" and "Link" of CDS Hooks 2.0.1: no file has them."""
_CODING = {"system", "version", "code", "display", "userSelected", "id", "extension"}


@dataclass(frozen=True)
class Element:
    """One element of a model, as JSON writes it."""

    definition: Json
    within: dict[str, Element] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """The code of its type, without the address before it."""
        return str((self.definition.get("type") or [{"code": ""}])[0]["code"]).rsplit("/", 1)[-1]

    @property
    def is_list(self) -> bool:
        """Whether JSON writes an array; a map with keys is an object."""
        return self.definition["max"] != "1" and self.extension("json-property-key") is None

    @property
    def name(self) -> str:
        """What JSON calls it."""
        return str(self.extension("elementdefinition-json-name") or self.definition["path"].rsplit(".", 1)[-1])

    def extension(self, name: str) -> Any:
        """The value of one of its extensions, or None."""
        for one in self.definition.get("extension", ()):
            if one["url"].rsplit("/", 1)[-1] == name:
                return next(value for key, value in one.items() if key.startswith("value"))
        return None

    def contexts(self) -> Iterator[tuple[str, str]]:
        """Which model a context has at which hook (extension type-specifier)."""
        for one in self.definition.get("extension", ()):
            if one["url"].endswith("type-specifier"):
                parts = {part["url"]: next(v for k, v in part.items() if k != "url") for part in one["extension"]}
                hook = re.search(r"%resource\.hook = '([^']+)'", parts["condition"])
                assert hook is not None, parts
                yield hook[1], parts["type"].rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Models:
    """HL7's models in a folder; `extensions` are the names under which `extension` may say more."""

    folder: Path
    extensions: frozenset[str] = frozenset()

    @cached_property
    def _roots(self) -> dict[str, Element]:
        return {path.stem: _tree(json.loads(path.read_bytes())) for path in self.folder.glob("CDSHook*.json")}

    def faults(self, model: str, message: Any) -> list[str]:
        """Every error in a message, with its place; a warning of HL7's is none."""
        return list(self._object(self._roots[model], message, model, message))

    def constraints(self) -> set[str]:
        """The keys of all invariants of the models that are not those of FHIR itself."""
        found: set[str] = set()
        stack = list(self._roots.values())
        while stack:
            element = stack.pop()
            found |= {one["key"] for one in element.definition.get("constraint", ()) if one["key"][:3] != "ele"}
            stack += element.within.values()
        return found - {"ext-1"}

    def _object(self, element: Element, value: Any, at: str, message: Any) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{at}: must be an object"
            return
        if not value:
            yield f"{at}: must have some content"
        known = {one.name: one for one in element.within.values()}
        found = [f"{at}.{name}: unrecognized" for name in value if name not in known and name != "resourceType"]
        for name, child in known.items():
            found += self._member(child, value.get(name, _ABSENT), f"{at}.{name}", message)
        # An invariant speaks of members of the right types.
        yield from found or self._broken(element, value, at)

    def _member(self, element: Element, value: Any, at: str, message: Any) -> Iterator[str]:
        if value is _ABSENT:
            if element.definition["min"] > 0 or element.extension("json-empty-behavior") == "present":
                yield f"{at}: is required"
        elif element.extension("json-property-key") is not None:
            yield from self._map(element, value, at, message)
        elif element.is_list:
            if not isinstance(value, list):
                yield f"{at}: must be an array"
            elif not value and element.extension("json-empty-behavior") != "present":
                yield f"{at}: must not be empty"
            else:
                for place, one in enumerate(value):
                    yield from self._value(element, one, f"{at}[{place}]", message)
        else:
            yield from self._value(element, value, at, message)

    def _map(self, element: Element, value: Any, at: str, message: Any) -> Iterator[str]:
        if not isinstance(value, dict) or not value:
            yield f"{at}: must be an object with content"
            return
        for key, one in value.items():
            if one is None and element.within["value"].extension("json-nullable"):
                continue
            yield from self._value(element.within["key"], key, f"{at}.{key}", message)
            yield from self._value(element.within["value"], one, f"{at}.{key}", message)

    def _value(self, element: Element, value: Any, at: str, message: Any) -> Iterator[str]:
        if element.definition.get("contentReference"):
            target = element.definition["contentReference"].rsplit("#", 1)[-1]
            yield from self._object(_at(self._roots[target.split(".")[0]], target), value, at, message)
            return
        if element.type == "CDSHooksElement":
            yield from self._object(element, value, at, message)
            return
        found = list(self._typed(element, value, at, message))
        yield from found or self._broken(element, value, at)

    def _typed(self, element: Element, value: Any, at: str, message: Any) -> Iterator[str]:
        match element.type:
            case "CDSHooksExtensions":
                yield from self._extension(value, at)
            case "CDSHookContext":
                yield from self._context(element, value, at, message)
            case "Resource" | "Bundle":
                yield from _resource(element, value, at)
            case "Coding":
                if not isinstance(value, dict) or not value or not set(value) <= _CODING:
                    yield f"{at}: must be a Coding"
            case kind:
                yield from _primitive(kind, value, at)
        fixed = element.definition.get("fixedCode")
        if fixed is not None and value != fixed:
            yield f"{at}: must be {fixed}"
        bound = element.definition.get("binding", {}).get("valueSet", "").rsplit("/", 1)[-1]
        if bound in _CODES and value not in _CODES[bound]:
            yield f"{at}: must be one of {', '.join(_CODES[bound])}"

    def _context(self, element: Element, value: Any, at: str, message: Any) -> Iterator[str]:
        model = dict(element.contexts()).get(message.get("hook"))
        if model is not None:
            yield from self._object(self._roots[model], value, at, message)
        elif not isinstance(value, dict) or not value:
            yield f"{at}: must be an object with content"

    def _extension(self, value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, dict) or not value:
            yield f"{at}: must be an object with content"
        else:
            yield from (f"{at}.{name}: unrecognized" for name in value if name not in self.extensions)

    def _broken(self, element: Element, value: Any, at: str) -> Iterator[str]:
        for one in element.definition.get("constraint", ()):
            if one["severity"] == "error" and one["key"] in INVARIANTS and not INVARIANTS[one["key"]](value):
                yield f"{at}: {one['key']}: {one['human']}"


_ABSENT: Any = object()


def _tree(model: Json) -> Element:
    elements = model["snapshot"]["element"]
    root = Element(elements[0])
    for definition in elements[1:]:
        parent, name = definition["path"].rsplit(".", 1)
        _at(root, parent).within[name] = Element(definition)
    return root


def _at(root: Element, path: str) -> Element:
    found = root
    for name in path.split(".")[1:]:
        found = found.within[name]
    return found


def _resource(element: Element, value: Any, at: str) -> Iterator[str]:
    if not isinstance(value, dict) or not isinstance(value.get("resourceType"), str):
        yield f"{at}: must be a resource with its resourceType"
    elif element.type == "Bundle" and value["resourceType"] != "Bundle":
        yield f"{at}: must be a Bundle"
    elif "id" not in value and element.extension("id-expectation") != "optional":
        yield f"{at}: must have an id"


def _primitive(kind: str, value: Any, at: str) -> Iterator[str]:
    if kind in ("boolean", "integer"):
        wanted = bool if kind == "boolean" else int
        if type(value) is not wanted:
            yield f"{at}: must be of type {kind}"
    elif not isinstance(value, str) or not re.fullmatch(_PRIMITIVES[kind], value):
        yield f"{at}: is no valid {kind}"
    elif kind == "url" and urlsplit(value).scheme in ("http", "https") and not urlsplit(value).netloc:
        yield f"{at}: is no valid url"

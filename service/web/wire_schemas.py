"""JSON schemas of what is sent and read, made from the classes and tables that send and read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from service.cds_hooks.hooks import Hook, Shape
from service.cds_hooks.requests import AS_OF, PATTERNS, SERVER, UUID, FhirAuthorization

Json = dict[str, Any]

_REF = "#/components/schemas/{name}"
_OBJECT = {"type": ["object", "null"]}


def ref(name: str) -> Json:
    """A schema of the document, by its name."""
    return {"$ref": _REF.format(name=name)}


def of_read(kinds: Iterable[type]) -> Json:
    """The schemas of classes that are read, by name; null in them means the same as no member."""
    found: Json = msgspec.json.schema_components(kinds, ref_template=_REF)[1]
    return found


def of_sent(kinds: Iterable[type]) -> Json:
    """The schemas of classes that are sent, by name; a member without a value is left out, and never null."""
    return {name: _without_null(schema) for name, schema in of_read(kinds).items()}


def _without_null(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_null(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _without_null(one) for name, one in schema.items() if (name, one) != ("default", None)}
    choices = [one for one in found.pop("anyOf", ()) if one != {"type": "null"}]
    if len(choices) == 1:
        return choices[0] | found
    return found | ({"anyOf": choices} if choices else {})


def of_request(hook: Hook, prefetch: Mapping[str, str]) -> Json:
    """The schema of a request of `hook`, whose service asks for `prefetch` (query by key)."""
    context = {member.name: _member(member.shape, member.required) for member in hook.context}
    return {
        "title": request_name(hook),
        "description": f"What is asked {hook.moment}. Members that are not named here are ignored.",
        "type": "object",
        "required": ["hook", "hookInstance", "context"],
        "properties": {
            "hook": {"const": hook.name},
            "hookInstance": {"type": "string", "format": "uuid", "pattern": _whole(UUID.pattern)},
            "context": {
                "type": "object",
                "required": [member.name for member in hook.context if member.required],
                "properties": context,
            },
            "fhirServer": {"type": ["string", "null"], "format": "uri", "pattern": _whole(f"({SERVER.pattern})?")},
            "fhirAuthorization": {"anyOf": [ref(FhirAuthorization.__name__), {"type": "null"}]},
            "prefetch": _OBJECT | {"properties": {key: _sent(query) for key, query in prefetch.items()}},
            "extension": {"properties": {AS_OF: {"type": ["string", "null"], "format": "date"}}},
        },
        "dependentSchemas": {"fhirAuthorization": _server_with_authorization()},
    }


def request_name(hook: Hook) -> str:
    """The name of the schema of its requests: "PatientViewRequest"."""
    return "".join(part.capitalize() for part in hook.name.split("-")) + "Request"


def _server_with_authorization() -> Json:
    """`fhirServer` must be there with `fhirAuthorization`, which may be null."""
    named = {"required": ["fhirServer"], "properties": {"fhirServer": {"type": "string"}}}
    return {"anyOf": [{"properties": {"fhirAuthorization": {"type": "null"}}}, named]}


def _whole(pattern: str) -> str:
    return f"^(?:{pattern})$"


def _member(shape: Shape, required: bool) -> Json:
    schema: Json = {"description": f"Must be {shape.value}."}
    if shape in (Shape.ORDERS, Shape.RECORDS):
        schema |= {"type": "object", "required": ["resourceType"], "properties": {"resourceType": {"const": "Bundle"}}}
    elif shape is Shape.REFERENCES:
        schema |= {"type": "array", "items": {"type": "string", "pattern": _whole(PATTERNS[shape].pattern)}}
    elif required:
        schema |= {"type": "string", "pattern": _whole(PATTERNS[shape].pattern)}
    else:
        # What need not be there and is something else counts as not there.
        schema["description"] = f"Should be {shape.value}; anything else is ignored."
    return schema


def _sent(query: str) -> Json:
    kind = query.split("?")[0].split("/")[0]
    said = f"What `{query}` found: a {kind} or a Bundle, null for nothing, an OperationOutcome for a failure."
    kinds: Json = {"anyOf": [{"enum": [kind, "Bundle", "OperationOutcome"]}, {"not": {"type": "string"}}]}
    return {"description": f"{said} What is no FHIR counts as a failure.", "properties": {"resourceType": kinds}}

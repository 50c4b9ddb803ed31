"""Whether a resource that was selected is valid FHIR, by the official models; equal shapes are judged once.

The models cost a tenth of a millisecond a resource, and a chart repeats few shapes: the same code, unit and members
with another day and value. What varies is checked here, put to a stand-in, and the shape is remembered: no words, no
day, no value and no identifier of a patient is.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import msgspec
from fhir.resources import get_fhir_model_class as model_of_r5
from fhir.resources.R4B import get_fhir_model_class as model_of_r4b

_MODELS = {"R4": model_of_r4b, "R5": model_of_r5}
"""R4 is read with the models of R4B: for the resources read here they are the same."""

_DAY = re.compile(
    r"(?!0000)(\d{4}(-(0[1-9]|1[0-2]))?|"
    r"\d{4}-((0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
    r"(T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-](0\d|1[0-3]):[0-5]\d))?)"
)
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_WORDS = re.compile(r"\S[\s\S]*")
_STAND_INS: dict[str, tuple[re.Pattern[str], str]] = {
    **dict.fromkeys(("id",), (_ID, "x")),
    **dict.fromkeys(("reference", "display", "text", "description", "conclusion", "valueString"), (_WORDS, "x")),
    **dict.fromkeys(
        (
            *("start", "end", "effectiveDateTime", "onsetDateTime", "abatementDateTime", "recordedDate", "authoredOn"),
            *("performedDateTime", "occurrenceDateTime", "occurenceDateTime", "whenHandedOver", "whenPrepared"),
            "dateAsserted",
        ),
        (_DAY, "2000-01-01T00:00:00Z"),
    ),
}


def invalid(kind: str, version: str, sent: msgspec.Struct) -> tuple[str, str] | None:
    """What the official model finds wrong with the members that were read, as (element, reason); None if nothing."""
    return _judged(kind, version, msgspec.json.encode(_shape("", msgspec.to_builtins(sent))))


def _shape(name: str, value: Any) -> Any:
    """The value with all that varies and is well formed replaced by a stand-in; what is not is left to the model."""
    if isinstance(value, dict):
        return {key: _shape(key, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shape(name, inner) for inner in value]
    if name == "value" and isinstance(value, float):
        return 1.0
    if isinstance(value, str) and name in _STAND_INS:
        pattern, stand_in = _STAND_INS[name]
        return stand_in if pattern.fullmatch(value) else value
    return value


@lru_cache(maxsize=4096)
def _judged(kind: str, version: str, shape: bytes) -> tuple[str, str] | None:
    try:
        _MODELS[version](kind).model_validate(msgspec.json.decode(shape))
    except Exception as error:  # the models raise more kinds than they document; each is named, none is lost
        details = getattr(error, "errors", None)
        first = details()[0] if callable(details) else {"loc": (), "type": type(error).__name__}
        element = ".".join([kind, *(str(part) for part in first["loc"])])
        return element, f"is not valid FHIR {version} ({first['type']})"
    return None

"""Whether a resource that was selected is valid FHIR, by the official models; equal shapes are judged once.

The models cost a tenth of a millisecond a resource, and a chart repeats few shapes: the same code, unit and members
with another day and value. What varies is checked here, put to a stand-in, and the shape is remembered: no words, no
day, no value and no identifier of a patient is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

import msgspec
from fhir.resources import get_fhir_model_class as model_of_r5
from fhir.resources.R4B import get_fhir_model_class as model_of_r4b

_MODELS = {"R4": model_of_r4b, "R5": model_of_r5}
"""R4 is read with the models of R4B: for the resources read here they are the same."""

_ID = rb"[A-Za-z0-9\-.]{1,64}"
_WORDS = rb'[!#-\[\]-~][^"\\]*(?:\\.[^"\\]*)*'
_DAY = (
    rb"(?!0000)(?:\d{4}(?:-(?:0[1-9]|1[0-2]))?|"
    rb"\d{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    rb"(?:T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d))?)"
)
_VARYING = (
    ((b"id",), b'"' + _ID + b'"', b'"x"'),
    ((b"reference", b"display", b"text", b"description", b"conclusion", b"valueString"), b'"' + _WORDS + b'"', b'"x"'),
    (
        (
            *(b"start", b"end", b"effectiveDateTime", b"onsetDateTime", b"abatementDateTime", b"recordedDate"),
            *(b"performedDateTime", b"occurrenceDateTime", b"occurenceDateTime", b"whenHandedOver", b"whenPrepared"),
            *(b"authoredOn", b"dateAsserted"),
        ),
        b'"' + _DAY + b'"',
        b'"2000-01-01T00:00:00Z"',
    ),
    ((b"value",), rb"-?\d+(?:\.\d+)?(?![\d.eE])", b"1.0"),
)
"""What varies between resources of one shape: by its members, how it looks when it is well formed, and a stand-in."""
_STAND_INS = tuple(
    (member, re.compile(member + look), member + stand_in)
    for names, look, stand_in in _VARYING
    for member in (b'"' + name + b'":' for name in names)
)


_ENCODER = msgspec.json.Encoder()

Verdict = tuple[str, str] | None
"""The first element that is wrong, and the reason; None when nothing is."""


def invalid(kind: str, version: str, sent: msgspec.Struct) -> Verdict:
    """What the official model finds wrong with the members that were read, as (element, reason); None if nothing."""
    [verdict] = verdicts([(kind, version, sent)])
    return verdict


def verdicts(resources: Sequence[tuple[str, str, msgspec.Struct]]) -> Iterator[Verdict]:
    """What is wrong with each of several resources, as (kind, version, sent); see `invalid`."""
    shapes = _shapes(_ENCODER.encode_lines([sent for _, _, sent in resources]))
    for (kind, version, _), shape in zip(resources, shapes, strict=True):
        yield _judged(kind, version, shape)


def _shapes(lines: bytes) -> list[bytes]:
    """The resources with all that varies and is well formed replaced by a stand-in; what is not is left to the model.

    They are looked through together, one a line: a search in each costs more to begin than to do. A quote or the end
    of a line inside of words is written with a backslash in JSON, so that words can look neither like a member nor
    like another resource.
    """
    for member, pattern, replacement in _STAND_INS:
        if member in lines:
            lines = pattern.sub(replacement, lines)
    return lines.split(b"\n")[:-1]


@lru_cache(maxsize=4096)
def _judged(kind: str, version: str, shape: bytes) -> Verdict:
    try:
        _MODELS[version](kind).model_validate(msgspec.json.decode(shape))
    except Exception as error:  # the models raise more kinds than they document; each is named, none is lost
        details = getattr(error, "errors", None)
        first = details()[0] if callable(details) else {"loc": (), "type": type(error).__name__}
        element = ".".join([kind, *(str(part) for part in first["loc"])])
        return element, f"is not valid FHIR {version} ({first['type']})"
    return None

"""Spoil a request as clients, networks and attackers do; the same number always spoils it in the same way."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

Place = tuple[Any, Any]
"""A container of a JSON document and the key or index of one value in it."""

_RAW = "\uf8ffraw\uf8ff"
_TWICE = "\uf8fftwice\uf8ff"

_NUMBERS = (
    "1e400",
    "-1e400",
    "1e-400",
    "-0",
    "0.1e1",
    "9" * 400,
    "-" + "9" * 30,
    "9007199254740993",
    "1.0000000000001",
)
_NO_NUMBERS = ("NaN", "Infinity", "-Infinity", "01", "+1", "0x10", "1.", "tru", "'x'", "undefined")
_TEXTS = (
    *("", " ", "\u0000", "\ufeff", "\u202ey\u202d", "\ud800", "e\u0301" * 40, "𝔇" * 64, "١٢", "\r\n\t", "x" * 20_000),
    *("'\"\\", "<img src=x onerror=alert(1)>", "{{context.patientId}}", "%s%n", "../../etc/passwd", "null", "#", "|"),
    *(
        "Patient/",
        "Patient/other",
        "http://a/b/Patient/other",
        "urn:uuid:0",
        "mg",
        "[IU]",
        "10*3/uL",
        "1e5",
        "denosumab",
    ),
)
_DAYS = (
    *("0000-00-00", "0001-01-01", "9999-12-31", "2026-02-30", "2026-13", "2026", "2024-02", "1899-12-31", "2026-3-1"),
    *("2025-06-30T24:00:00Z", "2025-06-30T23:59:60+14:00", "2025-06-30T10", "-2025-01-01", "+12025-01-01", "today"),
)
_NAMES = ("resourceType", "id", "status", "subject", "code", "coding", "entry", "__proto__", "", "é", "value", "type")


def mutated(document: Any, rng: random.Random) -> tuple[str, bytes]:
    """The kind of a mutation drawn with `rng`, and the body that it makes of a JSON document (which is changed)."""
    kind = rng.choice(KINDS)
    if kind in _OF_BYTES:
        return kind, _OF_BYTES[kind](json.dumps(document).encode(), rng)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        _OF_VALUES[kind](document, rng)
    return kind, _written(document, rng)


def _written(document: Any, rng: random.Random) -> bytes:
    """The document as UTF-8, its placeholders replaced by what no Python value stands for."""
    text = json.dumps(document, ensure_ascii=rng.random() < 0.5)
    while (marker := json.dumps(_RAW)) in text or (marker := f'"{_RAW}"') in text:
        text = text.replace(marker, _raw(rng), 1)
    for written in (_TWICE, json.dumps(_TWICE)[1:-1]):
        text = text.replace(written, "")
    return text.encode("utf-8", "surrogatepass")


def _raw(rng: random.Random) -> str:
    depth = rng.choice((10, 200, 1_000, 20_000))
    deep = ("[" * depth + "]" * depth, '{"extension":' * depth + "1" + "}" * depth, '{"resource":' * depth + "1")
    return rng.choice((*_NUMBERS, *_NUMBERS, *_NO_NUMBERS, *deep))


def _places(value: Any) -> Iterator[Place]:
    """Every value inside a document, by where it stands."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in list(pairs):
        yield value, key
        yield from _places(one)


def _any(document: Any, rng: random.Random, fits: Callable[[Any], bool] = lambda _: True) -> Place | None:
    found = [(within, key) for within, key in _places(document) if fits(within[key])]
    return rng.choice(found) if found else None


def _member(document: Any, rng: random.Random) -> Place | None:
    found = [(within, key) for within, key in _places(document) if isinstance(within, dict)]
    return rng.choice(found) if found else None


def _put(value: Callable[[random.Random], Any], fits: Callable[[Any], bool] = lambda _: True) -> Callable[..., None]:
    """A mutation that puts another value where one that fits stands."""

    def put(document: Any, rng: random.Random) -> None:
        if place := _any(document, rng, fits):
            place[0][place[1]] = value(rng)

    return put


def _delete(document: Any, rng: random.Random) -> None:
    if place := _any(document, rng):
        del place[0][place[1]]


def _rename(document: Any, rng: random.Random) -> None:
    if place := _member(document, rng):
        within, key = place
        within[rng.choice((*_NAMES, key.upper(), key[:-1], f"_{key}", f" {key}"))] = within.pop(key)


def _write_twice(document: Any, rng: random.Random) -> None:
    """The same member twice in one object, the second time perhaps with another value."""
    if place := _member(document, rng):
        within, key = place
        within[f"{key}{_TWICE}"] = rng.choice((within[key], None, 7, "x", {}, []))


def _repeat(document: Any, rng: random.Random) -> None:
    if place := _any(document, rng, lambda value: isinstance(value, list) and bool(value)):
        entries = place[0][place[1]]
        entries.extend(rng.choice(entries) for _ in range(rng.choice((1, 2, 30))))


def _exchange(document: Any, rng: random.Random) -> None:
    one, other = _any(document, rng), _any(document, rng)
    if one and other:
        one[0][one[1]], copied = json.loads(json.dumps(other[0][other[1]])), json.loads(json.dumps(one[0][one[1]]))
        if other[1] in other[0] if isinstance(other[0], dict) else other[1] < len(other[0]):
            other[0][other[1]] = copied


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_day(value: Any) -> bool:
    return isinstance(value, str) and value[:4].isdigit() and value[4:5] == "-"


_OF_VALUES: dict[str, Callable[[Any, random.Random], None]] = {
    "member deleted": _delete,
    "member renamed": _rename,
    "member twice": _write_twice,
    "entries repeated": _repeat,
    "values exchanged": _exchange,
    "type swapped": _put(lambda rng: rng.choice((None, True, 0, -1, 1.5, "x", "", [], {}, [None], [[]], {"a": None}))),
    "string for an object": _put(lambda rng: "x", lambda value: isinstance(value, dict | list)),
    "object for a string": _put(lambda rng: {"reference": "Patient/x"}, lambda value: isinstance(value, str)),
    "odd text": _put(lambda rng: rng.choice(_TEXTS), lambda value: isinstance(value, str)),
    "odd day": _put(lambda rng: rng.choice(_DAYS), _is_day),
    "odd number": _put(lambda rng: rng.choice((0, -1, 1e-30, 1e30, 2**63, -(2**63), 10**25, 1e308)), _is_number),
    "unwritable": _put(lambda rng: _RAW),
}


def _flip(body: bytes, rng: random.Random) -> bytes:
    spoilt = bytearray(body)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
    return bytes(spoilt)


def _truncate(body: bytes, rng: random.Random) -> bytes:
    return body[: rng.randrange(len(body))]


def _cut_out(body: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(body))
    return body[:start] + body[start + rng.choice((1, 2, 10, 500)) :]


def _insert(body: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(body))
    return body[:start] + rng.randbytes(rng.choice((1, 2, 8))) + body[start:]


def _insert_sign(body: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(body))
    return body[:start] + rng.choice(list('{}[]",:\\0-')).encode() + body[start:]


_OF_BYTES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "bits flipped": _flip,
    "truncated": _truncate,
    "bytes cut out": _cut_out,
    "bytes put in": _insert,
    "sign put in": _insert_sign,
}

KINDS = (*_OF_VALUES, *_OF_BYTES)
"""Every kind of mutation, by the words of the table."""

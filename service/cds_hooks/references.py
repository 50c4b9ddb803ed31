"""The drugs that a record only refers to, and does not hold."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from service.fhir.addresses import is_under
from service.fhir.reading import last_two

_TARGET = re.compile(r"Medication/([A-Za-z0-9\-.]{1,64})", re.ASCII)
_MARK = b"Medication/"


class _Reference(msgspec.Struct, gc=False):
    reference: str | None = None


class _CodeableReference(msgspec.Struct, gc=False):
    reference: _Reference | None = None


class _Drugged(msgspec.Struct, gc=False):
    """A resource as far as it names a drug: `medicationReference` in R4, `medication` in R5."""

    resourceType: str = ""
    id: str = ""
    medicationReference: _Reference | None = None
    medication: _CodeableReference | None = None


class _Entry(msgspec.Struct, gc=False):
    resource: msgspec.Raw = msgspec.Raw(b"")


class _Bundle(msgspec.Struct, gc=False):
    entry: list[_Entry] | None = None


def drugs_elsewhere(sources: Iterable[bytes], base: str) -> list[str]:
    """The ids of the Medications on the FHIR server `base` that `sources` refer to and do not hold, in order."""
    referred: dict[str, None] = {}
    held: set[str] = set()
    documents = list(sources)
    if not any(_MARK in data for data in documents):
        return []
    for data in documents:
        for one in _drugged(data):
            if one.resourceType == "Medication":
                held.add(one.id)
            target = _target(one)
            if "://" in target and not is_under(target, base):
                continue
            if found := _TARGET.fullmatch(last_two(target)):
                referred[found[1]] = None
    return [one for one in referred if one not in held]


def _drugged(data: bytes) -> Iterable[_Drugged]:
    """What can be decoded; what cannot is named by whoever reads it."""
    try:
        entries = msgspec.json.decode(data, type=_Bundle).entry or ()
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return
    for entry in entries:
        try:
            yield msgspec.json.decode(entry.resource, type=_Drugged)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            continue


def _target(one: _Drugged) -> str:
    pointer = one.medicationReference or (one.medication.reference if one.medication else None)
    return (pointer.reference if pointer else None) or ""

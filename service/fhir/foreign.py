"""What people bring that is no FHIR in JSON: told by its first bytes, in one line that says what to do."""

from __future__ import annotations

import msgspec

HEAD = 4096
"""How many of the first bytes are enough."""

_BEGINNINGS = {
    b"\xff\xfe": "is text in UTF-16: save it as UTF-8",
    b"\xfe\xff": "is text in UTF-16: save it as UTF-8",
    b"%PDF": "is a PDF: FHIR in JSON is read",
    b"PK\x03\x04": "is a zip archive: unpack it first",
    b"\x1f\x8b": "is packed twice: unpack it first",
    b"BZh": "is packed with bzip2: unpack it first",
    b"\xfd7zXZ": "is packed with xz: unpack it first",
    b"7z\xbc\xaf": "is a 7-Zip archive: unpack it first",
    b"\x28\xb5\x2f\xfd": "is packed with Zstandard: unpack it first",
    b"<": "is XML: ask for FHIR in JSON",
}
_TAR = (257, b"ustar")
_SEPARATORS = (b",", b";", b"\t")
_TRUNCATED = "Input data was truncated"


def what_else(head: bytes) -> str | None:
    """What data are that begin so, when they are no JSON at all; None when they may be."""
    start = head.lstrip()
    for beginning, said in _BEGINNINGS.items():
        if start.startswith(beginning):
            return said
    if head[_TAR[0] :].startswith(_TAR[1]):
        return "is a tar archive: unpack it first"
    if b"\0" in head:
        return "is binary, or text in UTF-16: FHIR in JSON, in UTF-8, is read"
    return "is a table (CSV): FHIR in JSON is read" if _is_table(start.splitlines()[:2]) else None


def is_one_document(head: bytes) -> bool:
    """Whether data that begin so are JSON written over several lines, and not a value a line."""
    lines = [line for line in head.splitlines() if line.strip()][:2]
    if len(lines) < 2 or _said_of(lines[1]) is None:
        return False
    return _said_of(lines[0]) == _TRUNCATED == _said_of(b"\n".join(lines))


def _is_table(lines: list[bytes]) -> bool:
    if len(lines) < 2 or any(line.startswith((b"{", b"[", b'"resource')) for line in lines):
        return False
    return any(all(separator in line for line in lines) for separator in _SEPARATORS)


def _said_of(data: bytes) -> str | None:
    """What is wrong with a JSON value; None when nothing is."""
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        return str(error)
    return None

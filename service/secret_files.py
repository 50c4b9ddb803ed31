"""Secrets that stand in files, as container platforms hand them over, instead of in the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "_FILE"
"""What is put after the name of a variable to name the file that holds its value."""

_MOST = 64 * 1024


@dataclass(frozen=True, slots=True)
class SecretFiles:
    """The values that were read, by field, and what is wrong with the others, without any value."""

    values: dict[str, Any]
    sentences: tuple[str, ...]


def read_secret_files(given: Mapping[str, str | None], variables: Mapping[str, str]) -> SecretFiles:
    """The secrets that `given`, the environment, names files for; `variables` are the variables by field.

    A newline at the end of a file belongs to the file, not to the secret.
    """
    upper = {name.upper(): value for name, value in given.items() if value}
    values: dict[str, Any] = {}
    sentences: list[str] = []
    for field, name in variables.items():
        path = upper.get(f"{name}{FILE}")
        if path is None:
            continue
        if name in upper:
            sentences.append(f"{name} and {name}{FILE} are both set; set one of them")
            continue
        try:
            values[field] = _content(Path(path))
        except (OSError, UnicodeError, ValueError) as error:
            why = str(error) if type(error) is ValueError else f"cannot be read ({type(error).__name__})"
            sentences.append(f"{name}{FILE} names {path[:200]}, which {why}")
    return SecretFiles(values, tuple(sentences))


def _content(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(_MOST + 1)
    if len(data) > _MOST:
        raise ValueError("is too large for a secret")
    text = data.decode("utf-8").rstrip("\r\n")
    if not text:
        raise ValueError("is empty")
    return text

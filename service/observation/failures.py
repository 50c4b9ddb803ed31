"""An error without its message, which may quote the record: what kind it is and where it arose."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

from rules.reasoning.errors import RuleFailed


def kinds_and_places(error: BaseException) -> str:
    """The kind of an error and of what caused it, each with its places in the code, innermost first."""
    return " from ".join(_kind_and_place(one) for one in _chain(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _kind_and_place(error: BaseException) -> str:
    rule = f" of {error.rule_id}" if isinstance(error, RuleFailed) else ""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__}{rule} at {places}"

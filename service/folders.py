"""The files of a folder and of the folders in it; what cannot be looked into, or is no file to read, is named."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rules.reasoning.timeline import Unusable


@dataclass(frozen=True, slots=True)
class Folder:
    """The regular files of one folder that are called as asked, by name, and what is amiss in it."""

    path: Path
    files: list[Path] = field(default_factory=list)
    unusable: list[Unusable] = field(default_factory=list)


def folders_below(folder: Path, endings: tuple[str, ...]) -> Iterator[Folder]:
    """A folder and all in it, with the files whose names end so in whatever case; hidden ones are left out.

    A link to a folder is not followed, since it may lead in a circle. A pipe or a device could be waited for for ever.
    """
    failed: list[OSError] = []
    for where, folders, names in os.walk(folder, onerror=failed.append):
        found = Folder(Path(where))
        for name in sorted(_visible(folders)):
            if (found.path / name).is_symlink():
                found.unusable.append(_unusable(found.path / name, "is a link to a folder, which is not followed"))
        folders[:] = sorted(_visible(folders))
        for name in sorted(_visible(names)):
            if name.lower().endswith(endings):
                amiss = _amiss(found.path / name)
                if amiss is None:
                    found.files.append(found.path / name)
                else:
                    found.unusable.append(_unusable(found.path / name, amiss))
        yield found
    for error in failed:
        path = Path(os.fsdecode(error.filename))
        yield Folder(path, unusable=[_unusable(path, f"cannot be looked into: {error.strerror}")])


def _visible(names: list[str]) -> Iterator[str]:
    return (name for name in names if not name.startswith("."))


def _amiss(path: Path) -> str | None:
    """Why a file is not read; None when it is."""
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        return f"cannot be opened: {error.strerror or type(error).__name__}"
    return None if regular else "is a pipe, a socket or a device, no file"


def _unusable(path: Path, reason: str) -> Unusable:
    return Unusable("", reason, "", str(path))

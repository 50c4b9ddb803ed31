"""What a command finds about the database and the files beside it before anything is served; nothing is made."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from service.settings import Settings
from service.storage.memory import spool_folder
from service.storage.port import StoreRefused, StoreUnavailable
from service.storage.pseudonyms import key_file
from service.storage.schema import REFUSED, Standing, sqlite_file, standing


@dataclass(frozen=True, slots=True)
class Findings:
    """Sentences: why nothing would be served, and what is unwise."""

    refused: list[str] = field(default_factory=list)
    unwise: list[str] = field(default_factory=list)


def findings(settings: Settings) -> Findings:
    """Ask the database how it stands, and whether files could be made where they belong."""
    found = Findings()
    url = settings.database_url.get_secret_value()
    database = sqlite_file(url)
    if database is not None and not _can_be_written(database.parent):
        found.refused.append(f"REBOUNDWATCH_DATABASE_URL: the folder {database.parent} cannot be written")
        return found
    if not _can_be_written(spool_folder(settings)):
        found.refused.append(f"REBOUNDWATCH_SPOOL_DIR: {spool_folder(settings)} cannot be written")
    try:
        tables = standing(url)
    except StoreUnavailable as error:
        found.unwise.append(
            f"DATABASE_URL: the database does not answer ({error}): cards would be given, records would wait."
        )
    except StoreRefused as error:
        found.refused.append(f"REBOUNDWATCH_DATABASE_URL: the database {REFUSED} ({error})")
    else:
        if tables is Standing.OLDER and database is None:
            found.refused.append(f"REBOUNDWATCH_DATABASE_URL: the tables are {tables.value}")
        if tables is Standing.NEWER:
            found.unwise.append(f"DATABASE_URL: the tables are {tables.value}, as after a rollback.")
    if database is not None and settings.pseudonym_key is None and not settings.loopback:
        found.unwise.append(f"PSEUDONYM_KEY is not set: it lies in {key_file(database)}, beside what it protects.")
    return found


def _can_be_written(folder: Path) -> bool:
    while not folder.exists():
        folder = folder.parent
    return os.access(folder, os.W_OK | os.X_OK)

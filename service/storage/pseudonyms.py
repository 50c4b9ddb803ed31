"""Patients under pseudonyms: the same for the same patient of the same caller, and of no use without the key."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

import msgspec

from service.settings import Settings, SettingsError
from service.storage.schema import sqlite_file

_KEY_BYTES = 32


class Pseudonyms:
    """Keyed hashes (HMAC-SHA256, RFC 2104): without the key nobody can try which patient one belongs to."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, issuer: str, tenant: str | None, patient: str) -> str:
        """The pseudonym of a patient, 64 hexadecimal digits; other callers and tenants get another one."""
        return hmac.digest(self._key, msgspec.json.encode((issuer, tenant, patient)), "sha256").hex()

    def __repr__(self) -> str:
        return "Pseudonyms(...)"


def site_key(settings: Settings) -> bytes:
    """The key that the site set, or the one in a file beside an SQLite database, which is made at first use.

    Raises:
        SettingsError: there is none, and the file cannot be made or used.
    """
    if settings.pseudonym_key is not None:
        return hashlib.sha256(settings.pseudonym_key.get_secret_value().encode()).digest()
    database = sqlite_file(settings.database_url.get_secret_value())
    if database is None:
        raise SettingsError(["REBOUNDWATCH_PSEUDONYM_KEY is not set: several nodes must share one."])
    path = key_file(database)
    try:
        _make(path)
        key = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SettingsError([f"the key of pseudonyms, {path}, cannot be read or made: {reason}"]) from None
    if len(key) != _KEY_BYTES:
        raise SettingsError([f"the key of pseudonyms, {path}, must hold {_KEY_BYTES} bytes; restore it from a backup"])
    return key


def key_file(database: Path) -> Path:
    """Where the key lies when the site has set none."""
    return database.with_name(f"{database.name}.key")


def _make(path: Path) -> None:
    """Make the file whole or not at all, for its owner only; of several workers one makes it."""
    if path.exists():
        return
    draft = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(_KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()

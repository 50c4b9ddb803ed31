"""The settings of one deployment: environment variables REBOUNDWATCH_*, or the same names in a file `.env`."""

from __future__ import annotations

import difflib
import ipaddress
import os
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import yaml
from dotenv import dotenv_values
from pydantic import AfterValidator, BeforeValidator, DirectoryPath, Field, FilePath, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service.secret_files import FILE, read_secret_files

PREFIX = "REBOUNDWATCH_"
ENV_FILE = Path(".env")
MIN_KEY_LENGTH = 32


class SettingsError(Exception):
    """Settings that cannot be used: one plain sentence for each, naming the variable, never a secret's value."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


def _words(value: object) -> object:
    """A list as people write it in one variable: "RVFX-02, RVFX-08"."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _base_url(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        raise ValueError("must be an address such as https://cds.example.org, without query")
    return text.rstrip("/")


def _origin(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.path or url.query or url.fragment:
        raise ValueError(
            f"must be origins such as https://ehr.example.org, without path and without *; {text[:80]!r} is none"
        )
    return text.lower()


def _database(secret: SecretStr) -> SecretStr:
    scheme = urlsplit(secret.get_secret_value()).scheme.split("+")[0]
    if scheme not in ("sqlite", "postgresql"):
        raise ValueError("must begin with sqlite:/// or postgresql://")
    if scheme == "sqlite" and urlsplit(secret.get_secret_value()).path in ("", "/", "/:memory:"):
        raise ValueError("must name a file, such as sqlite:///reboundwatch.sqlite3: workers share it")
    return secret


def _key(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < MIN_KEY_LENGTH:
        raise ValueError(f"must have at least {MIN_KEY_LENGTH} characters")
    return secret


def _yaml(path: Path) -> Path:
    try:
        with path.open(encoding="utf-8") as file:
            content: Any = yaml.safe_load(file)
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise ValueError(f"{path} cannot be read as YAML ({type(error).__name__})") from None
    if not isinstance(content, dict | list):
        raise ValueError(f"{path} must hold a YAML mapping or list")
    return path


_Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]
_Yaml = Annotated[FilePath, AfterValidator(_yaml)]
_Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_words)]


class Settings(BaseSettings):
    """Everything that a deployment can set, read once when a command starts."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
    )

    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(default=8080, ge=1, le=65535, description="Port to listen on.")
    workers: int | None = Field(
        default=None, ge=1, le=64, description="Worker processes; default one a processor, at least two."
    )
    public_base_url: Annotated[str, AfterValidator(_base_url)] | None = Field(
        default=None,
        description="Address under which clients reach this service; cards link to its pages. "
        "Default http://HOST:PORT while HOST is this machine only.",
    )
    auth: Annotated[Literal["required", "off"], BeforeValidator(_lower)] = Field(
        default="required",
        description="Whether callers must prove who they are: required, or off, which is refused on an address that "
        "other machines reach.",
    )
    auth_off_i_understand: bool = Field(
        default=False, description="1 allows AUTH=off on an address that other machines reach: anyone there can ask."
    )
    discovery_auth: Annotated[Literal["required", "off"], BeforeValidator(_lower)] = Field(
        default="required",
        description="Whether discovery asks for a token too while AUTH=required: required, or off, for clients that "
        "read it without one.",
    )
    clients_file: _Yaml | None = Field(
        default=None, description="YAML of the CDS clients that may call: issuer, keys, tenants, FHIR servers."
    )
    cors_origins: _Origins = Field(
        default=(), description="Origins, separated by commas, whose pages may call from a browser."
    )
    mode: Annotated[Literal["active", "silent"], BeforeValidator(_lower)] = Field(
        default="active", description="active, or silent: evaluate, but return no cards and say so in the answer."
    )
    jurisdiction: Annotated[Literal["US", "EU", "UK", "CA", "AU"], BeforeValidator(_upper)] = Field(
        default="US", description="Whose labels and guidance hold: US, EU, UK, CA or AU."
    )
    limits_file: _Yaml | None = Field(default=None, description="YAML of limits that this site sets otherwise.")
    sign_offs_file: _Yaml | None = Field(
        default=None, description="YAML of the rules that a physician has signed off: version, role, date."
    )
    local_codes_dir: DirectoryPath | None = Field(
        default=None, description="Folder of tables with this site's own codes."
    )
    disabled_rules: _Words = Field(
        default=(), description="Rules, separated by commas, that this site has switched off."
    )
    max_cards: int = Field(
        default=3, ge=1, le=20, description="Most cards in one answer; blocks of an order are never cut."
    )
    max_body_bytes: int = Field(
        default=16 * 1024 * 1024, ge=1024, le=1024**3, description="Largest request that is read, in bytes."
    )
    time_budget_ms: int = Field(
        default=2000,
        ge=1,
        le=600_000,
        description="Milliseconds that a request waits for its turn, then it is told 503; as long for all that is "
        "fetched.",
    )
    allow_as_of: bool = Field(
        default=False,
        description="1 lets a request name the day of evaluation; refused with AUTH=required and on an address that "
        "other machines reach.",
    )
    verify: Annotated[Literal["always", "never"], BeforeValidator(_lower)] = Field(
        default="always", description="Whether the second opinion runs beside the engine: always, or never."
    )
    database_url: Annotated[SecretStr, AfterValidator(_database)] = Field(
        default=SecretStr("sqlite:///reboundwatch.sqlite3"), description="Where evaluations and feedback are kept."
    )
    pseudonym_key: Annotated[SecretStr, AfterValidator(_key)] | None = Field(
        default=None,
        description=f"Secret of at least {MIN_KEY_LENGTH} characters that turns patient ids into pseudonyms.",
    )
    spool_dir: Path | None = Field(
        default=None,
        description="Folder of this node where records wait while the database is away; default beside an SQLite "
        "file, else among the temporary files.",
    )
    spool_max_mb: int = Field(
        default=100, ge=1, le=100_000, description="Megabytes that each worker may let wait in the spool."
    )
    snooze: bool = Field(
        default=True,
        description="Whether a card that was overridden with a reason stays away for a time while its evidence is the "
        "same: 1 or 0.",
    )
    retention_days: int = Field(
        default=365, ge=1, le=36_500, description="Days that evaluations and feedback are kept."
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = Field(
        default="info", description="How much is logged: debug, info, warning or error; never data of a patient."
    )
    log_format: Annotated[Literal["json", "text"], BeforeValidator(_lower)] = Field(
        default="json", description="json: one object a line, for whatever collects logs; text: for people."
    )
    otlp_endpoint: Annotated[str, AfterValidator(_base_url)] | None = Field(
        default=None,
        description="Address of an OpenTelemetry collector (OTLP over HTTP, such as http://collector:4318); none: no "
        "traces.",
    )

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches the address."""
        return is_loopback(self.host)

    @property
    def keeps_a_file(self) -> bool:
        """Whether the database is a file of this node (SQLite)."""
        return self.database_url.get_secret_value().startswith("sqlite")

    @property
    def base_url(self) -> str:
        """Where pages of this service are found; "" when nobody has said so."""
        if self.public_base_url is not None:
            return self.public_base_url
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}" if self.loopback else ""


SECRETS = tuple(name for name, info in Settings.model_fields.items() if "SecretStr" in str(info.annotation))
"""Settings of which the value may stand in a file instead: REBOUNDWATCH_<NAME>_FILE names it."""


def is_loopback(host: str) -> bool:
    """Whether `host` is reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def variable(field: str) -> str:
    """The environment variable of a field of `Settings`."""
    return f"{PREFIX}{field.upper()}"


def read_settings() -> Settings:
    """The settings of this process.

    Raises:
        SettingsError: a variable is unknown or has a value that cannot be used.
    """
    try:
        given = {**dotenv_values(ENV_FILE, interpolate=False), **os.environ}
    except (OSError, UnicodeError) as error:
        raise SettingsError([f"{ENV_FILE} cannot be read ({type(error).__name__})"]) from None
    secrets = read_secret_files(given, {field: variable(field) for field in SECRETS})
    sentences = [*_unknown(given), *secrets.sentences]
    try:
        settings = Settings(**secrets.values)
    except ValidationError as error:
        sentences += [_sentence(one, secrets.values) for one in error.errors()]
        raise SettingsError(sentences) from None
    if sentences:
        raise SettingsError(sentences)
    return settings


def _unknown(given: Mapping[str, object]) -> Iterator[str]:
    known = [field.upper() for field in Settings.model_fields]
    known += [f"{field.upper()}{FILE}" for field in SECRETS]
    for name in sorted(given):
        asked = name.upper().removeprefix(PREFIX)
        if name.upper().startswith(PREFIX) and asked not in known:
            near = difflib.get_close_matches(asked, known, n=1)
            hint = f"did you mean {PREFIX}{near[0]}?" if near else f"known after {PREFIX}: {', '.join(known)}"
            yield f"{name} is no setting; {hint}"


def _sentence(error: Any, from_file: Container[str]) -> str:
    """What pydantic found, in words; the value is shown unless it is a secret."""
    field = str(error["loc"][0])
    secret = field in SECRETS
    context = error.get("ctx") or {}
    reason = {
        "int_parsing": "must be a whole number",
        "int_from_float": "must be a whole number",
        "bool_parsing": "must be 1 or 0",
        "greater_than_equal": f"must be at least {context.get('ge')}",
        "less_than_equal": f"must be at most {context.get('le')}",
        "literal_error": f"must be {context.get('expected')}",
        "path_not_file": "must name a file that exists",
        "path_not_directory": "must name a folder that exists",
        "string_too_short": "must not be empty",
        "value_error": str(context.get("error", "")),
    }.get(error["type"], str(error["msg"]))
    shown = "" if secret or error["type"] == "value_error" else f", not {str(error['input'])[:80]!r}"
    return f"{variable(field)}{FILE if field in from_file else ''} {reason}{shown}"

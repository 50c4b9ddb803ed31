"""Every setting is in the README's table and in `check-config`, in the same words everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from service.commands import main
from service.settings import Settings, variable

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
CONTRACT = [
    "DATABASE_URL",
    "PUBLIC_BASE_URL",
    "AUTH",
    "AUTH_OFF_I_UNDERSTAND",
    "CLIENTS_FILE",
    "CORS_ORIGINS",
    "MODE",
    "JURISDICTION",
    "LIMITS_FILE",
    "LOCAL_CODES_DIR",
    "DISABLED_RULES",
    "MAX_CARDS",
    "MAX_BODY_BYTES",
    "TIME_BUDGET_MS",
    "PSEUDONYM_KEY",
    "RETENTION_DAYS",
    "LOG_LEVEL",
    "ALLOW_AS_OF",
    "VERIFY",
]


def row(field: str) -> str:
    """The line of the README that a setting must have."""
    info = Settings.model_fields[field]
    default = info.default
    match default:
        case bool():
            shown = "`1`" if default else "`0`"
        case None | ():
            shown = ""
        case SecretStr():
            shown = f"`{default.get_secret_value()}`"
        case _:
            shown = f"`{default}`"
    return f"| `{variable(field)}` | {shown} | {info.description} |"


@pytest.mark.parametrize("field", Settings.model_fields)
def test_a_setting_is_in_the_readme(field: str) -> None:
    assert row(field) in README.splitlines(), f"the README needs the line\n{row(field)}"


@pytest.mark.parametrize("field", Settings.model_fields)
def test_a_setting_is_in_check_config(field: str) -> None:
    assert f"  {variable(field)} " in CliRunner().invoke(main, ["check-config"]).output


@pytest.mark.parametrize("name", CONTRACT)
def test_every_setting_of_the_contract_is_there(name: str) -> None:
    assert name.lower() in Settings.model_fields


def test_the_readme_lists_no_setting_that_is_none() -> None:
    listed = {line.split("`")[1] for line in README.splitlines() if line.startswith("| `REBOUNDWATCH_")}
    assert listed == {variable(field) for field in Settings.model_fields}

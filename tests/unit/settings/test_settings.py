"""Settings are read once, checked, and refused in plain words that name the variable."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from service.settings import ENV_FILE, Settings, SettingsError, read_settings


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder of its own, whose .env is read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(Settings.model_config, "env_file", ENV_FILE)


def refused(monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[str]:
    for name, value in variables.items():
        monkeypatch.setenv(f"REBOUNDWATCH_{name}", value)
    with pytest.raises(SettingsError) as caught:
        read_settings()
    return caught.value.sentences


def test_without_any_variable_the_defaults_are_the_careful_ones() -> None:
    settings = read_settings()
    assert (settings.host, settings.auth, settings.verify) == ("127.0.0.1", "required", "always")
    assert not settings.allow_as_of
    assert settings.cors_origins == ()


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REBOUNDWATCH_DISABLED_RULES", "RVFX-02, RVFX-08,")
    monkeypatch.setenv("REBOUNDWATCH_CORS_ORIGINS", "https://A.example.org,http://localhost:3000")
    settings = read_settings()
    assert settings.disabled_rules == ("RVFX-02", "RVFX-08")
    assert settings.cors_origins == ("https://a.example.org", "http://localhost:3000")


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REBOUNDWATCH_LIMITS_FILE", "")
    monkeypatch.setenv("REBOUNDWATCH_PORT", "")
    assert read_settings() == Settings()


def test_settings_cannot_be_changed_once_read() -> None:
    with pytest.raises(ValidationError):
        read_settings().port = 1


def test_a_file_env_is_read_and_the_environment_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("REBOUNDWATCH_PORT=9000\nREBOUNDWATCH_MAX_CARDS=2\nOTHER=1\n", encoding="utf-8")
    monkeypatch.setenv("REBOUNDWATCH_PORT", "9001")
    assert (read_settings().port, read_settings().max_cards) == (9001, 2)


def test_a_file_env_that_is_no_text_is_named() -> None:
    Path(".env").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"\.env cannot be read"):
        read_settings()


def test_an_unknown_variable_is_an_error_that_names_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    [said] = refused(monkeypatch, MAX_CARD="2")
    assert said == "REBOUNDWATCH_MAX_CARD is no setting; did you mean REBOUNDWATCH_MAX_CARDS?"


def test_an_unknown_variable_of_the_file_env_is_an_error_too() -> None:
    Path(".env").write_text("REBOUNDWATCH_JURISDICTON=US\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="REBOUNDWATCH_JURISDICTION"):
        read_settings()


def test_a_variable_like_no_other_lists_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    [said] = refused(monkeypatch, ZZZ="2")
    assert "known after REBOUNDWATCH_: HOST, PORT, " in said


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "abc", "REBOUNDWATCH_PORT must be a whole number, not 'abc'"),
        ("PORT", "70000", "REBOUNDWATCH_PORT must be at most 65535, not '70000'"),
        ("MAX_CARDS", "0", "REBOUNDWATCH_MAX_CARDS must be at least 1, not '0'"),
        ("AUTH", "on", "REBOUNDWATCH_AUTH must be 'required' or 'off', not 'on'"),
        ("ALLOW_AS_OF", "maybe", "REBOUNDWATCH_ALLOW_AS_OF must be 1 or 0, not 'maybe'"),
        ("JURISDICTION", "FR", "REBOUNDWATCH_JURISDICTION must be 'US', 'EU', 'UK', 'CA' or 'AU', not 'FR'"),
        ("LIMITS_FILE", "/nowhere", "REBOUNDWATCH_LIMITS_FILE must name a file that exists, not '/nowhere'"),
        ("LOCAL_CODES_DIR", "/nowhere", "REBOUNDWATCH_LOCAL_CODES_DIR must name a folder that exists"),
        ("CORS_ORIGINS", "*", "REBOUNDWATCH_CORS_ORIGINS must be origins such as https://ehr.example.org"),
        ("PUBLIC_BASE_URL", "cds.example.org", "REBOUNDWATCH_PUBLIC_BASE_URL must be an address such as"),
        ("DATABASE_URL", "mysql://x", "REBOUNDWATCH_DATABASE_URL must begin with sqlite:/// or postgresql://"),
        ("PSEUDONYM_KEY", "short", "REBOUNDWATCH_PSEUDONYM_KEY must have at least 32 characters"),
    ],
)
def test_a_value_that_cannot_be_used_is_said_in_words(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    [found] = refused(monkeypatch, **{name: value})
    assert found.startswith(said)


def test_all_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(refused(monkeypatch, PORT="abc", MAX_CARDS="0", MAX_CARD="1")) == 3


def test_the_value_of_a_secret_is_never_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    said = refused(monkeypatch, PSEUDONYM_KEY="hunter2", DATABASE_URL="mysql://user:hunter2@db")
    assert "hunter2" not in "\n".join(said)
    monkeypatch.setenv("REBOUNDWATCH_DATABASE_URL", "postgresql://user:hunter2@db/x")
    monkeypatch.setenv("REBOUNDWATCH_PSEUDONYM_KEY", "hunter2" * 10)
    assert "hunter2" not in repr(read_settings())


def test_a_file_of_clients_that_is_no_yaml_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "clients.yaml").write_text("{", encoding="utf-8")
    [said] = refused(monkeypatch, CLIENTS_FILE=str(tmp_path / "clients.yaml"))
    assert "cannot be read as YAML" in said


@pytest.mark.parametrize(
    ("host", "public", "address"),
    [
        ("127.0.0.1", None, "http://127.0.0.1:8080"),
        ("::1", None, "http://[::1]:8080"),
        ("0.0.0.0", None, ""),
        ("0.0.0.0", "https://cds.example.org/", "https://cds.example.org"),
    ],
)
def test_pages_are_linked_where_clients_reach_them(host: str, public: str | None, address: str) -> None:
    assert Settings(host=host, public_base_url=public).base_url == address

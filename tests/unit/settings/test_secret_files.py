"""A secret may stand in a file, as container platforms hand it over, and is never repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.settings import SECRETS, SettingsError, read_settings

URL = "postgresql://reboundwatch:hunter2@database/reboundwatch"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    return tmp_path / "secret"


def refused() -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert "hunter2" not in str(caught.value)
    return caught.value.sentences


def test_every_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, secret: Path) -> None:
    monkeypatch.delenv("REBOUNDWATCH_DATABASE_URL")
    assert {"database_url", "pseudonym_key"} <= set(SECRETS)
    for field in SECRETS:
        file = secret.with_name(field)
        file.write_text(f"{URL}\n", encoding="utf-8")
        monkeypatch.setenv(f"REBOUNDWATCH_{field.upper()}_FILE", str(file))
    settings = read_settings()
    assert {getattr(settings, field).get_secret_value() for field in SECRETS} == {URL}
    assert "hunter2" not in repr(settings)


def test_only_the_newline_at_the_end_belongs_to_the_file(monkeypatch: pytest.MonkeyPatch, secret: Path) -> None:
    secret.write_bytes(b"  a key of more than thirty-two characters \r\n")
    monkeypatch.setenv("REBOUNDWATCH_PSEUDONYM_KEY_FILE", str(secret))
    key = read_settings().pseudonym_key
    assert key is not None
    assert key.get_secret_value() == "  a key of more than thirty-two characters "


def test_an_empty_variable_names_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REBOUNDWATCH_PSEUDONYM_KEY_FILE", "")
    assert read_settings().pseudonym_key is None


def test_a_secret_that_is_given_twice_is_refused(monkeypatch: pytest.MonkeyPatch, secret: Path) -> None:
    secret.write_text(URL, encoding="utf-8")
    monkeypatch.setenv("REBOUNDWATCH_DATABASE_URL_FILE", str(secret))
    monkeypatch.setenv("REBOUNDWATCH_DATABASE_URL", URL)
    [said] = refused()
    assert said == "REBOUNDWATCH_DATABASE_URL and REBOUNDWATCH_DATABASE_URL_FILE are both set; set one of them"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read (FileNotFoundError)"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"hunter2\xff", "cannot be read (UnicodeDecodeError)"),
        (b"hunter2" * 20_000, "is too large for a secret"),
    ],
)
def test_a_file_that_holds_no_secret_is_named(
    monkeypatch: pytest.MonkeyPatch, secret: Path, content: bytes | None, said: str
) -> None:
    if content is not None:
        secret.write_bytes(content)
    monkeypatch.setenv("REBOUNDWATCH_PSEUDONYM_KEY_FILE", str(secret))
    assert refused() == [f"REBOUNDWATCH_PSEUDONYM_KEY_FILE names {secret}, which {said}"]


def test_a_folder_in_place_of_the_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REBOUNDWATCH_PSEUDONYM_KEY_FILE", str(tmp_path))
    [said] = refused()
    assert "cannot be read (IsADirectoryError)" in said


def test_a_secret_from_a_file_is_checked_like_any_other(monkeypatch: pytest.MonkeyPatch, secret: Path) -> None:
    secret.write_text("hunter2", encoding="utf-8")
    monkeypatch.setenv("REBOUNDWATCH_PSEUDONYM_KEY_FILE", str(secret))
    assert refused() == ["REBOUNDWATCH_PSEUDONYM_KEY_FILE must have at least 32 characters"]


def test_what_is_no_secret_cannot_stand_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REBOUNDWATCH_PORT_FILE", "/run/secrets/port")
    [said] = refused()
    assert said.startswith("REBOUNDWATCH_PORT_FILE is no setting")


def test_a_misspelt_file_of_a_secret_is_answered_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REBOUNDWATCH_PSEUDONYM_KEY_FILES", "/run/secrets/key")
    [said] = refused()
    assert "did you mean REBOUNDWATCH_PSEUDONYM_KEY_FILE?" in said

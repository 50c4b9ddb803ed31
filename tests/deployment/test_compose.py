"""compose.yaml runs everything confined, hands over secrets as files, and names only what exists."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.settings import SECRETS, Settings, read_settings, variable
from tests.contract.calls import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
NGINX = ROOT / "deploy" / "compose" / "nginx.conf"


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_runs_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"migration"}))
def test_what_stays_up_is_watched(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_one_starts_after_the_other() -> None:
    assert SERVICES["migration"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert SERVICES["service"]["depends_on"] == {"migration": {"condition": "service_completed_successfully"}}
    assert SERVICES["proxy"]["depends_on"] == {"service": {"condition": "service_healthy"}}
    assert SERVICES["migration"]["command"] == ["reboundwatch", "db", "upgrade"]
    assert SERVICES["migration"]["restart"] == "no"


def test_only_the_proxy_is_reached_from_outside_and_the_database_by_the_service_alone() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert COMPOSE["networks"]["back"]["internal"] is True
    assert SERVICES["database"]["networks"] == ["back"]
    assert SERVICES["proxy"]["networks"] == ["front"]


def test_only_settings_that_exist_are_set_and_no_secret_stands_in_the_environment() -> None:
    known = {variable(field) for field in Settings.model_fields} | {f"{variable(field)}_FILE" for field in SECRETS}
    for name in ("service", "migration"):
        given = set(SERVICES[name]["environment"])
        assert given - known == set()
        assert given & {variable(field) for field in SECRETS} == set()
    assert "POSTGRES_PASSWORD" not in SERVICES["database"]["environment"]


def test_every_secret_and_file_that_is_named_is_handed_over() -> None:
    for service in SERVICES.values():
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
        handed = {f"/run/secrets/{one}" for one in service.get("secrets", [])}
        handed |= {one["target"] for one in service.get("configs", [])}
        named = {value for name, value in service.get("environment", {}).items() if name.endswith("_FILE")}
        assert named <= handed
    for one in COMPOSE["configs"].values():
        assert (ROOT / one["file"]).is_file()
    used = set(re.findall(r"/run/secrets/(\w+)", NGINX.read_text(encoding="utf-8")))
    assert used == set(SERVICES["proxy"]["secrets"])


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What make_secrets.sh makes, in a folder of its own."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not here")
    folder = tmp_path_factory.mktemp("compose")
    script = shutil.copy(ROOT / "deploy" / "compose" / "make_secrets.sh", folder)
    for _ in range(2):
        subprocess.run([script], check=True, capture_output=True)
    return folder / "secrets"


def test_the_secrets_that_are_made_are_those_that_are_named_and_can_be_used(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {Path(one["file"]).name for one in COMPOSE["secrets"].values()}
    assert {path.name for path in secrets.iterdir()} == named
    monkeypatch.delenv("REBOUNDWATCH_DATABASE_URL")
    monkeypatch.setenv("REBOUNDWATCH_DATABASE_URL_FILE", str(secrets / "database_url"))
    monkeypatch.setenv("REBOUNDWATCH_PSEUDONYM_KEY_FILE", str(secrets / "pseudonym_key"))
    settings = read_settings()
    password = (secrets / "database_password").read_text(encoding="utf-8")
    assert len(password) == 48
    assert f":{password}@database/" in settings.database_url.get_secret_value()
    assert settings.pseudonym_key is not None


def test_the_folder_of_secrets_is_closed_and_in_no_commit(secrets: Path) -> None:
    assert secrets.stat().st_mode & 0o077 == 0
    ignored = subprocess.run(
        ["git", "check-ignore", "-q", "deploy/compose/secrets/tls_key"], cwd=ROOT, check=False
    ).returncode
    assert ignored == 0


def test_the_proxy_keeps_what_only_operators_need_to_itself() -> None:
    said = NGINX.read_text(encoding="utf-8")
    assert "location = /metrics { return 404; }" in said
    assert "location /health/ { return 404; }" in said
    assert "access_log off;" in said


def test_the_proxy_lets_through_as_much_as_the_service_reads() -> None:
    found = re.search(r"client_max_body_size (\d+)m;", NGINX.read_text(encoding="utf-8"))
    assert found is not None
    assert int(found[1]) * 1024 * 1024 > Settings().max_body_bytes


def test_nginx_takes_its_configuration(secrets: Path, tmp_path: Path) -> None:
    nginx = shutil.which("nginx")
    if nginx is None:
        pytest.skip("nginx is not here")
    text = NGINX.read_text(encoding="utf-8").replace("/tmp/", f"{tmp_path}/").replace("/run/secrets", str(secrets))
    (tmp_path / "nginx.conf").write_text(text.replace("server service:8080", "server 127.0.0.1:8080"), encoding="utf-8")
    command = [nginx, "-t", "-q", "-c", str(tmp_path / "nginx.conf")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr

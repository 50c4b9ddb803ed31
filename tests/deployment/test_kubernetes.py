"""The manifests are what the Kubernetes API takes, run confined, and name only settings and places that exist."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
import yaml

from service.clients import read_clients
from service.settings import SECRETS, Settings, variable
from tests.contract.calls import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
VALIDATE = ROOT / "build" / "kubernetes" / "bin" / "kubernetes-validate"
Json = dict[str, Any]


def kustomization() -> Json:
    found: Json = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))
    return found


def manifests() -> dict[str, Json]:
    """The resources by kind."""
    read = [yaml.safe_load((FOLDER / name).read_text(encoding="utf-8")) for name in kustomization()["resources"]]
    return {one["kind"]: one for one in read}


def pods() -> Iterator[Json]:
    for kind in ("Deployment", "Job"):
        yield manifests()[kind]["spec"]["template"]["spec"]


@pytest.fixture(scope="module")
def validator() -> str:
    if not VALIDATE.exists():
        pytest.skip("kubernetes-validate is not here: tools/kubernetes.sh puts it into build/")
    return str(VALIDATE)


@pytest.mark.parametrize("name", [*kustomization()["resources"], "secret.example.yaml"])
def test_the_api_of_kubernetes_takes_a_manifest(validator: str, name: str) -> None:
    command = [validator, "--strict", "--quiet", str(FOLDER / name)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_api_of_kubernetes_does_not_take_everything(validator: str, tmp_path: Path) -> None:
    wrong = manifests()["Deployment"]
    wrong["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(wrong), encoding="utf-8")
    result = subprocess.run([validator, "--strict", str(tmp_path / "wrong.yaml")], capture_output=True, check=False)
    assert result.returncode != 0


def test_kustomize_puts_it_together_and_the_api_takes_the_whole(validator: str, tmp_path: Path) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not here")
    built = subprocess.run([kubectl, "kustomize", str(FOLDER)], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    whole = tmp_path / "whole.yaml"
    whole.write_text(built.stdout, encoding="utf-8")
    result = subprocess.run([validator, "--strict", str(whole)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    resources = list(yaml.safe_load_all(built.stdout))
    kinds = {one["kind"] for one in resources}
    assert kinds >= {"Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "Job"}
    maps = {one["metadata"]["name"] for one in resources if one["kind"] == "ConfigMap"}
    for one in resources:
        if one["kind"] in ("Deployment", "Job"):
            [container] = one["spec"]["template"]["spec"]["containers"]
            assert container["envFrom"][0]["configMapRef"]["name"] in maps
            assert container["image"].startswith("registry.example.org/reboundwatch:")


def test_every_file_of_the_folder_is_used_or_an_example() -> None:
    listed = kustomization()
    used = {*listed["resources"], "kustomization.yaml", "secret.example.yaml"}
    for one in listed["configMapGenerator"]:
        used |= {*one.get("envs", []), *one.get("files", [])}
    assert {path.name for path in FOLDER.iterdir()} == used


def test_pods_run_confined() -> None:
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            confined = container["securityContext"]
            assert confined["readOnlyRootFilesystem"] is True
            assert confined["allowPrivilegeEscalation"] is False
            assert confined["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]


def test_the_variables_that_kubernetes_makes_of_a_service_are_kept_out() -> None:
    assert manifests()["Service"]["metadata"]["name"] == "reboundwatch"
    assert [pod["enableServiceLinks"] for pod in pods()] == [False, False]


def test_the_user_is_that_of_the_image() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    user = next(line for line in lines if line.startswith("USER"))
    for pod in pods():
        found = pod["securityContext"]
        assert user == f"USER {found['runAsUser']}:{found['runAsGroup']}"


def settings() -> dict[str, str]:
    lines = (FOLDER / "settings.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_only_settings_that_exist_are_set() -> None:
    known = {variable(field) for field in Settings.model_fields} | {f"{variable(field)}_FILE" for field in SECRETS}
    assert set(settings()) - known == set()
    assert settings()["REBOUNDWATCH_MODE"] == "silent", "a new site listens before it speaks"


def test_files_that_the_settings_name_are_mounted() -> None:
    secret = yaml.safe_load((FOLDER / "secret.example.yaml").read_text(encoding="utf-8"))
    for pod in pods():
        mounts = {one["mountPath"]: one["name"] for one in pod["containers"][0]["volumeMounts"]}
        volumes = {one["name"]: one for one in pod["volumes"]}
        assert set(mounts.values()) == set(volumes)
        for name, value in settings().items():
            if name.endswith("_FILE"):
                where, file = str(Path(value).parent), Path(value).name
                volume = volumes[mounts[where]]
                held = secret["stringData"] if "secret" in volume else {"clients.yaml": None}
                assert file in held, name


def test_the_clients_of_the_examples_are_a_registry() -> None:
    for folder in (FOLDER, ROOT / "deploy" / "compose"):
        assert read_clients(folder / "clients.yaml").clients


def test_probes_ask_addresses_that_are_there() -> None:
    [container] = manifests()["Deployment"]["spec"]["template"]["spec"]["containers"]
    asked = {container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")}
    assert asked == {"/health/ready", "/health/live"}
    assert container["livenessProbe"]["httpGet"]["path"] == "/health/live", "a busy worker must not be killed"


def test_a_pod_has_time_to_finish_what_it_began() -> None:
    conf = run_path(str(ROOT / "service" / "gunicorn.conf.py"))
    patience = manifests()["Deployment"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert patience >= conf["graceful_timeout"] + 10

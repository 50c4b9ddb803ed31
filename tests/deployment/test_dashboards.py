"""What the dashboard shows and the alerts watch is what the service counts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.observation import metrics
from tests.contract.calls import ROOT

DASHBOARD = ROOT / "deploy" / "grafana" / "reboundwatch.json"
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
BUILT = ROOT / "build" / "prometheus" / "usr" / "bin" / "promtool"
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
LABELS = re.compile(r"(reboundwatch_\w+)\{([^}]*)\}")
GROUPED = re.compile(r"by \(([^)]*)\)")


def exposed() -> set[str]:
    """The names of all samples that the service may expose."""
    return {f"{one.name}{end}" for one in metrics.REGISTRY.collect() for end in SUFFIXES[one.type]}


def label_names() -> set[str]:
    found = {name for one in vars(metrics).values() for name in getattr(one, "_labelnames", ())}
    return found | {"le"}


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return found


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> Iterator[str]:
    yield from (target["expr"] for panel in panels() for target in panel["targets"])
    yield from (rule["expr"] for rule in alerts())


def named(text: str) -> set[str]:
    return set(re.findall(r"reboundwatch_\w+", text))


def test_every_metric_that_is_shown_or_watched_exists() -> None:
    used = {name for one in expressions() for name in named(one)}
    assert len(used) > 10
    assert used - exposed() == set()


def test_every_label_that_is_asked_for_exists() -> None:
    known = label_names()
    asked = {
        label.split("=")[0].rstrip("!~").strip()
        for one in expressions()
        for _, labels in LABELS.findall(one)
        for label in labels.split('",')
    }
    grouped = {label.strip() for one in expressions() for group in GROUPED.findall(one) for label in group.split(",")}
    assert asked
    assert grouped
    assert (asked | grouped) - known == set()


def test_every_metric_is_shown() -> None:
    shown = {name for panel in panels() for target in panel["targets"] for name in named(target["expr"])}
    unseen = {
        one.name for one in metrics.REGISTRY.collect() if not shown & {f"{one.name}{end}" for end in SUFFIXES[one.type]}
    }
    assert unseen == set()


def test_what_an_alert_advises_to_look_at_exists() -> None:
    families = {one.name for one in metrics.REGISTRY.collect()}
    mentioned = {name for rule in alerts() for name in named(rule["annotations"]["summary"])}
    assert mentioned
    assert mentioned - exposed() - families == set()


def test_panels_have_their_own_place_and_number() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels()]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in panels()}) == len(places)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels())


def test_every_alert_says_how_grave_it_is_and_what_it_means() -> None:
    assert len(alerts()) > 5
    for rule in alerts():
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert rule["annotations"]["summary"].endswith(".")


@pytest.fixture(scope="module")
def promtool() -> str:
    found = str(BUILT) if BUILT.exists() else shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not here: tools/promtool.sh puts it into build/")
    return found


def test_prometheus_takes_the_alerts_and_every_query_of_the_dashboard(promtool: str, tmp_path: Path) -> None:
    queries = [target["expr"] for panel in panels() for target in panel["targets"]]
    rules = [{"record": f"dashboard:query{number}", "expr": one} for number, one in enumerate(queries)]
    dashboard = tmp_path / "dashboard.yaml"
    dashboard.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")
    for file in (ALERTS, dashboard):
        result = subprocess.run([promtool, "check", "rules", str(file)], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr


def test_prometheus_finds_nothing_to_mend_in_what_is_exposed(promtool: str) -> None:
    result = subprocess.run(
        [promtool, "check", "metrics"], input=metrics.exposition(), capture_output=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr

"""The audit of dependencies never passes when it could not ask; the bill of materials names all that runs."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.contract.calls import ROOT

UNCHECKED = 3


def test_an_audit_that_cannot_ask_says_so_and_does_not_pass() -> None:
    if not (ROOT / "build" / "audit" / "bin" / "pip-audit").exists():
        pytest.skip("pip-audit is not here: tools/audit.sh puts it into build/")
    nowhere = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "ALL_PROXY"), "http://127.0.0.1:9")
    environment = {**os.environ, **nowhere, "NO_PROXY": "", "no_proxy": ""}
    command = [str(ROOT / "tools" / "audit.sh")]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == UNCHECKED
    assert "could not be checked" in result.stderr
    assert "no known vulnerability" not in result.stdout

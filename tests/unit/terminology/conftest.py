"""The shipped terminology, read once."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.reasoning.terminology import Terminology

TERMINOLOGY = Path(__file__).parents[3] / "rules" / "terminology"


@pytest.fixture(scope="session")
def directory() -> Path:
    """The folder of the shipped tables."""
    return TERMINOLOGY


@pytest.fixture(scope="session")
def terminology() -> Terminology:
    """The shipped tables, without a site's own."""
    return Terminology.load(TERMINOLOGY)

"""The export that is screened."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.screening.exports import STORIES, record
from tests.storybook.routes import write_export


@pytest.fixture
def export(tmp_path: Path) -> Path:
    folder = tmp_path / "export"
    folder.mkdir()
    write_export(folder, map(record, STORIES))
    return folder

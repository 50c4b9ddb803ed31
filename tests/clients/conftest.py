"""One running service for all clients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients.serving import serving


@pytest.fixture(scope="session")
def cds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("serving")) as address:
        yield address

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import Server, start_valkey


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    with start_valkey(tmp_path / "server") as server:
        yield server

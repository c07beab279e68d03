"""Fixtures: projects whose embedded service is taken down again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import StartEmulator
from tests.execution.fronts import Fronts
from tests.project import project

__all__ = ["fronts", "project"]


@pytest.fixture
def fronts(tmp_path: Path, start_emulator: StartEmulator) -> Fronts:
    """Two projects of one service, one for each API."""
    return Fronts(tmp_path, start_emulator)

"""The command line in an empty directory, and in a project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import CommandLine, ProjectLine
from tests.emulator.training.conftest import digits

__all__ = ["digits"]


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    """In an empty directory."""
    return CommandLine(tmp_path)


@pytest.fixture
def api(request: pytest.FixtureRequest) -> str:
    """AutoML v1; modules whose scenarios hold with both APIs say so."""
    return str(getattr(request, "param", "automl"))


@pytest.fixture
def project(tmp_path: Path, api: str) -> Iterator[ProjectLine]:
    """In a project of which nothing is applied."""
    line = ProjectLine(tmp_path, api)
    line.declare()
    yield line
    line.project.stop_service()

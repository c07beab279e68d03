from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command_line import CommandLine


@pytest.fixture
def cli(tmp_path: Path, api: str) -> Iterator[CommandLine]:
    """A directory of its own, with the command line; its service is taken down at the end.

    Commands are started as users do at one of the APIs, and forked at the other.
    """
    cli = CommandLine(tmp_path, api, installed=api == "automl")
    yield cli
    cli("emulator", "stop")

"""What earlier versions wrote, unpacked, with the embedded service's clock at that time."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from automl_plan.providers.local import process
from tests.cli.command import CommandLine
from tests.upgrade.write import Service

ARCHIVE = Path(__file__).with_name("version-0.1.tar.xz")
_LATER = timedelta(hours=12)


class Written(CommandLine):
    """A project that version 0.1 wrote, on the present embedded service."""

    def __init__(self, directory: Path, api: str) -> None:
        super().__init__(directory)
        self.recorded: dict[str, Any] = json.loads((directory / "recorded.json").read_bytes())
        self._api = api
        self._begun = self._operations()
        self._set_clock(datetime.fromisoformat(self.recorded["now"]) + _LATER)

    def service(self) -> Service:
        """The service, which a command has started."""
        running = process.status(self._data)
        assert running is not None
        return Service(running.url, self._api)

    def trainings(self) -> dict[str, str]:
        """How each training ended that the service billed, by its operation."""
        return outcomes(self.service().admin("billing"))

    def state_file(self) -> Path:
        """Where the state is."""
        return self.directory / "state" / "default.json"

    def check_untouched(self) -> None:
        """Nothing was made, trained or deleted since version 0.1 ended."""
        assert self.service().objects() == self.recorded["objects"]
        assert self.trainings() == outcomes(self.recorded["billing"])
        assert self._operations() == self._begun

    def _operations(self) -> int:
        """How many the service has begun, imports and deployments among them."""
        with contextlib.closing(sqlite3.connect(self._database)) as connection:
            (number,) = connection.execute("SELECT count(*) FROM operations").fetchone()
        return int(number)

    @property
    def _data(self) -> Path:
        return self.directory / ".automl-plan" / "emulator"

    @property
    def _database(self) -> Path:
        return self._data / "emulator.sqlite3"

    def _set_clock(self, then: datetime) -> None:
        ahead = (then - datetime.now(UTC)) // timedelta(microseconds=1)
        with contextlib.closing(sqlite3.connect(self._database)) as connection, connection:
            connection.execute("UPDATE clock SET ahead = ?", (ahead,))


def outcomes(billing: dict[str, Any]) -> dict[str, str]:
    """How each training ended, by its operation."""
    return {charge["operation"]: charge["outcome"] for charge in billing["trainings"]}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The projects of the archive."""
    directory = tmp_path_factory.mktemp("version-0.1")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(directory, filter="data")
    return directory


@pytest.fixture
def written(unpacked: Path, tmp_path: Path, api: str) -> Iterator[Callable[[str], Written]]:
    """A copy of a project of an API; its service is taken down at the end."""
    begun: list[Path] = []

    def copy(name: str) -> Written:
        directory = tmp_path / name
        shutil.copytree(unpacked / api / name, directory)
        begun.append(directory)
        return Written(directory, api)

    try:
        yield copy
    finally:
        for directory in begun:
            process.stop(directory / ".automl-plan" / "emulator")

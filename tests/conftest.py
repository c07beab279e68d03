"""Settings and fixtures of all tests: an emulator in a process of its own."""

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import pytest
from hypothesis import HealthCheck, settings

from tests.apis import APIS
from tests.depth import times
from tests.services import Service

# A busy machine is no finding: how long a test takes decides nothing. In CI the same code is tried
# with the same examples each time; new ones are looked for everywhere else.
settings.register_profile(
    "no-clock",
    deadline=None,
    max_examples=times(50, 300),
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CI") == "true",
)
settings.load_profile("no-clock")


@dataclass(slots=True)
class RunningEmulator:
    """An emulator process that listens, and its folders."""

    url: str
    data_dir: Path
    bucket_root: Path
    files_root: Path
    process: Service = field(repr=False)

    def stop(self) -> int:
        """End it in order (SIGTERM) and give its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """End it at once (SIGKILL), as a crash would."""
        return self._end(signal.SIGKILL)

    def _end(self, sign: signal.Signals) -> int:
        self.process.send(sign)
        try:
            return self.process.wait(20)
        except TimeoutError:
            self.process.send(signal.SIGKILL)
            raise


class StartEmulator(Protocol):
    """Starts an emulator on a free port; it is stopped when the test ends."""

    def __call__(
        self,
        *,
        port: int = 0,
        vertex_port: int | None = None,
        trainer: str = "simulated",
        time_scale: float | None = None,
        data_dir: Path | None = None,
        files_root: Path | None = None,
        bucket_root: Path | None = None,
        idle_timeout: float = 120.0,
        faults: Sequence[str] = (),
        readings: Mapping[str, str] = MappingProxyType({}),
    ) -> RunningEmulator:
        """Start; the folders that aren't given are made below the test's own."""


def _starter(base: Path, started: list[RunningEmulator]) -> StartEmulator:
    def start(
        *,
        port: int = 0,
        vertex_port: int | None = None,
        trainer: str = "simulated",
        time_scale: float | None = None,
        data_dir: Path | None = None,
        files_root: Path | None = None,
        bucket_root: Path | None = None,
        idle_timeout: float = 120.0,
        faults: Sequence[str] = (),
        readings: Mapping[str, str] = MappingProxyType({}),
    ) -> RunningEmulator:
        number = len(started)
        data = data_dir or base / f"emulator-{number}"
        files = files_root or base
        buckets = bucket_root or base / "buckets"
        buckets.mkdir(exist_ok=True)
        arguments = ["--port", str(port), "--data-dir", str(data), "--trainer", trainer]
        arguments += ["--bucket-root", str(buckets), "--files-root", str(files)]
        arguments += ["--idle-timeout", str(idle_timeout)]
        arguments += [] if vertex_port is None else ["--vertex-port", str(vertex_port)]
        arguments += [f"--fault={fault}" for fault in faults]
        arguments += [f"--reading={name}={value}" for name, value in readings.items()]
        if time_scale is not None:
            arguments += ["--time-scale", str(time_scale)]
        process = Service(arguments, data / "emulator.log")
        running = RunningEmulator("", data, buckets, files, process)
        started.append(running)
        running.url = process.note(data)["url"]
        return running

    return start


@pytest.fixture(params=APIS)
def api(request: pytest.FixtureRequest) -> str:
    """Which of Google's APIs the embedded service is spoken to by: a scenario holds with both."""
    return str(request.param)


@pytest.fixture
def start_emulator(tmp_path: Path) -> Iterator[StartEmulator]:
    """Start emulators in the test's own folder."""
    started: list[RunningEmulator] = []
    try:
        yield _starter(tmp_path, started)
    finally:
        for running in started:
            running.stop()


@pytest.fixture(scope="module")
def start_shared_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartEmulator]:
    """Start emulators that all tests of a module use."""
    started: list[RunningEmulator] = []
    try:
        yield _starter(tmp_path_factory.mktemp("emulator"), started)
    finally:
        for running in started:
            running.stop()

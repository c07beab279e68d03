"""The embedded service in this process, with readings, and a clock that stands still."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct

from automl_plan.emulator.admin import Service, admin_front
from automl_plan.emulator.automl.front import automl_front
from automl_plan.emulator.clock import Clock
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.faults import Faults
from automl_plan.emulator.files import Files
from automl_plan.emulator.methods import CallCounts
from automl_plan.emulator.reading import Reading
from automl_plan.emulator.readings import Readings
from automl_plan.emulator.server import Server
from automl_plan.emulator.storage import storage_front
from automl_plan.emulator.vertex.front import vertex_front


class StillClock(Clock):
    """Stands still, but for who waits: then it is that time at once, unless it is held."""

    def __init__(self, now: datetime) -> None:
        super().__init__(1.0)
        self._now = now
        self._held = False
        self._waiting = 0

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for a time while the clock is held."""
        return self._waiting > 0

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> datetime:
        with self._changed:
            self._now += timedelta(seconds=seconds)
            self._changed.notify_all()
            return self._now

    def hold(self, *, held: bool) -> None:
        """Let those wait who wait, or let them go on."""
        with self._changed:
            self._held = held
            self._changed.notify_all()

    def wait_until(self, instant: datetime, interrupted: Callable[[], bool]) -> bool:
        with self._changed:
            while not interrupted():
                if not self._held:
                    self._now = max(self._now, instant)
                    return True
                self._waiting += 1
                self._changed.wait()
                self._waiting -= 1
            return False


class ChangingReadings(Readings):
    """Readings of a service that may answer otherwise from one day to the next."""

    def __init__(self, chosen: Mapping[str, str]) -> None:
        super().__init__(chosen)
        self._since: dict[str, str] = {}

    def __getitem__(self, reading: Reading) -> str:
        return self._since.get(reading.name) or super().__getitem__(reading)

    def change(self, reading: Reading, value: str) -> None:
        """Let the service answer by another value from now on, where it asks when it answers."""
        assert value in reading.values
        self._since[reading.name] = value


class StillService(Struct, frozen=True):
    """A service, and what a test does with it."""

    server: Server
    engine: Engine
    clock: StillClock
    buckets: Path
    readings: ChangingReadings


@contextmanager
def still_service(
    folder: Path, readings: Mapping[str, str], now: datetime, *, listens: bool = False
) -> Iterator[StillService]:
    """A service with these readings; without `listens` it answers in this process only."""
    buckets = folder / "buckets"
    buckets.mkdir(parents=True, exist_ok=True)
    clock, files = StillClock(now), Files(buckets, folder)
    answers_by = ChangingReadings(readings)
    engine = Engine(folder, files, "simulated", clock, answers_by)
    counts, faults = CallCounts(), Faults()
    fronts = (
        automl_front(engine),
        vertex_front(engine),
        storage_front(files),
        admin_front(engine, counts, faults, Service("simulated", 1.0, 0.0)),
    )
    server = Server(0, fronts, counts, faults, engine.now)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    try:
        engine.resume()
        if listens:
            thread.start()
        yield StillService(server, engine, clock, buckets, answers_by)
    finally:
        if listens:
            server.shutdown()
            thread.join()
        server.server_close()
        engine.interrupt()
        engine.close()

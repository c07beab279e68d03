"""The service as a process: its data directory, its lock, `server.json`, signals and idle exit."""

import fcntl
import json
import os
import select
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from automl_plan import __version__
from automl_plan.emulator.admin import AdminFront, Service
from automl_plan.emulator.automl.front import AutomlFront
from automl_plan.emulator.clock import Clock
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import StartError
from automl_plan.emulator.faults import FaultRefused, Faults
from automl_plan.emulator.files import Files
from automl_plan.emulator.http import Front
from automl_plan.emulator.methods import CallCounts
from automl_plan.emulator.server import Server
from automl_plan.emulator.storage import StorageFront
from automl_plan.emulator.vertex.front import VertexFront

LOCK_HELD = 4
"""Exit code when another process serves the data directory."""

_DRAIN_SECONDS = 5.0
_PACKAGES = {"sklearn": ("sklearn", "PIL")}
"""What must be importable, by trainer: the optional dependencies `local`."""


class Options(Struct, frozen=True):
    """How the service is to run. `idle_timeout` is in seconds; 0 means never to end by itself.

    `faults` are written as `fault_spec` says.
    """

    port: int
    data_dir: Path
    trainer: str
    time_scale: float
    bucket_root: Path
    files_root: Path
    idle_timeout: float
    faults: Sequence[str] = ()


class _Ended:
    """Whether SIGTERM or SIGINT came.

    A byte in a pipe tells it: what a handler sets just before a wait begins would be looked at
    only when that wait is over.
    """

    def __init__(self) -> None:
        self._told, told_by = os.pipe()
        os.set_blocking(told_by, False)
        signal.set_wakeup_fd(told_by)
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: None)

    def wait(self, seconds: float | None) -> bool:
        """Wait so long for one of them, or for ever; whether it came."""
        return bool(select.select([self._told], [], [], seconds)[0])


def serve(options: Options) -> None:
    """Serve until SIGTERM, SIGINT, or until nobody has asked anything for the idle timeout.

    Raises StartError when it can't begin.
    """
    _check_packages(options.trainer)
    faults = _faults(options.faults)
    os.umask(0o077)
    _make_folder(options.data_dir)
    _make_folder(options.bucket_root)
    with _locked(options.data_dir / "lock"):
        ended = _Ended()
        files = Files(options.bucket_root.resolve(), options.files_root.resolve())
        engine = Engine(options.data_dir, files, options.trainer, Clock(options.time_scale))
        try:
            _serve(options, engine, files, faults, ended)
        finally:
            engine.interrupt()
            engine.close()


def _serve(options: Options, engine: Engine, files: Files, faults: Faults, ended: _Ended) -> None:
    note = options.data_dir / "server.json"
    counts = CallCounts()
    service = Service(options.trainer, options.time_scale, options.idle_timeout)
    admin = AdminFront(engine, counts, faults, service)
    fronts: Sequence[Front] = (
        AutomlFront(engine),
        VertexFront(engine),
        StorageFront(files),
        admin,
    )
    with Server(options.port, fronts, counts, faults, engine.now) as server:
        engine.resume()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            _write_note(note, server.url, server.server_port, options.trainer)
            print(f"AutoML emulator listening on {server.url}", flush=True)  # noqa: T201 - its one line
            _wait(service, engine, server, ended)
        finally:
            note.unlink(missing_ok=True)
            server.shutdown()
            thread.join()
            engine.interrupt()
            server.activity.drain(_DRAIN_SECONDS)


def _wait(service: Service, engine: Engine, server: Server, ended: _Ended) -> None:
    left = service.idle_timeout
    while service.idle_timeout:
        if ended.wait(max(left, 0.02)):
            return
        if engine.jobs_running:
            left = min(1.0, service.idle_timeout)
            continue
        left = service.idle_timeout - server.activity.idle_seconds()
        if service.idle_timeout and left <= 0:
            return
    ended.wait(None)


def _check_packages(trainer: str) -> None:
    missing = [name for name in _PACKAGES.get(trainer, ()) if find_spec(name) is None]
    if missing:
        raise StartError(
            f"The {trainer} trainer needs {' and '.join(missing)}, which isn't installed. "
            "Install automl-plan[local], or start with --trainer simulated."
        )


def _faults(texts: Sequence[str]) -> Faults:
    faults = Faults()
    for text in texts:
        try:
            faults.add(text)
        except FaultRefused as error:
            raise StartError(str(error)) from error
    return faults


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StartError(
                f"Another emulator serves {path.parent}: see server.json there. "
                "Stop it first, or use another data directory.",
                LOCK_HELD,
            ) from error
        yield


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"Can't make the folder {path}: {error.strerror}.") from error


def _write_note(path: Path, url: str, port: int, trainer: str) -> None:
    note = {
        "url": url,
        "port": port,
        "pid": os.getpid(),
        "started": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "version": __version__,
        "trainer": trainer,
    }
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)

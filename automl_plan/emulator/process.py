"""The service as a process: data directory, lock, `server.json`, signals and idle timeout."""

import fcntl
import json
import os
import select
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from automl_plan import __version__
from automl_plan.emulator.admin import Service, admin_front
from automl_plan.emulator.automl.front import automl_front
from automl_plan.emulator.clock import Clock
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import StartError
from automl_plan.emulator.faults import FaultRefused, Faults
from automl_plan.emulator.files import Files
from automl_plan.emulator.methods import CallCounts
from automl_plan.emulator.readings import parse_readings
from automl_plan.emulator.server import Server
from automl_plan.emulator.storage import storage_front
from automl_plan.emulator.training.trainers import TRAINERS
from automl_plan.emulator.vertex.front import vertex_front

LOCK_HELD = 4
"""Exit code when another process serves the data directory."""

_DRAIN_SECONDS = 5.0


class Options(Struct, frozen=True):
    """How to run the service. `idle_timeout` is in seconds; 0 means no timeout.

    With a `vertex_port`, Vertex AI is served there as well, at the root; 0 is any free port.

    `faults` are in the syntax of `parse_fault`, `readings` in that of `parse_readings`.
    """

    port: int
    data_dir: Path
    trainer: str
    time_scale: float
    bucket_root: Path
    files_root: Path
    idle_timeout: float
    vertex_port: int | None = None
    faults: Sequence[str] = ()
    readings: Sequence[str] = ()


class _StopSignal:
    """SIGTERM and SIGINT, as something to wait for.

    A byte in a pipe reports them: a flag that a handler sets just before a wait begins would be
    seen only after that wait.
    """

    def __init__(self) -> None:
        self._reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer)
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: None)

    def wait(self, seconds: float | None) -> bool:
        """Wait that long, or for ever; return whether a signal came."""
        return bool(select.select([self._reader], [], [], seconds)[0])


def serve(options: Options) -> None:
    """Serve until SIGTERM, SIGINT, or until there was no request for the idle timeout.

    Raises StartError when it can't start.
    """
    _check_packages(options.trainer)
    faults = _faults(options.faults)
    readings = parse_readings(options.readings)
    os.umask(0o077)
    _make_folder(options.data_dir)
    _make_folder(options.bucket_root)
    with _locked(options.data_dir / "lock"):
        stop = _StopSignal()
        files = Files(options.bucket_root.resolve(), options.files_root.resolve())
        clock = Clock(options.time_scale)
        engine = Engine(options.data_dir, files, options.trainer, clock, readings)
        try:
            _serve(options, engine, files, faults, stop)
        finally:
            engine.interrupt()
            engine.close()


def _serve(
    options: Options, engine: Engine, files: Files, faults: Faults, stop: _StopSignal
) -> None:
    note = options.data_dir / "server.json"
    counts = CallCounts()
    service = Service(options.trainer, options.time_scale, options.idle_timeout)
    vertex = vertex_front(engine)
    fronts = (
        automl_front(engine),
        vertex,
        storage_front(files),
        admin_front(engine, counts, faults, service),
    )
    with ExitStack() as stack:
        server = stack.enter_context(Server(options.port, fronts, counts, faults, engine.now))
        servers = [server]
        if options.vertex_port is not None:
            at_root, shared = [replace(vertex, prefix="")], (counts, faults, engine.now)
            own = Server(options.vertex_port, at_root, *shared, server.activity)
            servers.append(stack.enter_context(own))
        engine.resume()
        threads = [
            threading.Thread(target=each.serve_forever, kwargs={"poll_interval": 0.05})
            for each in servers
        ]
        for thread in threads:
            thread.start()
        try:
            _write_note(note, servers, options.trainer)
            print(f"AutoML emulator listening on {server.url}", flush=True)  # noqa: T201 - its one line
            _wait(service, engine, server, stop)
        finally:
            note.unlink(missing_ok=True)
            for each, thread in zip(servers, threads, strict=True):
                each.shutdown()
                thread.join()
            engine.interrupt()
            server.activity.drain(_DRAIN_SECONDS)


def _wait(service: Service, engine: Engine, server: Server, stop: _StopSignal) -> None:
    remaining = service.idle_timeout
    while service.idle_timeout:
        if stop.wait(max(remaining, 0.02)):
            return
        if engine.jobs_running:
            remaining = min(1.0, service.idle_timeout)
            continue
        remaining = service.idle_timeout - server.activity.idle_seconds()
        if service.idle_timeout and remaining <= 0:
            return
    stop.wait(None)


def _check_packages(trainer: str) -> None:
    missing = [name for name in TRAINERS[trainer].packages if find_spec(name) is None]
    if missing:
        raise StartError(
            f"The {trainer} trainer needs {' and '.join(missing)}, which isn't installed. "
            "Install it: pip install 'automl-plan[local]'. Or start with --trainer simulated."
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


def _write_note(path: Path, servers: Sequence[Server], trainer: str) -> None:
    note = {
        "url": servers[0].url,
        "port": servers[0].server_port,
        **({"vertex_url": servers[1].url} if servers[1:] else {}),
        "pid": os.getpid(),
        "started": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "version": __version__,
        "trainer": trainer,
    }
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)

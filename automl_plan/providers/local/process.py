"""The embedded service's process: find it, start it, stop it.

It is a program of its own (`python -m automl_plan.emulator`), outlives the command that started
it, as a cloud would, and ends by itself when nobody asks anything for a while.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from automl_plan.errors import EmulatorError

IDLE_SECONDS = 900.0
START_SECONDS = 30.0
_STOP_SECONDS = 15.0
_SHOWN_LOG_LINES = 5


@dataclass(frozen=True, slots=True)
class Options:
    """How the service is to run; None leaves its own default."""

    trainer: str = "sklearn"
    time_scale: float | None = None
    """How much faster than real time simulated hours pass."""
    bucket_root: Path | None = None
    """Its folders are the gs:// buckets."""
    port: int = 0
    """0: any free one."""
    idle_timeout: float = IDLE_SECONDS


@dataclass(frozen=True, slots=True)
class Running:
    """A service that answers."""

    url: str
    pid: int
    trainer: str
    started: str
    version: str


def status(data_dir: Path) -> Running | None:
    """The service of a data directory, or None when none answers."""
    try:
        note = json.loads((data_dir / "server.json").read_bytes())
        running = Running(
            url=str(note["url"]),
            pid=int(note["pid"]),
            trainer=str(note["trainer"]),
            started=str(note["started"]),
            version=str(note["version"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return running if _answers(running.url) else None


def start(data_dir: Path, files_root: Path, options: Options) -> Running:
    """The service of a data directory, started if none runs. Raises EmulatorError.

    Two that start it at the same time end up with the same one: its lock lets one live.
    """
    running = status(data_dir)
    if running is None:
        running = _started(data_dir, files_root, options)
    if running.trainer != options.trainer:
        raise EmulatorError(
            f"The embedded service runs with the trainer {running.trainer}, and the "
            f"configuration says {options.trainer}.",
            where=running.url,
            hint="Stop it with `automl-plan emulator stop`; the next command starts it anew.",
        )
    return running


def stop(data_dir: Path) -> bool:
    """End the service; whether there was one. Raises EmulatorError when it does not end."""
    running = status(data_dir)
    if running is None:
        return False
    try:
        os.kill(running.pid, signal.SIGTERM)
    except ProcessLookupError:
        return False
    except PermissionError as error:
        raise EmulatorError(
            f"The service (process {running.pid}) belongs to another user."
        ) from error
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline:
        if _unlocked(data_dir):
            return True
        time.sleep(0.02)
    raise EmulatorError(
        f"The service (process {running.pid}) does not end.", hint=f"kill -9 {running.pid}"
    )


def _started(data_dir: Path, files_root: Path, options: Options) -> Running:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = data_dir / "emulator.log"
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise EmulatorError(
            f"The embedded service has no place for its data: {error.strerror}.",
            where=str(data_dir),
        ) from error
    with os.fdopen(descriptor, "wb") as output:
        process = subprocess.Popen(  # noqa: S603 (this interpreter, and no shell)
            _command(data_dir, files_root, options),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for us, not for the service
            env=_environment(os.environ),
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        running = status(data_dir)
        if running is not None:
            process.returncode = process.returncode or 0  # it lives on, and nobody waits for it
            return running
        ended = process.poll()
        if ended is not None and ended != _LOCK_HELD:
            break
        time.sleep(0.02)
    process.poll()
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    said = "\n  ".join(lines[-_SHOWN_LOG_LINES:])
    raise EmulatorError(
        f"The embedded service does not start. It said:\n  {said or '(nothing)'}",
        where=str(log),
        hint="Is automl-plan[local] installed (scikit-learn, pillow)?"
        if "ModuleNotFoundError" in said
        else None,
    )


_LOCK_HELD = 4
"""Its exit code when another process serves the data directory."""


def _command(data_dir: Path, files_root: Path, options: Options) -> list[str]:
    command = [sys.executable, "-m", "automl_plan.emulator"]
    command += ["--data-dir", str(data_dir), "--files-root", str(files_root)]
    command += ["--port", str(options.port), "--trainer", options.trainer]
    command += ["--idle-timeout", str(options.idle_timeout)]
    if options.time_scale is not None:
        command += ["--time-scale", str(options.time_scale)]
    if options.bucket_root is not None:
        command += ["--bucket-root", str(options.bucket_root)]
    return command


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Ours without what could hold a secret: the service needs no credentials."""
    return {k: v for k, v in environ.items() if not k.startswith(("GOOGLE_", "AUTOML_PLAN_VAR_"))}


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/v1/projects/local/locations", timeout=2.0) as response:
            return bool(response.status == 200)
    except (OSError, ValueError):
        return False


def _unlocked(data_dir: Path) -> bool:
    """Whether no service holds the data directory.

    Its lock tells: a process id does not, as it stays until whoever adopted the process has
    taken notice of its end, which in a container may be never.
    """
    with (data_dir / "lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True

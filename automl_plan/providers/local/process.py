"""The embedded service's process: find it, start it, stop it.

It is a program of its own (`python -m automl_plan.emulator`), outlives the command that started
it, as a cloud would, and ends by itself after a while without requests.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.errors import EmulatorError
from automl_plan.providers.local.capabilities import AUTO, INSTALL, SKLEARN

IDLE_SECONDS = 900.0
DEFAULT_TIME_SCALE = 3600.0
"""The service's own, for who asks for none."""
START_SECONDS = 30.0
_STOP_SECONDS = 15.0
_OTHERS_SECONDS = 1.0
_ANSWER_SECONDS = 20.0
_SHOWN_LOG_LINES = 5
_LOG = logging.getLogger(__name__)
_URL = re.compile(r"http://127\.0\.0\.1:\d{1,5}")


class Options(Struct, frozen=True):
    """How the service is to run; None leaves its own default."""

    trainer: str = "auto"
    declared_trainer: bool = True
    """Whether that trainer and no other is wanted; else the one of a running service may do."""
    time_scale: float | None = None
    """How much faster than real time simulated hours pass."""
    bucket_root: Path | None = None
    """Its folders are the gs:// buckets."""
    port: int = 0
    """0: any free one."""
    vertex_port: int | None = None
    """A second port with Vertex AI at its root, likewise."""
    idle_timeout: float = IDLE_SECONDS
    """Seconds; 0: it stays until it is stopped."""
    faults: tuple[str, ...] = ()
    """What is to go wrong, as METHOD:EFFECT[:WHEN]; set at the start only."""
    readings: Mapping[str, str] = {}
    """What the service is to answer where Google's answers are not proved; set at the start."""


class Running(Struct, frozen=True):
    """A service that answers."""

    url: str
    pid: int
    trainer: str
    started: str
    version: str
    vertex_url: str | None = None
    """Where Vertex AI is served at the root, if anywhere."""
    time_scale: float | None = None
    """None: of an earlier version, which does not report it."""
    idle_timeout: float | None = None
    """Seconds without a request after which it ends; 0: never."""
    readings: Mapping[str, str] = {}
    """The value of each of its readings."""
    changed_readings: frozenset[str] = frozenset()
    """Names of those that differ from the default."""
    operations: int | None = None
    """Those that it works on; None: of an earlier version, which does not report it."""


def status(data_dir: Path) -> Running | None:
    """The service of a data directory, or None when none answers.

    A note that a crash left behind is not believed: its port may be another service's by now.
    """
    if _unlocked(data_dir):
        return None
    try:
        note = json.loads((data_dir / "server.json").read_bytes())
        running = Running(
            url=str(note["url"]),
            pid=int(note["pid"]),
            trainer=str(note["trainer"]),
            started=str(note["started"]),
            version=str(note["version"]),
            vertex_url=_loopback(note.get("vertex_url")),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    believable = _URL.fullmatch(running.url) and _alive(running.pid)
    settings = _settings_of(running.url) if believable else None
    if settings is None:
        return None
    return replace(
        running,
        time_scale=_number(settings.get("timeScale")),
        idle_timeout=_number(settings.get("idleTimeoutSeconds")),
        operations=settings.get("operationsRunning"),
        **_readings(settings.get("readings")),
    )


def start(data_dir: Path, files_root: Path, options: Options) -> Running:
    """The service of a data directory, started if none runs. Raises EmulatorError.

    Two that start it at the same time end up with the same one: its lock lets one live.
    """
    running = status(data_dir)
    if running is not None and not _trains_as_wanted(running, options):
        _LOG.info("The embedded service is restarted with the trainer %s.", options.trainer)
        stop(data_dir)
        running = None
    if running is not None:
        _check_set_at_start(running, options)
    if running is None:
        running = _started(data_dir, files_root, options)
        if not _trains_as_wanted(running, options):  # another command was faster
            raise _other_trainer(running, options)
    _check_readings(running, options)
    _tell_time_scale(running, options)
    if not options.idle_timeout and running.idle_timeout:
        _asked(running.url, "service:stay", {})
        running = replace(running, idle_timeout=0.0)
    return running


def _trains_as_wanted(running: Running, options: Options) -> bool:
    """Return whether the service has the trainer, or one that will do; False: restart it.

    Raises EmulatorError when it has another one, and is at work or was started with
    `emulator start`.
    """
    if running.trainer == options.trainer:
        return True
    trains = {running.trainer, options.trainer} == {AUTO, SKLEARN}
    will_do = trains and not options.declared_trainer
    if will_do and (running.trainer == AUTO or not running.idle_timeout):
        return True
    if running.idle_timeout and running.operations == 0:
        return False
    if not will_do:
        raise _other_trainer(running, options)
    _LOG.warning(
        "The embedded service is at work with the trainer %s; the default is %s now. A command "
        "that finds it idle restarts it with that.",
        running.trainer,
        options.trainer,
    )
    return True


def _other_trainer(running: Running, options: Options) -> EmulatorError:
    work = f", and works on {running.operations} operations" if running.operations else ""
    runs, said = f"runs with the trainer {running.trainer}{work}", options.trainer
    return _differs(running, f"{runs}, but the configuration says {said}")


def _differs(running: Running, what: str) -> EmulatorError:
    hint = "Stop it with `automl-plan emulator stop`; the next command restarts it."
    return EmulatorError(f"The embedded service {what}.", where=running.url, hint=hint)


def _check_set_at_start(running: Running, options: Options) -> None:
    """Refuse options that a running service can't take any more. Raises EmulatorError."""
    port = options.vertex_port
    served = running.vertex_url and (not port or running.vertex_url.endswith(f":{port}"))
    wanted = None
    if options.faults:
        wanted = "faults are"
    elif port is not None and not served:
        wanted = "port for Vertex AI is"
    elif options.port and not running.url.endswith(f":{options.port}"):
        wanted = "port is"
    if wanted:
        raise EmulatorError(
            f"The embedded service runs already: its {wanted} set when it starts.",
            where=running.url,
            hint="Stop it with `automl-plan emulator stop` first.",
        )


def _check_readings(running: Running, options: Options) -> None:
    """Refuse a service with other readings than wanted. Raises EmulatorError.

    One that was started with `emulator start` may have more than the configuration says.
    """
    wanted = dict(options.readings)
    differ = {name for name, value in wanted.items() if running.readings.get(name) != value}
    if running.idle_timeout:
        differ |= running.changed_readings - wanted.keys()
    if differ:
        name = min(differ)
        runs, said = running.readings.get(name), wanted.get(name, "nothing of it")
        what = f"runs with the reading {name}={runs}, but the configuration says {said}"
        raise _differs(running, f"has no reading {name}" if runs is None else what)


def _readings(readings: object) -> dict[str, Any]:
    """Return the fields of Running about readings; an earlier version reports none."""
    if not isinstance(readings, dict):
        return {}
    return {
        "readings": {name: str(each["value"]) for name, each in readings.items()},
        "changed_readings": frozenset(
            name for name, each in readings.items() if each["value"] != each["recorded"]
        ),
    }


def _tell_time_scale(running: Running, options: Options) -> None:
    """Warn when the service runs at another speed than the configuration says.

    Where it was started with `emulator start`: only if the configuration sets one.
    """
    wanted = options.time_scale
    if wanted is None and running.idle_timeout:
        wanted = DEFAULT_TIME_SCALE
    if wanted is None or running.time_scale in (None, wanted):
        return
    _LOG.warning(
        "The embedded service is running with the time scale %g; the configuration has %g. Stop it "
        "with `automl-plan emulator stop`: the next command restarts it with that.",
        running.time_scale,
        wanted,
    )


def stop(data_dir: Path) -> bool:
    """End the service; whether there was one. Raises EmulatorError when it does not end."""
    running = status(data_dir)
    if running is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline:
        if _unlocked(data_dir):
            return True
        time.sleep(0.02)
    raise EmulatorError(
        f"The service (process {running.pid}) does not end.", hint=f"kill -9 {running.pid}"
    )


def advance(data_dir: Path, seconds: float) -> str:
    """Let seconds pass on the service's clock; return its time then (RFC 3339).

    Raises EmulatorError when it does not run, or can't go so far.
    """
    running = status(data_dir)
    if running is None:
        raise EmulatorError(
            "The embedded service is not running.", hint="Start it: automl-plan emulator start"
        )
    try:
        return str(_asked(running.url, "clock:advance", {"seconds": seconds})["now"])
    except KeyError as error:
        raise EmulatorError(f"The embedded service reports no time: {error}.") from error


def _asked(url: str, method: str, body: Mapping[str, float]) -> dict[str, Any]:
    """What a method of its own API answers. Raises EmulatorError."""
    request = urllib.request.Request(  # noqa: S310 (our own service, on loopback)
        f"{url}/emulator/v1/{method}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    try:
        with _opener().open(request, timeout=_ANSWER_SECONDS) as answer:
            found = json.load(answer)
    except (OSError, ValueError) as error:
        raise EmulatorError(f"The embedded service refuses {method}: {error}.") from error
    return found if isinstance(found, dict) else {}


def _started(data_dir: Path, files_root: Path, options: Options) -> Running:
    deadline = time.monotonic() + START_SECONDS
    while True:
        log, begun, process = _spawned(data_dir, files_root, options)
        running = _awaited(process, data_dir, deadline)
        if running is not None and running.pid == process.pid:
            process.returncode = 0  # it stays alive, and is not waited for
            return running
        if running is not None:
            # Ours still begins: it must not serve, unseen, when that one ends.
            process.kill()
            process.wait()
            return running
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.returncode != _LOCK_HELD or time.monotonic() > deadline:
            break
        # The one that held the lock was about to end; now it is our turn.
    with log.open("rb") as file:
        file.seek(begun)
        lines = file.read().decode("utf-8", "replace").splitlines()
    said = "\n  ".join(lines[-_SHOWN_LOG_LINES:])
    raise EmulatorError(
        f"The embedded service does not start. It said:\n  {said or '(nothing)'}",
        where=str(log),
        hint=f"Install what it needs: {INSTALL}. Or write trainer: simulated (it only makes up "
        "numbers)."
        if "automl-plan[local]" in said
        else None,
    )


def _spawned(
    data_dir: Path, files_root: Path, options: Options
) -> tuple[Path, int, subprocess.Popen[bytes]]:
    """The log, where in it this process begins to write, and the process."""
    log = data_dir / "emulator.log"
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise EmulatorError(
            f"The embedded service has no place for its data: {error.strerror}.",
            where=str(data_dir),
        ) from error
    with os.fdopen(descriptor, "ab") as output:
        begun = os.fstat(output.fileno()).st_size
        process = subprocess.Popen(  # noqa: S603 (this interpreter, and no shell)
            _command(data_dir, files_root, options),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for us, not for the service
            env=_environment(os.environ),
        )
    return log, begun, process


def _awaited(process: subprocess.Popen[bytes], data_dir: Path, deadline: float) -> Running | None:
    """The service once it answers; None when the process ended, or at the deadline.

    A process that found the lock held ended for another's sake: that one is waited for, too,
    as long as one that begins needs.
    """
    ended_at: float | None = None
    while time.monotonic() < deadline:
        running = status(data_dir)
        if running is not None:
            return running
        if ended_at is None and process.poll() is not None:
            if process.returncode != _LOCK_HELD:
                return None
            ended_at = time.monotonic()
        if ended_at is not None and time.monotonic() - ended_at > _OTHERS_SECONDS:
            return None
        time.sleep(0.02)
    return None


_LOCK_HELD = 4
"""Its exit code when another process serves the data directory."""


def _command(data_dir: Path, files_root: Path, options: Options) -> list[str]:
    # -P: what lies in the current directory is not imported.
    command = [sys.executable, "-P", "-m", "automl_plan.emulator"]
    command += ["--data-dir", str(data_dir), "--files-root", str(files_root)]
    command += ["--port", str(options.port), "--trainer", options.trainer]
    command += ["--idle-timeout", str(options.idle_timeout)]
    if options.vertex_port is not None:
        command += ["--vertex-port", str(options.vertex_port)]
    if options.time_scale is not None:
        command += ["--time-scale", str(options.time_scale)]
    if options.bucket_root is not None:
        command += ["--bucket-root", str(options.bucket_root)]
    command += [f"--fault={fault}" for fault in options.faults]
    command += [f"--reading={name}={value}" for name, value in options.readings.items()]
    return command


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Ours without what could hold a secret: the service needs no credentials."""
    return {k: v for k, v in environ.items() if not k.startswith(("GOOGLE_", "AUTOML_PLAN_VAR_"))}


def _settings_of(url: str) -> dict[str, Any] | None:
    """How it runs, asked of its own API, which has no faults and whose calls aren't counted.

    None when it does not answer. An earlier version answers with nothing.
    """
    try:
        with _opener().open(f"{url}/emulator/v1/service", timeout=2.0) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        return {} if error.code == HTTPStatus.NOT_FOUND else None
    except (OSError, ValueError):
        return None
    return answer if isinstance(answer, dict) else None


def _loopback(value: object) -> str | None:
    return value if isinstance(value, str) and _URL.fullmatch(value) else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _opener() -> urllib.request.OpenerDirector:
    """Without proxies, none of which could reach our loopback."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _alive(pid: int) -> bool:
    """Whether there is such a process of ours."""
    try:
        os.kill(pid, 0)
    except (OSError, OverflowError):
        return False
    return pid > 0  # 0 and below name groups of processes


def _unlocked(data_dir: Path) -> bool:
    """Whether no service holds the data directory.

    Its lock says so: a process id does not, as it stays until the process that adopted it has
    taken notice of its end, which in a container may be never.
    """
    try:
        with (data_dir / "lock").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True

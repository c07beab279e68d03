"""A process that has imported the embedded service and forks one for each test that needs one.

How it starts by itself is tested in `emulator/test_process.py` and
`providers/test_local_process.py`.
One line of JSON in, one out.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.helper import Helper

_parents: list[Helper] = []


def _parent() -> Helper:
    """The process that forks them; those that still run when it ends go on without a parent."""
    if not _parents:
        _parents.append(Helper("tests.services", environ={**os.environ, "PYTHONWARNINGS": ""}))
        atexit.register(_parents[0].close)
    return _parents[0]


class Service:
    """A forked service: what `subprocess.Popen` is for one that was started."""

    def __init__(self, arguments: Sequence[str], log: Path) -> None:
        """Fork it with the arguments of `python -m automl_plan.emulator`."""
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.returncode: int | None = None
        self.pid: int = _parent().ask({"arguments": list(arguments), "log": str(log)})

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._ended({"poll": self.pid})

    def wait(self, seconds: float) -> int:
        """Its exit code when it has ended. Raises TimeoutError."""
        code = self._ended({"wait": self.pid, "seconds": seconds})
        if code is None:
            raise TimeoutError(f"the service {self.pid} runs after {seconds} s")
        return code

    def note(self, data_dir: Path) -> Mapping[str, Any]:
        """What it writes down when it listens. Raises ChildProcessError when it ends before."""
        while True:
            with contextlib.suppress(OSError, ValueError):
                note: dict[str, Any] = json.loads((data_dir / "server.json").read_bytes())
                if note["pid"] == self.pid:  # not that of one before
                    return note
            if self.poll() is not None:
                raise ChildProcessError(f"the service has ended with {self.returncode}")
            time.sleep(_LOOK_SECONDS)

    def send(self, sign: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.returncode is None:
            os.kill(self.pid, sign)

    def _ended(self, order: object) -> int | None:
        if self.returncode is None:
            code = _parent().ask(order)
            self.returncode = None if code == _RUNS else code
        return self.returncode


_RUNS = 1_000
"""In place of the exit code of one that has not ended."""
_LOOK_SECONDS = 0.005


def main() -> None:
    """Fork services until the input ends."""
    import automl_plan.emulator

    for module in pkgutil.walk_packages(automl_plan.emulator.__path__, "automl_plan.emulator."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    gc.freeze()  # a child that looks for garbage would copy all of it
    for line in sys.stdin:
        order = json.loads(line)
        if "arguments" in order:
            answer = _forked(order["arguments"], order["log"])
        else:
            answer = _code(order.get("poll") or order["wait"], order.get("seconds", 0.0))
        print(answer, flush=True)


def _forked(arguments: Sequence[str], log: str) -> int:
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.setsid()
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(target, 1)
            os.dup2(target, 2)
            from automl_plan.emulator.__main__ import main as serve

            code = serve(arguments)
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return child


def _code(pid: int, seconds: float) -> int:
    end = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= end:
            return _RUNS
        time.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    main()

"""Processes that have imported the tool, and fork one for each command: no start-up to wait for.

A forked command differs from one that is started in what is imported already; how a command starts
is tested in `test_startup.py`. One line of JSON in, one out.
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
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.helper import Helper


class Done(subprocess.CompletedProcess[str]):
    """How a command ended."""

    def __init__(
        self, arguments: tuple[str, ...], code: int, stdout: str, stderr: str, peak: int
    ) -> None:
        super().__init__(arguments, code, stdout, stderr)
        self.peak_kilobytes = peak
        """Of memory, with what it shares with the process that it was forked from."""
        self.silence = 0.0
        """The seconds in which it wrote nothing at a stretch, up to a few tenths of a second."""
        self.said_before = ""
        """The last line that it had written before that."""


_LOOKED_AFTER = 0.5
"""Seconds after which it is seen whether a command has written anything."""


class _Silence:
    """Watches the output of a command for how long nothing is written."""

    def __init__(self, folder: Path) -> None:
        self._files = [folder / "stdout", folder / "stderr"]
        self._sizes: list[int] = []
        self._since = time.monotonic()
        self.longest, self.said = 0.0, ""

    def look(self) -> None:
        """See whether there is more than before."""
        sizes = [each.stat().st_size if each.exists() else 0 for each in self._files]
        now = time.monotonic()
        if now - self._since > self.longest:
            self.longest = now - self._since
            if self.longest > 1:
                self.said = max(map(_last_line, self._files), key=len)
        if sizes != self._sizes:
            self._sizes, self._since = sizes, now


def _last_line(file: Path) -> str:
    lines = file.read_bytes().decode("utf-8", "replace").splitlines() if file.exists() else []
    return lines[-1] if lines else ""


class Forks:
    """One such process; it runs one command at a time."""

    def __init__(self) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("AUTOML_PLAN_")}
        self._folder = tempfile.TemporaryDirectory(prefix="forks-")
        self._helper = Helper("tests.cli.forks", self._folder.name, environ=kept)

    def run(
        self,
        arguments: tuple[str, ...],
        directory: Path,
        environ: Mapping[str, str],
        patience: float,
    ) -> Done:
        """Run a command to its end. Raises subprocess.TimeoutExpired."""
        order = {"arguments": arguments, "directory": str(directory), "environ": dict(environ)}
        self._helper.tell(order)
        silence = _Silence(Path(self._folder.name))
        begun = time.monotonic()
        late = True
        while late and time.monotonic() - begun < patience:
            late = not self._helper.answers_within(_LOOKED_AFTER)
            silence.look()
        if late:
            self._helper.kill_what_runs()
        code, peak = self._helper.answer()
        if late:
            raise subprocess.TimeoutExpired(arguments, patience)
        folder = Path(self._folder.name)
        out, err = ((folder / n).read_bytes().decode("utf-8") for n in ("stdout", "stderr"))
        done = Done(arguments, code, out, err, peak)
        done.silence, done.said_before = silence.longest, silence.said
        return done

    def close(self) -> None:
        """End the process."""
        self._helper.close()
        self._folder.cleanup()


_free: list[Forks] = []
"""Of this test process; as many as commands ran at the same time."""


def run(
    arguments: tuple[str, ...], directory: Path, environ: Mapping[str, str], patience: float
) -> Done:
    """Run a command in a forked process. Raises subprocess.TimeoutExpired."""
    try:
        forks = _free.pop()
    except IndexError:
        forks = Forks()
        atexit.register(forks.close)
    try:
        return forks.run(arguments, directory, environ, patience)
    finally:
        _free.append(forks)


def main() -> None:
    """Serve commands until the input ends."""
    folder = Path(sys.argv[1])
    running = prepared()
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _child(order["arguments"], order["directory"], order["environ"], folder)
        running[:] = [child]
        _, status, used = os.wait4(child, 0)
        running.clear()
        ended = (os.waitstatus_to_exitcode(status), used.ru_maxrss)
        print(json.dumps(ended), flush=True)


def prepared() -> list[int]:
    """Import the tool; the processes in the list are killed when this one is sent SIGUSR1."""
    _import_all()
    gc.freeze()  # a child that looks for garbage would copy all of it
    running: list[int] = []

    def end(*_: object) -> None:
        for pid in running:
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.kill(pid, signal.SIGKILL)

    signal.signal(signal.SIGUSR1, end)
    return running


def _import_all() -> None:
    import automl_plan

    for name in ("deepdiff", "google.auth", "jsonschema", "requests", "rich.live", "rich.table"):
        importlib.import_module(name)  # what commands import where it is used
    for module in pkgutil.walk_packages(automl_plan.__path__, "automl_plan."):
        if not module.name.startswith(("automl_plan.emulator", "automl_plan.__main__")):
            importlib.import_module(module.name)


def _child(arguments: list[str], directory: str, environ: Mapping[str, str], folder: Path) -> None:
    from automl_plan.cli.start import main as start

    code: int | str | None = 70
    try:
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)
        os.chdir(directory)
        os.environ.clear()
        os.environ.update(environ)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for descriptor, name in ((1, "stdout"), (2, "stderr")):
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            os.dup2(os.open(folder / name, flags, 0o600), descriptor)
        sys.argv = ["automl-plan", *arguments]
        start()
        code = 0
    except SystemExit as ended:
        code = ended.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    main()

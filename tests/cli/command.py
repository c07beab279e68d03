"""The command line as its users meet it: a process, with pipes or on a terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.cli import forks
from tests.project import Project

COMMAND = (sys.executable, "-m", "automl_plan")
PATIENCE = 60.0
"""Seconds after which a test gives up on a process."""


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment without what would change the output, and with what is given."""
    pipelines = ("GITHUB_", "GITLAB_", "CI_", "BITBUCKET_")
    ours = ("AUTOML_PLAN_", "NO_COLOR", "FORCE_COLOR", "PYTHONIOENCODING", "COLUMNS", *pipelines)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return {**kept, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **extra}


class CommandLine:
    """The command line in one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def run(
        self,
        *arguments: str,
        python: tuple[str, ...] = COMMAND,
        extra: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command without a terminal; `extra` goes into its environment.

        A forked process does, which is many times as fast, unless Python itself is told something.
        """
        given = environment(extra or {})
        if python == COMMAND and not any(key.startswith("PYTHON") for key in extra or {}):
            return forks.run(arguments, self.directory, given, PATIENCE)
        return subprocess.run(
            [*python, *arguments],
            cwd=self.directory,
            env=given,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """Run a command that ends with this exit code; its standard output."""
        done = self.run(*arguments)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout

    def failure(self, *arguments: str, code: int = 1) -> str:
        """Run a command that fails; its standard error."""
        done = self.run(*arguments)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    def json(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """The one JSON document that a command writes."""
        document: dict[str, Any] = json.loads(self(*arguments, "--json", code=code))
        return document

    def terminal(self, *arguments: str, **extra: str) -> Terminal:
        """Start a command on a terminal."""
        return Terminal(self.directory, arguments, extra)


def _as_a_terminal_does() -> None:
    """Let Ctrl-C interrupt it, also where a shell in the background has it ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """A command on a pseudo-terminal; to be used as a context manager."""

    def __init__(
        self, directory: Path, arguments: tuple[str, ...], extra: Mapping[str, str]
    ) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=directory,
            env=environment(extra),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_as_a_terminal_does,
        )
        os.close(theirs)
        self.shown = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def expect(self, text: str) -> None:
        """Wait until a text was shown."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            assert self._read(), f"it ended and showed no {text!r}:\n{self.shown}"

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._ours, f"{text}\n".encode())

    def ended(self) -> int:
        """Wait until it ends; its exit code."""
        deadline = time.monotonic() + PATIENCE
        while self._read():
            assert time.monotonic() < deadline, self.shown
        return self.process.wait(PATIENCE)

    def _read(self) -> bool:
        """Take what is shown next; False when nothing will come any more."""
        if not select.select([self._ours], [], [], 1.0)[0]:
            return True
        try:
            data = os.read(self._ours, 65_536)
        except OSError:  # EIO: the process has closed its side
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)


class ProjectLine(CommandLine):
    """The command line in a project on the embedded service, with simulated trainings."""

    def __init__(self, directory: Path, api: str = "automl") -> None:
        super().__init__(directory)
        self.project = Project(directory, api=api)
        self.project.write_data("d.csv", {"cat": 8, "dog": 8})

    def run(
        self,
        *arguments: str,
        python: tuple[str, ...] = COMMAND,
        extra: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command without a terminal; its service runs already, unless it starts it."""
        if arguments[0] != "emulator":
            self.project.start_service()
        return super().run(*arguments, python=python, extra=extra)

    def detach(self) -> None:
        """Apply until a training is left running: an import that takes its time is left, too."""
        for _ in range(20):
            self("apply", "--auto-approve", "--detach", code=5)
            running = self.json("operations", "list", "--running")["operations"]
            if any(operation["operation"] == "create-model" for operation in running):
                return
        raise AssertionError(running)

    def declare(self, *, budget: int = 8000, hours_pass: float | None = None) -> None:
        """Declare a dataset with data and a model; slow trainings take their hours in time."""
        if hours_pass is not None:
            self.project.time_scale = hours_pass
        problem = {"classification_type": "MULTICLASS"}
        self.project.write(
            {"digits": {"image_classification": problem, "sources": ["d.csv"]}},
            {
                "digits": {
                    "dataset": "digits",
                    "image_classification": {"train_budget_milli_node_hours": budget},
                    "deploy": {"node_count": 1},
                }
            },
        )

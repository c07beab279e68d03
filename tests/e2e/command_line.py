"""The installed command line, as users run it."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from pathlib import Path

from tests.cli import forks

PATIENCE = 300.0
"""Seconds after which a test gives up on a command."""
COMMAND = Path(sysconfig.get_path("scripts")) / "automl-plan"


class CommandLine:
    """The command line in one directory.

    `installed`: each command is started as users do; else a process that has imported the tool
    forks one for it, which takes a fraction of the time.
    """

    def __init__(self, directory: Path, api: str = "automl", *, installed: bool = True) -> None:
        self.directory = directory
        self.api = api
        self._installed = installed

    def take(self, example: Path) -> Path:
        """Copy a configuration; only the API that its provider is spoken to by is another."""
        copy = self.directory / example.name
        copy.write_text(spoken_by(self.api, example.read_text(encoding="utf-8")), encoding="utf-8")
        return copy

    def __call__(self, *args: str, code: int = 0) -> str:
        environ = {k: v for k, v in os.environ.items() if not k.startswith("AUTOML_PLAN_")}
        if self._installed:
            done = subprocess.run(
                [str(COMMAND), *args],
                cwd=self.directory,
                env=environ,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )
        else:
            done = forks.run(args, self.directory, environ, PATIENCE)
        assert "Traceback" not in done.stderr
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def actions(self, *args: str) -> list[str]:
        """What `plan` says is to be done."""
        plan = json.loads(self("plan", "--json", "--detailed-exitcode", *args, code=2))
        return [f"{change['address']} {change['action']}" for change in plan["changes"]]

    def apply(self) -> None:
        """Apply, and see that the next plan is empty."""
        self("apply", "--auto-approve")
        assert "No changes." in self("plan", "--detailed-exitcode", code=0)


def spoken_by(api: str, text: str) -> str:
    """A configuration with the embedded service, spoken to by an API."""
    assert "local: {}" in text
    return text if api == "automl" else text.replace("local: {}", f"local: {{api: {api}}}")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def thin_out(csv: Path, one_in: int) -> list[str]:
    """Leave so few of the images to train on, which takes less time; the rows that are left."""
    lines = csv.read_text(encoding="utf-8").splitlines(keepends=True)
    train = [line for line in lines if line.startswith("TRAIN,")]
    left = {*lines} - {*train} | {*train[::one_in]}
    lines = [line for line in lines if line in left]
    csv.write_text("".join(lines), encoding="utf-8")
    return lines

"""Runs the command line on damaged input, and says what must never happen."""

from __future__ import annotations

import re
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.cli import forks
from tests.cli.command import environment

PATIENCE = 400.0
"""Seconds after which a command hangs, whatever it waits for."""
SILENCE = 30.0
"""Seconds after which it hangs if it has not said what it waits for."""
MOST_KILOBYTES = 600_000
"""Of memory that one command may take, with what Python itself takes."""
CODES = frozenset({0, 1, 2, 3, 4, 5})
_WAITS = re.compile(r"is slow|Trying again|is still|goes on|continues|waiting")
_BUG = re.compile(r"Traceback \(most recent|this is a bug")
_SHOWN = 3_000


@dataclass
class Report:
    """What was tried, and what went wrong."""

    tried: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    peak_kilobytes: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Take another report into this one."""
        self.tried.update(other.tried)
        self.codes.update(other.codes)
        self.peak_kilobytes = max(self.peak_kilobytes, other.peak_kilobytes)
        self.faults += other.faults


def check(report: Report, name: str, directory: Path, commands: Sequence[tuple[str, ...]]) -> None:
    """Run commands in a directory; `name` says how to make the same input again."""
    for arguments in commands:
        begun = time.monotonic()
        try:
            done = forks.run(arguments, directory, environment({}), PATIENCE)
        except subprocess.TimeoutExpired:
            report.faults.append(f"{name}: {' '.join(arguments)}: it hangs")
            continue
        except UnicodeDecodeError as error:
            report.faults.append(f"{name}: {' '.join(arguments)}: its output is no UTF-8: {error}")
            continue
        report.codes[done.returncode] += 1
        report.peak_kilobytes = max(report.peak_kilobytes, done.peak_kilobytes)
        text = done.stdout + done.stderr
        wrong = []
        if time.monotonic() - begun > SILENCE and not _WAITS.search(text):
            wrong.append("it takes its time and says nothing of it")
        if done.returncode not in CODES:
            wrong.append(f"the exit code is {done.returncode}")
        if _BUG.search(text):
            wrong.append("it says that it has a bug")
        if done.peak_kilobytes > MOST_KILOBYTES:
            wrong.append(f"it takes {done.peak_kilobytes:,} kB")
        if wrong:
            told = text[-_SHOWN:]
            report.faults.append(f"{name}: {' '.join(arguments)}: {', '.join(wrong)}\n{told}")

"""Runs the command line on damaged input, and says what must never happen."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.cli import forks
from tests.cli.command import environment
from tests.output.reports import no_command

PATIENCE = 400.0
"""Seconds after which a command hangs, whatever it waits for."""
SILENCE = 30.0
"""Seconds in which it may write nothing at a stretch, unless it has said what it waits for."""
WAITING = 150.0
"""Seconds in which it may write nothing after that: an answer may take a minute, and a call is
tried again for two."""
MOST_KILOBYTES = 600_000
"""Of memory that one command may take, with what Python itself takes."""
CODES = frozenset({0, 1, 2, 3, 4, 5})
_WAITS = re.compile(r"is slow|Trying again|is still|goes on|continues|waiting")
_BUG = re.compile(r"Traceback \(most recent|this is a bug")
_OURS = "\n\u200b"
"""Letters that do not print and are not from outside: the second one is put into commands."""
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
        wrong = [*_wrong_output(arguments, done)]
        if done.silence > (WAITING if _WAITS.search(done.said_before) else SILENCE):
            wrong.append(f"it says nothing for {done.silence:.0f} seconds")
        if done.returncode not in CODES:
            wrong.append(f"the exit code is {done.returncode}")
        if _BUG.search(text):
            wrong.append("it says that it has a bug")
        if done.peak_kilobytes > MOST_KILOBYTES:
            wrong.append(f"it takes {done.peak_kilobytes:,} kB")
        if wrong:
            told = text[-_SHOWN:]
            report.faults.append(f"{name}: {' '.join(arguments)}: {', '.join(wrong)}\n{told}")


def _wrong_output(arguments: tuple[str, ...], done: subprocess.CompletedProcess[str]) -> list[str]:
    """What is wrong with the form of the output, whatever it says."""
    wrong = []
    for_programs = not {"--json", "--out", "html", "markdown"}.isdisjoint(arguments)
    if "--json" in arguments and not all(map(_is_json, _documents(done.stdout))):
        wrong.append("its output is no JSON")
    for name, text in (("output", "" if for_programs else done.stdout), ("errors", done.stderr)):
        odd = {letter for letter in text if not (letter.isprintable() or letter in _OURS)}
        if odd:
            wrong.append(f"its {name} have {sorted(odd)!a} as they came")
        if not no_command(text):
            wrong.append(f"its {name} have a command of a CI log")
    return wrong


def _documents(text: str) -> list[str]:
    """One document, or the lines of a stream of events."""
    return [text] if _is_json(text) else text.splitlines()


def _is_json(text: str) -> bool:
    try:
        json.loads(text or "{}")
    except ValueError:
        return False
    return True

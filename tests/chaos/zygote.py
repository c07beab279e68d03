"""A process that has imported everything and forks one for each command: no start-up to wait for.

The forked process is killed, or stopped, as any other would be. One line of JSON in, one out.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from tests.helper import Helper

CONTINUE = "continue"


@dataclass(frozen=True)
class Command:
    """What is to be run, where, and what befalls it."""

    arguments: tuple[str, ...]
    directory: str
    naive: bool = False
    action: str | None = None
    at: int = 0


@dataclass(frozen=True)
class Outcome:
    """How it ended. Negative codes are signals; counts are 0 when it was killed."""

    code: int
    output: str
    boundaries: int
    writes: int
    stopped: int = 0
    """The process, when it did not end but was stopped."""


class Zygote:
    """The process, seen from the test."""

    def __init__(self) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AUTOML_PLAN_")}
        self._helper = Helper("tests.chaos.zygote", environ=environment | {"NO_COLOR": "1"})

    def run(self, command: Command) -> Outcome:
        """Run one command to its end, whatever that is."""
        return Outcome(**self._helper.ask(asdict(command)))

    def go_on(self, stopped: Outcome) -> Outcome:
        """Let a stopped command go on, to its end."""
        return self.run(Command((), "", at=stopped.stopped, action=CONTINUE))

    def close(self) -> None:
        """End the process."""
        self._helper.close()


def main() -> None:
    """Serve commands until the input ends."""
    _import_all()
    gc.freeze()  # a child that looks for garbage would copy all of it
    stopped: dict[int, tuple[int, IO[bytes]]] = {}
    for line in sys.stdin:
        told = json.loads(line)
        command = Command(**{**told, "arguments": tuple(told["arguments"])})
        if command.action == CONTINUE:
            os.kill(command.at, signal.SIGCONT)
            outcome = _outcome(command.at, *stopped.pop(command.at))
        else:
            # One that is stopped goes on to write while others run.
            name = f"output-{command.action}.txt" if command.action else "output.txt"
            output = (Path(command.directory) / name).open("w+b")
            child, counts = _started(command, output)
            outcome = _outcome(child, counts, output)
            if outcome.stopped:
                stopped[child] = (counts, output)
        print(json.dumps(asdict(outcome)), flush=True)


def _import_all() -> None:
    import google.auth  # noqa: F401 (so that no child has to)
    import requests  # noqa: F401
    import rich.live  # noqa: F401

    import tests.chaos.naive  # noqa: F401


def _started(command: Command, output: IO[bytes]) -> tuple[int, int]:
    """The process of a command, and where it tells its counts."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _child(command, output, write)
    os.close(write)
    return child, read


def _outcome(child: int, counts: int, output: IO[bytes]) -> Outcome:
    """Wait until a process ends, or is stopped."""
    _, status = os.waitpid(child, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        return Outcome(0, "", 0, 0, child)
    with os.fdopen(counts) as pipe, output:
        told = pipe.read()
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    boundaries, writes = json.loads(told) if told else (0, 0)
    return Outcome(os.waitstatus_to_exitcode(status), text, boundaries, writes)


def _child(command: Command, output: IO[bytes], counts: int) -> None:
    from automl_plan.cli.main import run
    from tests.chaos import naive
    from tests.chaos.boundaries import Boundaries

    code: Any = 70
    try:
        os.chdir(command.directory)
        for descriptor in (1, 2):
            os.dup2(output.fileno(), descriptor)
        boundaries = Boundaries(command.action, command.at, Path(command.directory) / "state")
        boundaries.install()
        code = naive.main() if command.naive else run(list(command.arguments))
        os.write(counts, json.dumps([boundaries.count, boundaries.writes]).encode())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()

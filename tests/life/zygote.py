"""A process that has imported everything and forks: commands, and commands that are struck.

One line of JSON in, one out. By hand, `python -m tests.life.zygote --strike 3 -C DIR -- apply
--auto-approve` runs one command and kills it at its third boundary.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from tests.chaos.boundaries import INTERRUPT, KILL, Boundaries
from tests.cli.forks import prepared
from tests.helper import Helper

PATIENCE = 120.0
"""Seconds after which a command hangs."""
HANGS = -1000
"""The exit code of one that did."""
STOP = "stop"
"""It is stopped after the service acted, as a laptop's sleep does, and can be continued."""
STOPPED = -int(signal.SIGSTOP)
KILLED = -int(signal.SIGKILL)
_GLANCE = 0.06
"""Seconds between two looks at a command that takes its time."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended. Negative codes are signals."""

    code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        """All that it said."""
        return self.stdout + self.stderr


@dataclass(frozen=True)
class Order:
    """A command to be forked, struck at a boundary or not."""

    arguments: tuple[str, ...]
    directory: str
    strike: int = 0
    """Which boundary it is struck at; 0: none."""
    action: str = KILL
    """What befalls it there: KILL, INTERRUPT or STOP."""
    goes_on: bool = False
    """Continue the command that was stopped."""


class Zygote:
    """The process, seen from the machine."""

    def __init__(self) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AUTOML_PLAN_", "GITHUB"))}
        told = {"NO_COLOR": "1", "AUTOML_PLAN_NO_CACHE": "1"}
        self._helper = Helper("tests.life.zygote", environ=kept | told)

    def run(self, order: Order, meanwhile: Callable[[], None]) -> Outcome:
        """Run a command to its end; `meanwhile` is called now and then while it takes its time."""
        self._helper.tell(asdict(order))
        end = time.monotonic() + PATIENCE
        while not self._helper.answers_within(_GLANCE):
            meanwhile()
            if time.monotonic() > end:
                self._helper.kill_what_runs()
        return Outcome(**self._helper.answer())

    def close(self) -> None:
        """End the process."""
        self._helper.close()


class _Strike(Boundaries):
    """Counts what a poll does not add to: requests that change something, and writes."""

    def pass_(self) -> None:
        """A boundary is passed; of those before something is sent or written nobody is stopped.

        What was looked at a moment before must hold for the time that a send takes.
        """
        if self.action != STOP:
            super().pass_()

    def acted(self) -> None:
        """The service has acted."""
        super().pass_()
        with self._lock:
            here = self.count == self.at
        if here and self.action == STOP:
            os.kill(os.getpid(), signal.SIGSTOP)

    def _on_the_wire(self) -> None:
        real_begin = http.client.HTTPConnection.putrequest
        real_send = http.client.HTTPConnection.endheaders
        real_answer = http.client.HTTPConnection.getresponse
        methods: WeakKeyDictionary[Any, str] = WeakKeyDictionary()

        def begin(connection: Any, method: str, *args: Any, **kwargs: Any) -> None:
            methods[connection] = method
            real_begin(connection, method, *args, **kwargs)

        def send(connection: Any, *args: Any, **kwargs: Any) -> None:
            if methods[connection] != "GET":
                self.pass_()
            real_send(connection, *args, **kwargs)

        def answer(connection: Any) -> Any:
            if methods[connection] != "GET":
                select.select([connection.sock], [], [], 10.0)
                self.acted()
            return real_answer(connection)

        wrappers = {"putrequest": begin, "endheaders": send, "getresponse": answer}
        for name, wrapper in wrappers.items():
            setattr(http.client.HTTPConnection, name, wrapper)


def main() -> None:
    """Serve orders until the input ends."""
    running, stopped = prepared(), list[int]()
    for line in sys.stdin:
        told = json.loads(line)
        order = Order(**{**told, "arguments": tuple(told["arguments"])})
        print(json.dumps(asdict(_run(order, running, stopped))), flush=True)


def _run(order: Order, running: list[int], stopped: list[int]) -> Outcome:
    if order.goes_on:
        child = stopped.pop()
        os.kill(child, signal.SIGCONT)
    else:
        child = os.fork()
    if child == 0:
        _child(order)
    running[:] = [child]
    _, status = os.waitpid(child, os.WUNTRACED)
    running.clear()
    code = STOPPED if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status)
    if code == STOPPED:
        stopped.append(child)
    said = [
        (Path(order.directory) / name).read_text(encoding="utf-8", errors="replace")
        for name in outputs(order)
    ]
    return Outcome(code, *said)


def outputs(order: Order) -> tuple[str, str]:
    """The files that a command writes to; another one runs while one is stopped."""
    held = "held-" if order.goes_on or (order.strike and order.action == STOP) else ""
    return f".{held}stdout", f".{held}stderr"


def _child(order: Order) -> None:
    from automl_plan.cli.main import run

    code: Any = 70
    try:
        os.chdir(order.directory)
        for descriptor, name in enumerate(outputs(order), start=1):
            _redirect(Path(name), descriptor)
        if order.strike:
            _Strike(order.action, order.strike, Path(order.directory) / "state").install()
        code = run(list(order.arguments))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _redirect(path: Path, descriptor: int) -> None:
    """Send an output there; nothing is read."""
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(target, descriptor)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.close(target)


def by_hand(given: Sequence[str]) -> int:
    """Run one command, and strike it at a boundary."""
    parser = argparse.ArgumentParser(prog="python -m tests.life.zygote")
    parser.add_argument("--strike", type=int, required=True, metavar="N")
    parser.add_argument("--action", choices=(KILL, INTERRUPT), default=KILL)
    parser.add_argument("-C", dest="directory", default=".")
    parser.add_argument("arguments", nargs="+")
    asked = parser.parse_args(given)
    outcome = _run(
        Order(tuple(asked.arguments), asked.directory, asked.strike, asked.action), [], []
    )
    sys.stdout.write(outcome.text)
    return outcome.code


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(by_hand(sys.argv[1:]))
    main()

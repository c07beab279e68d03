"""A Python module in a process of its own that takes orders: one line of JSON in, one out."""

from __future__ import annotations

import json
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any


class Helper:
    """Such a process; it carries out one order at a time."""

    def __init__(self, module: str, *arguments: str, environ: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environ,
        )
        self._lock = threading.Lock()

    def ask(self, order: object) -> Any:
        """Send it an order; its answer."""
        with self._lock:
            self.tell(order)
            return self.answer()

    def tell(self, order: object) -> None:
        """Send it an order."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def answers_within(self, seconds: float) -> bool:
        """Whether it answers in that time."""
        assert self._process.stdout is not None
        return bool(select.select([self._process.stdout], [], [], seconds)[0])

    def answer(self) -> Any:
        """Wait for its answer."""
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def kill_what_runs(self) -> None:
        """Have it kill what the order has started."""
        self._process.send_signal(signal.SIGUSR1)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

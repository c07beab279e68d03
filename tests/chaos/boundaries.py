"""Lets a run end, or fail, at one boundary between this process and the world.

A boundary lies before and after a request is sent, after the service acted but before its answer
is read, and before and after everything that is written to disk. The wrappers stand where Python
meets the operating system; nothing of automl_plan is touched.
"""

from __future__ import annotations

import errno
import http.client
import os
import select
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KILL, INTERRUPT, FULL, STOP = "kill", "interrupt", "full", "stop"


@dataclass
class Boundaries:
    """Counts boundaries, and acts at one of them."""

    action: str | None
    at: int
    directory: Path
    """Where a full disk is full."""
    count: int = 0
    writes: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._descriptors: set[int] = set()

    def pass_(self) -> None:
        """A boundary is passed."""
        with self._lock:
            self.count += 1
            here = self.count == self.at
        if here and self.action == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        if here and self.action == INTERRUPT:
            os.kill(os.getpid(), signal.SIGINT)
        if here and self.action == STOP:
            os.kill(os.getpid(), signal.SIGSTOP)

    def write(self) -> None:
        """Something is about to be written; from one write on the disk is full."""
        with self._lock:
            self.writes += 1
            full = self.action == FULL and self.writes >= self.at
        if full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def install(self) -> None:
        """Put the wrappers in place, for the rest of this process's life."""
        self._on_disk()
        self._on_the_wire()

    def _on_disk(self) -> None:
        real_open, real_close = os.open, os.close

        def open_(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
            ours = self._is_ours(path)
            if ours and flags & os.O_CREAT:
                self.write()
            descriptor = real_open(path, flags, *args, **kwargs)
            if ours:
                self._descriptors.add(descriptor)
            return descriptor

        def close(descriptor: int) -> None:
            self._descriptors.discard(descriptor)
            real_close(descriptor)

        def on_descriptor(real: Callable[..., Any]) -> Callable[..., Any]:
            def wrapped(descriptor: int, *args: Any) -> Any:
                if descriptor not in self._descriptors:
                    return real(descriptor, *args)
                return self._around(real, descriptor, *args)

            return wrapped

        def on_path(real: Callable[..., Any]) -> Callable[..., Any]:
            def wrapped(path: Any, *args: Any, **kwargs: Any) -> Any:
                if not self._is_ours(path):
                    return real(path, *args, **kwargs)
                return self._around(real, path, *args, **kwargs)

            return wrapped

        wrappers = {
            "open": open_,
            "close": close,
            "write": on_descriptor(os.write),
            "fsync": on_descriptor(os.fsync),
            "replace": on_path(os.replace),
            "unlink": self._between(os.unlink),
        }
        for name, wrapper in wrappers.items():
            setattr(os, name, wrapper)

    def _on_the_wire(self) -> None:
        real_send = http.client.HTTPConnection.endheaders
        real_answer = http.client.HTTPConnection.getresponse

        def send(connection: Any, *args: Any, **kwargs: Any) -> None:
            self.pass_()
            real_send(connection, *args, **kwargs)

        def answer(connection: Any) -> Any:
            self.pass_()  # all is sent
            select.select([connection.sock], [], [], 10.0)
            self.pass_()  # the service has acted
            return real_answer(connection)

        for name, wrapper in {"endheaders": send, "getresponse": answer}.items():
            setattr(http.client.HTTPConnection, name, wrapper)

    def _around(self, real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.pass_()
        self.write()
        result = real(*args, **kwargs)
        self.pass_()
        return result

    def _between(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self.pass_()
            result = real(*args, **kwargs)
            self.pass_()
            return result

        return wrapped

    def _is_ours(self, path: Any) -> bool:
        try:
            return Path(os.fsdecode(path)).is_relative_to(self.directory)
        except (TypeError, ValueError):
            return False

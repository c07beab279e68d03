"""Handles Ctrl-C and SIGTERM: a run ends in order, a command that mostly waits ends at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_Handler = Callable[[int, FrameType | None], None]


@contextmanager
def _handled_by(handler: _Handler) -> Iterator[None]:
    """Handle signals by a function inside; outside the main thread, not at all."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {each: signal.signal(each, handler) for each in _SIGNALS}
    try:
        yield
    finally:
        for each, before in former.items():
            signal.signal(each, before)


class _Stoppable(Protocol):
    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""

    def stop(self) -> None:
        """End in order."""


@contextmanager
def stopped_by_signals(run: _Stoppable) -> Iterator[None]:
    """Let a run end in order at the first signal; raise KeyboardInterrupt at the second.

    The handler only sets a flag: an exception in the middle of a step could separate what happened
    from what is recorded.
    """

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if run.stopped:
            raise KeyboardInterrupt
        run.stop()

    with _handled_by(stop):
        yield


class Interruption:
    """Raises KeyboardInterrupt at a signal: at once, or at the end of an uninterruptible block."""

    def __init__(self) -> None:
        self.requested = False
        """Whether a signal came inside an uninterruptible block."""
        self._held = False

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Handle signals inside."""
        with _handled_by(self._take):
            yield

    @contextmanager
    def held(self) -> Iterator[None]:
        """Delay a signal until the end of the block; a second one interrupts it all the same."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self.requested:
            raise KeyboardInterrupt

    def _take(self, _signal: int, _frame: FrameType | None) -> None:
        if self._held and not self.requested:
            self.requested = True
            return
        raise KeyboardInterrupt

"""Ctrl-C and SIGTERM for a run that mostly waits: it ends at once, but for what must be whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class InterruptibleSection:
    """While it is entered a signal raises KeyboardInterrupt: at once, or after what is held."""

    def __init__(self) -> None:
        self.asked = False
        """Whether somebody asked for the end while it could not be had."""
        self._held = False
        self._former: dict[signal.Signals, Any] = {}

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let nothing come between what happens here; a second signal does all the same."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self.asked:
            raise KeyboardInterrupt

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._former = {each: signal.signal(each, self._take) for each in _SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for each, handler in self._former.items():
            signal.signal(each, handler)

    def _take(self, _signal: int, _frame: FrameType | None) -> None:
        if self._held and not self.asked:
            self.asked = True
            return
        raise KeyboardInterrupt

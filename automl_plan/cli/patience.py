"""What a person at a terminal is told while a command reads for longer than a second."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

WHAT = "the configuration, its data and what lives"
_FIRST = 1.0
"""Seconds until something is said, and between two words on it."""
_ERASE = "\r\x1b[K"


@contextmanager
def reading(what: str) -> Iterator[None]:
    """While this lasts, say on a terminal what is read and for how long; then erase it.

    On standard error, so that nothing of it is in what is piped.
    """
    if not sys.stderr.isatty():
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_tell, args=(what, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _tell(what: str, done: threading.Event) -> None:
    begun, told = time.monotonic(), False
    while not done.wait(_FIRST):
        sys.stderr.write(f"{_ERASE}Reading {what} ({time.monotonic() - begun:.0f} s)…")
        sys.stderr.flush()
        told = True
    if told:
        sys.stderr.write(_ERASE)
        sys.stderr.flush()

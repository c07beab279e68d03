"""The note on a terminal that says what a slow command is reading."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

INPUTS = "the configuration, its data and live resources"
_INTERVAL = 1.0
"""Seconds until the note is first written, and between two updates of it."""
_ERASE = "\r\x1b[K"


@contextmanager
def reading(what: str) -> Iterator[None]:
    """On a terminal, note what is being read and for how long; erase the note at the end.

    The note goes to standard error, so that it is never in what is piped.
    """
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_update, args=(what, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _update(what: str, done: threading.Event) -> None:
    begun, written = time.monotonic(), False
    while not done.wait(_INTERVAL):
        sys.stderr.write(f"{_ERASE}Reading {what} ({time.monotonic() - begun:.0f} s)…")
        sys.stderr.flush()
        written = True
    if written:
        sys.stderr.write(_ERASE)
        sys.stderr.flush()

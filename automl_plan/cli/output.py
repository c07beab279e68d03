"""Writes to standard output and standard error: results, logs, notes of progress."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TextIO, TypeAlias

if TYPE_CHECKING:
    from logging import Handler

    from msgspec import Struct

    from automl_plan.model.json import Json
    from automl_plan.output.style import Style


def style_for(stream: TextIO) -> Style:
    """Return a style with color on terminals; NO_COLOR turns it off and FORCE_COLOR on."""
    from automl_plan.output.style import Style

    if os.environ.get("NO_COLOR"):
        return Style(colour=False)
    if os.environ.get("FORCE_COLOR"):
        return Style(colour=True)
    return Style(colour=stream.isatty() and os.environ.get("TERM") != "dumb")


def write(text: str) -> None:
    """Write text for people to standard output, and flush it."""
    write_exactly(safe(text))


def write_exactly(text: str) -> None:
    """Write text for programs to standard output, and flush it."""
    sys.stdout.write(text)
    sys.stdout.flush()


def safe(text: str) -> str:
    """Return text for people in which no CI runner finds a command of its own."""
    from automl_plan.output.style import harmless

    return harmless(text)


def write_bytes(data: bytes) -> None:
    """Write bytes to standard output, and flush it."""
    sys.stdout.buffer.write(data)
    sys.stdout.flush()


def write_json(document: Struct | Mapping[str, Json]) -> None:
    """Write a JSON document to standard output."""
    write_exactly(json_text(document, indent=2))


def json_text(document: Struct | Mapping[str, Json], indent: int | None = None) -> str:
    """Return a document as JSON; keys are sorted."""
    from automl_plan.model.json import written

    return json.dumps(written(document), indent=indent, sort_keys=True) + "\n"


def write_json_line(document: Struct | Mapping[str, Json]) -> None:
    """Write a JSON document as one line: an event of several, or an error after them."""
    exactly_or_go_on(json_text(document))


def write_or_go_on(text: str) -> None:
    """Write text for people; continue if the reader is gone."""
    exactly_or_go_on(safe(text))


def exactly_or_go_on(text: str) -> None:
    """Write text for programs; continue if the reader is gone."""
    try:
        write_exactly(text)
    except BrokenPipeError:
        discard_output()


def discard_output() -> None:
    """Discard all further output."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def say(text: str) -> None:
    """Write text for people to standard error: hints, notices, errors."""
    sys.stderr.write(safe(text))
    sys.stderr.flush()


def stdout_style() -> Style:
    """Return the style of standard output."""
    return style_for(sys.stdout)


def asked(question: str) -> bool:
    """Ask on the terminal; return whether the answer is `yes`."""
    write(f"{question} Type yes to continue: ")
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        write("\n")
    return answer.strip() == "yes"


def has_terminal() -> bool:
    """Return whether there is a terminal to ask on."""
    return sys.stdin.isatty() and sys.stdout.isatty()


Level: TypeAlias = Literal["debug", "info", "warning", "error"]


def set_level(level: str) -> None:
    """Log records of this level or above."""
    import logging

    logger = logging.getLogger("automl_plan")
    logger.handlers[:] = [_on_standard_error(named=True)]
    logger.setLevel(level.upper())


def say_warnings() -> None:
    """Log warnings, unless a level was set."""
    import logging

    logger = logging.getLogger("automl_plan")
    if not logger.handlers:
        logger.addHandler(_on_standard_error(named=False))


def _on_standard_error(*, named: bool) -> Handler:
    """Return a handler that writes a line for each record, with the text of services cleaned."""
    import logging

    from automl_plan.output.style import clean

    class OnStandardError(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            level = f"{record.levelname.lower()}: " if named else ""
            say(f"{level}{clean(record.getMessage())}\n")

    return OnStandardError()


INPUTS = "the configuration, its data and live resources"
_INTERVAL = 1.0
"""Seconds until the note is first written, and between two updates of it."""
ERASE = "\r\x1b[K"


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
        sys.stderr.write(f"{ERASE}Reading {what} ({time.monotonic() - begun:.0f} s)…")
        sys.stderr.flush()
        written = True
    if written:
        sys.stderr.write(ERASE)
        sys.stderr.flush()

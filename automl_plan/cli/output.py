"""Writes to standard output and standard error, with color on terminals."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
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

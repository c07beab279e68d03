"""Where output goes, and whether it is coloured."""

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
    """Colour on terminals; NO_COLOR turns it off and FORCE_COLOR on."""
    from automl_plan.output.style import Style

    if os.environ.get("NO_COLOR"):
        return Style(colour=False)
    if os.environ.get("FORCE_COLOR"):
        return Style(colour=True)
    return Style(colour=stream.isatty() and os.environ.get("TERM") != "dumb")


def write(text: str) -> None:
    """Write to standard output, at once, what people read."""
    write_exactly(safe(text))


def write_exactly(text: str) -> None:
    """Write to standard output, at once, what programs read."""
    sys.stdout.write(text)
    sys.stdout.flush()


def safe(text: str) -> str:
    """Text for people, in which no runner of CI finds a command: not all tell that they run."""
    from automl_plan.output.style import harmless

    return harmless(text)


def write_bytes(data: bytes) -> None:
    """Write to standard output as it is, whatever its encoding."""
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
    """Write as `write`; where nobody reads it any more, the work goes on all the same."""
    exactly_or_go_on(safe(text))


def exactly_or_go_on(text: str) -> None:
    """The same of what programs read."""
    try:
        write_exactly(text)
    except BrokenPipeError:
        discard_output()


def discard_output() -> None:
    """Drop what is still to be written to standard output."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def say(text: str) -> None:
    """Write to standard error what is no result: hints, notices."""
    sys.stderr.write(safe(text))
    sys.stderr.flush()


def stdout_style() -> Style:
    """The style of standard output."""
    return style_for(sys.stdout)


def asked(question: str) -> bool:
    """Ask on the terminal; only `yes` is yes."""
    write(f"{question}\n  Only 'yes' is accepted: ")
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        write("\n")
    return answer.strip() == "yes"


def has_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()

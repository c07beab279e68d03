"""The first line of a comment: invisible, and how the comment is found again."""

from __future__ import annotations

import re

from msgspec import Struct

_UNTOLD = re.compile(r"[^A-Za-z0-9=:.+_-]")
_MARKER = re.compile(
    r"\[//\]: # \(automl-plan key=([A-Za-z0-9=:.+_-]*) commit=([A-Za-z0-9=:.+_-]*) "
    r"made=([A-Za-z0-9=:.+_-]*)\)\s*"
)


class Origin(Struct, frozen=True):
    """What a comment is told to belong to; each is text from outside."""

    key: str = "automl-plan"
    """Tells several comments of one pull request apart."""
    commit: str | None = None
    made: str | None = None
    """When (RFC 3339)."""


def marker(origin: Origin) -> str:
    """A line that no renderer shows; letters that could end it early are left out."""
    key, commit, made = map(told, (origin.key, origin.commit or "", origin.made or ""))
    return f"[//]: # (automl-plan key={key} commit={commit} made={made})"


def told(text: str) -> str:
    """As much of a text as a marker tells."""
    return _UNTOLD.sub("", text)


def read_marker(line: str) -> Origin | None:
    """What a comment's first line tells; None when it is no marker."""
    match = _MARKER.fullmatch(line)
    return None if match is None else Origin(match[1], match[2] or None, match[3] or None)

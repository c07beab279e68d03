"""Tells each request to a service at the level debug: what is asked, what came of it, how long.

Never a body, a header or the value of a query: they may hold secrets.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

LOG = logging.getLogger("automl_plan.requests")


class Asked:
    """One request, told when it is over."""

    def __init__(self, method: str, path: str, query: Mapping[str, str] | None) -> None:
        self._what = described(method, path, query)
        self._begun = time.monotonic()
        self.status: int | None = None
        """The answer's HTTP status; None before there is one."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not LOG.isEnabledFor(logging.DEBUG):
            return
        milliseconds = (time.monotonic() - self._begun) * 1000
        outcome = "" if self.status is None else f" {self.status}"
        # The text of an error of the HTTP library quotes the whole URL.
        outcome += "" if kind is None else f" {kind.__name__}"
        LOG.debug("%s:%s in %.0f ms", self._what, outcome, milliseconds)


def told_again(method: str, path: str, attempt: int, tries: int, pause: float) -> None:
    """Tell that a request is sent once more."""
    what = described(method, path, None)
    LOG.debug("%s: try %d of %d in %.2f s", what, attempt, tries, pause)


def described(method: str, path: str, query: Mapping[str, str] | None) -> str:
    """`GET /v1/…?filter&pageSize`: of a query, only what it names."""
    plain, _, _ = path.partition("?")
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in plain)
    return f"{method} {shown}" + (f"?{'&'.join(sorted(query))}" if query else "")

"""What is logged to standard error: `--log-level`, AUTOML_PLAN_LOG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from automl_plan.cli.output import say

if TYPE_CHECKING:
    from logging import Handler

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

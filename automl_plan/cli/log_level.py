"""What is told on standard error besides hints and warnings: `--log-level`, AUTOML_PLAN_LOG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from automl_plan.cli.output import say
from automl_plan.errors import UsageError

if TYPE_CHECKING:
    from logging import Handler

VARIABLE = "AUTOML_PLAN_LOG"
_FLAG = "--log-level"
_LEVELS = ("debug", "info", "warning", "error")


def without_level(
    arguments: list[str], environ: Mapping[str, str]
) -> tuple[list[str], tuple[str, str]]:
    """The arguments without the flag, wherever it stands; who gives a level, and which.

    "": nobody does.
    """
    source, level = VARIABLE, environ.get(VARIABLE, "")
    kept: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            kept += [argument, *rest]
        elif argument == _FLAG:
            source, level = _FLAG, next(rest, "(nothing)")
        elif argument.startswith(f"{_FLAG}="):
            source, level = _FLAG, argument.removeprefix(f"{_FLAG}=")
        else:
            kept.append(argument)
    return kept, (source, level)


def set_level(source: str, level: str) -> None:
    """Tell what is of this level or above. Raises UsageError for another word."""
    if not level:
        return
    if level not in _LEVELS:
        words = f"{', '.join(_LEVELS[:-1])} or {_LEVELS[-1]}"
        raise UsageError(f"{source} {level}: there is no such level.", hint=f"Write {words}.")
    import logging

    logger = logging.getLogger("automl_plan")
    logger.handlers[:] = [_on_standard_error(named=True)]
    logger.setLevel(level.upper())


def say_warnings() -> None:
    """Say what is warned of below the command line, where no level says more."""
    import logging

    logger = logging.getLogger("automl_plan")
    if not logger.handlers:
        logger.addHandler(_on_standard_error(named=False))


def _on_standard_error(*, named: bool) -> Handler:
    """What tells a record on a line of its own; a service's words may be in it."""
    import logging

    from automl_plan.output.style import clean

    class OnStandardError(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            level = f"{record.levelname.lower()}: " if named else ""
            say(f"{level}{clean(record.getMessage())}\n")

    return OnStandardError()

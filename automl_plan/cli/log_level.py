"""What is told on standard error besides hints and warnings: `--log-level`, AUTOML_PLAN_LOG."""

from __future__ import annotations

from collections.abc import Mapping

from automl_plan.cli.output import say
from automl_plan.errors import UsageError

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

    class OnStandardError(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            say(f"{record.levelname.lower()}: {record.getMessage()}\n")

    logger = logging.getLogger("automl_plan")
    logger.handlers[:] = [OnStandardError()]
    logger.setLevel(level.upper())

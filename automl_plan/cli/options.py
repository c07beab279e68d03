"""Flags that several commands share, and what makes a command: its flags and an example."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import typer

from automl_plan.cli import completion
from automl_plan.cli.output import Level, set_level
from automl_plan.cli.run import Run
from automl_plan.errors import UsageError

Format: TypeAlias = Literal["text", "json", "github", "sarif", "junit"]
"""`text` is for people and `json` the whole document; the others are reports for CI."""
Flag = inspect.Parameter
"""A parameter of a command. Its value is a field of the run, under the same name."""


def change_directory(ctx: typer.Context, value: Path | None) -> None:
    """Change the working directory. Raises UsageError."""
    if value is not None:
        try:
            os.chdir(value)
        except OSError as error:
            raise UsageError(f"-C {value}: {error.strerror}.") from error
        ctx.ensure_object(Run).changed_to /= value


def disable_color(value: bool) -> None:
    """Disable colored output."""
    if value:
        os.environ["NO_COLOR"] = "1"


def log(value: str | None) -> None:
    """Log to standard error."""
    if value is not None:
        set_level(value)


Directory = Annotated[
    Path | None,
    typer.Option(
        "-C",
        "--chdir",
        metavar="DIR",
        help="Change to this directory first.",
        callback=change_directory,
        is_eager=True,
    ),
]
NoColor = Annotated[
    bool, typer.Option("--no-color", hidden=True, is_eager=True, callback=disable_color)
]
LogLevel = Annotated[
    Level | None, typer.Option("--log-level", hidden=True, is_eager=True, callback=log)
]


def whole_number(least: int, most: int | None = None) -> Callable[[Any], int]:
    """Return a parser of whole numbers, as strict as that of the configuration."""
    return lambda value: int(_number(value, (int,), least, most))


def number(least: float, most: float | None = None) -> Callable[[Any], float]:
    """Return a parser of numbers, as strict as that of the configuration."""
    return lambda value: float(_number(value, (int, float), least, most))


def _number(value: Any, kinds: tuple[type, ...], least: float, most: float | None) -> int | float:
    """Return a number; a default is one already. Raises typer.BadParameter."""
    from automl_plan.config.scalars import NotANumber, resolve

    try:
        found = resolve(value) if isinstance(value, str) else value
    except NotANumber:
        found = None
    if type(found) not in kinds:
        what = "a number" if float in kinds else "a whole number"
        raise typer.BadParameter(
            f"{value!r} is not {what}: write digits only, without blanks, _ or leading zeros"
        )
    assert isinstance(found, int | float)  # noqa: S101
    if found < least or (most is not None and found > most):
        bounds = f"at least {least:g}" if most is None else f"from {least:g} to {most:g}"
        raise typer.BadParameter(f"{value} is not {bounds}")
    return found


def _flag(name: str, kind: Any, default: Any, option: Any) -> Flag:
    annotation = Annotated[kind, option]
    return Flag(name, Flag.KEYWORD_ONLY, default=default, annotation=annotation)


def _switch(name: str, help_: str) -> Flag:
    return _flag(name, bool, False, typer.Option(f"--{name.replace('_', '-')}", help=help_))


def _addresses(name: str, help_: str) -> Flag:
    option = typer.Option(
        f"--{name}",
        metavar="ADDRESS",
        help=f"{help_}; repeatable.",
        autocompletion=completion.addresses,
    )
    return _flag(name, list[str] | None, None, option)


DIRECTORY = Flag("directory", Flag.KEYWORD_ONLY, default=None, annotation=Directory)
JSON = _flag("as_json", bool, False, typer.Option("--json", help="Write JSON, for programs."))
JSON_INTO = _flag(
    "json_into",
    Path | None,
    None,
    typer.Option("--json-into", metavar="FILE", help="Also write the JSON of --json to this file."),
)
VARIABLES = (
    _flag(
        "var",
        list[str] | None,
        None,
        typer.Option("--var", metavar="NAME=VALUE", help="Set a variable; repeatable."),
    ),
    _flag(
        "var_file",
        list[Path] | None,
        None,
        typer.Option(
            "--var-file", metavar="FILE", help="Read variables from a YAML file; repeatable."
        ),
    ),
    DIRECTORY,
)
"""The flags that say which configuration it is."""
TARGET = _addresses("target", "Limit the plan to this resource and what it depends on")
EXCLUDE = _addresses("exclude", "Leave out this resource and what depends on it")
REPLACE = _addresses("replace", "Force replacement (of a model: training)")
NO_LINT = _switch("no_lint", "Don't check the data to be imported.")
ALLOW_PARTIAL_IMPORT = _switch(
    "allow_partial_import", "Train even if rows were rejected or images are missing."
)
ALLOW_LARGE_CHANGE = _switch(
    "allow_large_change", "Allow deleting or retraining more than 30 % of 10 or more resources."
)
PLANNING = (
    _switch("refresh_only", "Only record changes made outside automl-plan."),
    _switch("no_refresh", "Plan from the state, without querying the provider."),
    TARGET,
    EXCLUDE,
    REPLACE,
    ALLOW_LARGE_CHANGE,
    NO_LINT,
    ALLOW_PARTIAL_IMPORT,
)
DESTROY = _switch("destroy", "Plan to delete all managed resources.")
AUTO_APPROVE = _switch("auto_approve", "Skip the approval prompt.")
PARALLELISM = _flag(
    "parallelism",
    int,
    10,
    typer.Option(
        "--parallelism",
        parser=whole_number(1, 256),
        metavar="N",
        help="Number of concurrent requests.",
    ),
)
LOCK_TIMEOUT = _flag(
    "lock_timeout",
    float,
    0.0,
    typer.Option(
        "--lock-timeout",
        parser=number(0),
        metavar="SECONDS",
        show_default=False,
        help="Time to wait for a locked state; default: none.",
    ),
)
FORMAT = _flag(
    "format_",
    Format | None,
    None,
    typer.Option(
        "--format",
        help="text (default), json, or for CI: github (annotations), sarif, junit.",
    ),
)
_EVERYWHERE = (
    Flag("no_color", Flag.KEYWORD_ONLY, default=False, annotation=NoColor),
    Flag("log_level", Flag.KEYWORD_ONLY, default=None, annotation=LogLevel),
)
_BY_CALLBACK = frozenset({"directory", "no_color", "log_level"})


def command(*flags: Flag, example: str) -> Callable[[Callable[..., int | None]], typer.Typer]:
    """Make a command of a function, which takes the run first and returns the exit code.

    `flags` are added to the parameters of the function, and their values kept in the run. The
    docstring is the help.
    """
    shared = (*flags, *_EVERYWHERE)

    def made(function: Callable[..., int | None]) -> typer.Typer:
        def called(ctx: typer.Context, **values: Any) -> int | None:
            run = ctx.ensure_object(Run)
            for flag in shared:
                value = values.pop(flag.name)
                if flag.name not in _BY_CALLBACK and value is not None:
                    setattr(run, flag.name, value)
            return function(run, **values)

        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        context = Flag("ctx", Flag.POSITIONAL_ONLY, annotation=typer.Context)
        parameters = [p.replace(kind=Flag.KEYWORD_ONLY) for p in own]
        called.__signature__ = inspect.Signature([context, *parameters, *shared])  # type: ignore[attr-defined]
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(
            function.__name__, help=function.__doc__, epilog=f"Example: automl-plan {example}"
        )(called)
        return app

    return made

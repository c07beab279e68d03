"""Flags that several commands share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from automl_plan.cli import completion
from automl_plan.cli.log_level import say_warnings
from automl_plan.errors import UsageError

if TYPE_CHECKING:
    from automl_plan.config.configuration import Configuration
    from automl_plan.model.address import Address
    from automl_plan.planning.options import PlanOptions
    from automl_plan.workspace.workspace import Workspace


_changed_to: ContextVar[Path] = ContextVar("_changed_to", default=Path())
"""What -C said in this run."""
_configuration: ContextVar[Configuration | None] = ContextVar("_configuration", default=None)
"""What this run is about."""


def start_here() -> None:
    """Begin a run: no directory was changed to, and no configuration read."""
    _changed_to.set(Path())
    _configuration.set(None)


def change_to(directory: Path) -> Path:
    """Work in another directory from now on. Raises UsageError."""
    if directory != Path():
        try:
            os.chdir(directory)
        except OSError as error:
            raise UsageError(f"-C {directory}: {error.strerror}.") from error
        _changed_to.set(_changed_to.get() / directory)
    return Path()


Directory = Annotated[
    Path,
    typer.Option(
        "-C",
        "--chdir",
        metavar="DIR",
        help="Change to this directory first.",
        callback=change_to,
        is_eager=True,
        show_default=False,
    ),
]
"""Where the configuration is. The flag changes to it, so it is always the working directory."""
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")]
Var = Annotated[
    list[str] | None,
    typer.Option("--var", metavar="NAME=VALUE", help="Give a variable a value; repeatable."),
]
VarFile = Annotated[
    list[Path] | None,
    typer.Option("--var-file", metavar="FILE", help="Take variables from a YAML file; repeatable."),
]
Target = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="ADDRESS",
        help="Only this and what it needs; repeatable.",
        autocompletion=completion.addresses,
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="ADDRESS",
        help="Not this, nor what needs it; repeatable.",
        autocompletion=completion.addresses,
    ),
]
Replace = Annotated[
    list[str] | None,
    typer.Option(
        "--replace",
        metavar="ADDRESS",
        help="Make this anew (a model: train again); repeatable.",
        autocompletion=completion.addresses,
    ),
]
AllowLargeChange = Annotated[
    bool,
    typer.Option(
        "--allow-large-change",
        help="Let a plan delete or retrain more than 30 % of 10 or more resources.",
    ),
]
NoLint = Annotated[
    bool,
    typer.Option("--no-lint", help="Don't look at the data that is to be imported."),
]
AllowPartialImport = Annotated[
    bool,
    typer.Option(
        "--allow-partial-import",
        help="Train on datasets although rows were refused or images are missing.",
    ),
]
RefreshOnly = Annotated[
    bool,
    typer.Option("--refresh-only", help="Only accept into the state what changed outside."),
]
NoRefresh = Annotated[
    bool, typer.Option("--no-refresh", help="Trust the state: don't ask the provider what lives.")
]
AutoApprove = Annotated[bool, typer.Option("--auto-approve", help="Don't ask.")]
Parallelism = Annotated[
    int, typer.Option("--parallelism", min=1, max=256, metavar="N", help="Requests at a time.")
]
LockTimeout = Annotated[
    float,
    typer.Option(
        "--lock-timeout", min=0.0, metavar="SECONDS", help="How long to wait for a locked state."
    ),
]


def workspace(
    directory: Path, var: list[str] | None = None, var_file: list[Path] | None = None
) -> Workspace:
    """Open the configuration of a directory with the variables that were given."""
    from automl_plan.workspace.workspace import Workspace

    say_warnings()
    given = variables(var)
    opened = Workspace(
        directory,
        variables=given,
        var_files=var_file or (),
        follow=lambda configuration: _wait_command(configuration.given, given, var_file or ()),
    )
    remember(opened.configuration)
    return opened


def remember(configuration: Configuration) -> None:
    """That a command is about this configuration."""
    _configuration.set(configuration)


def next_step() -> str | None:
    """What is to be done before anything comes of the configuration that this run was about."""
    configuration = _configuration.get()
    if configuration is None:
        return None
    from automl_plan.config.scaffold import first_step

    return first_step(configuration)


def _wait_command(
    told: Mapping[str, str | None], given: Iterable[str], var_files: Iterable[Path]
) -> str:
    """`automl-plan wait` with the flags of this run."""
    return _command(["wait"], told, given, var_files)


def plan_command(
    out: Path,
    options: PlanOptions,
    told: Mapping[str, str | None],
    var: list[str] | None,
    var_file: list[Path] | None,
) -> str:
    """The `automl-plan plan` that makes a plan file again, with the flags of this run."""
    from automl_plan.planning.options import PlanMode

    words = ["plan", "--out", str(out)]
    flags = {
        "--destroy": options.mode is PlanMode.DESTROY,
        "--refresh-only": options.mode is PlanMode.REFRESH_ONLY,
        "--no-refresh": not options.refresh,
        "--allow-large-change": options.allow_large_change,
        "--allow-partial-import": options.allow_partial_import,
        "--no-lint": not options.lint,
    }
    words += [flag for flag, is_given in flags.items() if is_given]
    for flag in ("target", "exclude", "replace"):
        addresses = sorted(getattr(options, f"{flag}s"))
        words += [word for each in addresses for word in (f"--{flag}", str(each))]
    return _command(words, told, variables(var), var_file or ())


def _command(
    words: Iterable[str],
    told: Mapping[str, str | None],
    given: Iterable[str],
    var_files: Iterable[Path],
) -> str:
    """A command with the directory and the variables of this run; a text of --var may be secret."""
    import shlex

    command = ["automl-plan", *words]
    if _changed_to.get() != Path():
        command += ["-C", str(_changed_to.get())]
    command += [word for path in var_files for word in ("--var-file", str(path))]
    command += [word for name in given for word in ("--var", f"{name}={told.get(name) or '…'}")]
    return shlex.join(command)


def plan_options(
    *,
    destroy: bool,
    refresh_only: bool,
    no_refresh: bool,
    target: list[str] | None,
    exclude: list[str] | None,
    replace: list[str] | None,
    allow_large_change: bool = False,
    no_lint: bool = False,
    allow_partial_import: bool = False,
) -> PlanOptions:
    """The options of a plan. Raises UsageError for those that contradict each other."""
    from automl_plan.planning.options import PlanMode, PlanOptions

    if destroy and refresh_only:
        raise UsageError("--destroy and --refresh-only can't be had together.")
    if no_refresh and refresh_only:
        raise UsageError("--no-refresh and --refresh-only can't be had together.")
    mode = PlanMode.DESTROY if destroy else PlanMode.NORMAL
    return PlanOptions(
        mode=PlanMode.REFRESH_ONLY if refresh_only else mode,
        refresh=not no_refresh,
        targets=_addresses("--target", target),
        excludes=_addresses("--exclude", exclude),
        replaces=_addresses("--replace", replace),
        allow_large_change=allow_large_change,
        lint=not no_lint,
        allow_partial_import=allow_partial_import,
    )


def address(text: str, flag: str) -> Address:
    """An address that was given. Raises UsageError."""
    from automl_plan.model.address import Address

    try:
        return Address.parse(text)
    except ValueError as error:
        raise UsageError(f"{flag}: {error}.") from error


def _addresses(flag: str, texts: list[str] | None) -> frozenset[Address]:
    return frozenset(address(text, flag) for text in texts or ())


def variables(pairs: Iterable[str] | None) -> dict[str, str]:
    """The values given with --var. Raises UsageError."""
    values = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--var {pair}: write NAME=VALUE.")
        values[name] = value
    return values

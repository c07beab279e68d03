"""What programs are told of a run: the format that was asked for, and errors in that format."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from automl_plan.cli.output import exactly_or_go_on, write_json_line
from automl_plan.errors import AutomlPlanError, UsageError

if TYPE_CHECKING:
    from automl_plan.output.annotations import Home, Report

Format: TypeAlias = Literal["text", "json", "github", "sarif", "junit"]
"""`text` is for people and `json` the whole document; the others are reports."""

FormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format",
        help="text (the default), json, or what CI shows: GitHub's annotations, SARIF, JUnit.",
    ),
]


def renderer(name: str) -> Callable[[Report], str] | None:
    """Return what writes a report in a format; None for text and JSON."""
    if name not in ("github", "sarif", "junit"):
        return None
    from automl_plan.output import ci_formats

    return {
        "github": ci_formats.render_github,
        "sarif": ci_formats.render_sarif,
        "junit": ci_formats.render_junit,
    }[name]


def chosen(format_: Format | None, *, as_json: bool) -> Format:
    """The format that was asked for. Raises UsageError for two that contradict each other."""
    if as_json and format_ not in (None, "json"):
        raise UsageError(f"--json and --format {format_} can't be had together.")
    return "json" if as_json else format_ or "text"


def write_error(error: AutomlPlanError, arguments: Sequence[str]) -> None:
    """Write an error to standard output where the command line asks for more than text.

    Flags are looked for in the arguments themselves: the error may be that they can't be read.
    """
    name = "json" if "--json" in arguments else _format_of(arguments)
    render = renderer(name)
    if name == "json":
        from automl_plan.output.documents.commands import Error

        write_json_line(Error.of(error))
    elif render is not None:
        from automl_plan.output.annotations import error_report

        commands = {"validate": "validate", "lint": "datasets lint"}
        command = next((told for name, told in commands.items() if name in arguments), "plan")
        exactly_or_go_on(render(error_report(error, command, home())))


def home() -> Home:
    """Where the configuration in the working directory lies in its repository."""
    from automl_plan.config.files import Unreadable, configuration_files
    from automl_plan.output.annotations import Home
    from automl_plan.workspace.git_commit import place_in_repository

    directory = Path.cwd()
    prefix = place_in_repository(directory) or _place_in_workspace(directory)
    try:
        file = configuration_files(directory, ())[0].name
    except Unreadable:
        return Home(str(directory), prefix)
    return Home(str(directory), prefix, file)


def _place_in_workspace(directory: Path) -> str:
    """The same where there is no Git: GitHub tells where it has checked the repository out."""
    root = os.environ.get("GITHUB_WORKSPACE")
    if not root or not directory.is_relative_to(root):
        return ""
    place = directory.relative_to(root).as_posix()
    return "" if place == "." else f"{place}/"


def _format_of(arguments: Sequence[str]) -> str:
    found = "text"
    for place, argument in enumerate(arguments):
        if argument == "--format":
            found = "".join(arguments[place + 1 : place + 2])
        elif argument.startswith("--format="):
            found = argument.removeprefix("--format=")
    return found

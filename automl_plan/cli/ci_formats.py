"""Reports of a run for programs: CI formats, and errors in the chosen format."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from automl_plan.cli.output import exactly_or_go_on, write_exactly, write_json_line
from automl_plan.errors import AutomlPlanError

if TYPE_CHECKING:
    from automl_plan.output.annotations import Home, Report

REPORTS = ("github", "sarif", "junit")


def write_report(name: str, report_of: Callable[[Home], Report]) -> bool:
    """Write a report to standard output; False if the format is not one of CI."""
    if name not in REPORTS:
        return False
    write_exactly(rendered(name, report_of(_home())))
    return True


def write_error(error: AutomlPlanError, arguments: Sequence[str]) -> None:
    """Write an error to standard output if the command line asks for more than text.

    Reads the arguments themselves: the error may be that they can't be parsed.
    """
    name = "json" if "--json" in arguments else _format_of(arguments)
    if name == "json":
        from automl_plan.output.documents.commands import Error

        write_json_line(Error.of(error))
    elif name in REPORTS:
        from automl_plan.output.annotations import error_report

        commands = {"validate": "validate", "lint": "datasets lint"}
        command = next((full for word, full in commands.items() if word in arguments), "plan")
        exactly_or_go_on(rendered(name, error_report(error, command, _home())))


def rendered(name: str, report: Report) -> str:
    """Return a report in a format of CI."""
    from automl_plan.output import ci_formats

    render = {
        "github": ci_formats.render_github,
        "sarif": ci_formats.render_sarif,
        "junit": ci_formats.render_junit,
    }
    return render[name](report)


def _home() -> Home:
    """Return where the configuration in the working directory is in its repository."""
    from automl_plan.config.files import Unreadable, configuration_files
    from automl_plan.output.annotations import Home
    from automl_plan.workspace.git_commit import place_in_repository

    directory = Path.cwd()
    prefix = place_in_repository(directory) or _place_in_checkout(directory)
    try:
        file = configuration_files(directory, ())[0].name
    except Unreadable:
        return Home(str(directory), prefix)
    return Home(str(directory), prefix, file)


def _place_in_checkout(directory: Path) -> str:
    """Return the place below GitHub's checkout, for a machine without Git."""
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

"""`automl-plan fmt`."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from automl_plan.cli.options import DIRECTORY, JSON, command
from automl_plan.cli.output import write, write_json
from automl_plan.cli.run import Run
from automl_plan.errors import ConfigurationError, Diagnostic

WOULD_CHANGE = 1
"""Exit code of `--check` if a file is not formatted, as of other formatters."""


@command(DIRECTORY, JSON, example="fmt --check")
def fmt(
    run: Run,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH", help="Files or directories; default: the files of this configuration."
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Change nothing; exit with 1 if a file is not formatted."),
    ] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show the differences.")] = False,
) -> int:
    """Format YAML files without changing their meaning, and list the files that changed."""
    from automl_plan.config.files import Unreadable, replace, shown_name

    here = Path.cwd()
    changed: list[tuple[str, str | None]] = []
    files, wrong = _files(paths or [Path()], here)
    for path in files:
        shown = shown_name(path, here)
        try:
            before, after = _formatted(path, shown)
            if after == before:
                continue
            if not check:
                replace(path, after, shown)
        except Unreadable as problem:
            wrong.append(problem.diagnostic)
        except ConfigurationError as error:
            wrong += error.diagnostics
        else:
            difference = _diff(before, after, shown) if diff else None
            changed.append((shown, difference))
            if not run.as_json:
                write(f"{shown}\n" if difference is None else difference)
    if wrong:
        raise ConfigurationError(wrong)
    if run.as_json:
        from automl_plan.output.documents.commands import Fmt, FormattedFile

        write_json(Fmt(check, tuple(FormattedFile(*each) for each in changed)))
    return WOULD_CHANGE if check and changed else 0


def _files(paths: Sequence[Path], here: Path) -> tuple[list[Path], list[Diagnostic]]:
    """Return the files of the paths, each once even if linked to, and what is misnamed."""
    from automl_plan.config.files import Unreadable, configuration_files
    from automl_plan.config.misnamed import misnamed, none_read

    found: dict[str, Path] = {}
    wrong: list[Diagnostic] = []
    for path in paths:
        inside = [here / path]
        if path.is_dir():
            try:
                inside = configuration_files(here / path, ())
            except Unreadable as problem:
                found_wrong = none_read(problem.diagnostic, here / path, ())
                raise ConfigurationError(found_wrong) from problem
            wrong += misnamed(here / path, ())
        for file in inside:
            found.setdefault(os.path.realpath(file), file)
    return list(found.values()), wrong


def _formatted(path: Path, shown: str) -> tuple[str, str]:
    """Return the text of a file, and that text formatted."""
    from automl_plan.config.files import read
    from automl_plan.config.formatting import formatted

    text = read(path, shown)
    return text, formatted(text, shown)


def _diff(before: str, after: str, shown: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), shown, shown
    )
    marked = (
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
    from automl_plan.output.style import clean

    # A tab stays: what is piped may be a patch.
    return "".join(
        "\t".join(map(clean, part.split("\t"))) + "\n" for part in "".join(marked).split("\n")[:-1]
    )

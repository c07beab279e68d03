"""`automl-plan validate`."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from automl_plan.cli.options import AsJson, Directory, Var, VarFile, variables
from automl_plan.cli.output import stdout_style, write, write_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: automl-plan validate --var budget=9000")(validate)


def validate(
    directory: Directory = Path(),
    var: Var = None,
    var_file: VarFile = None,
    as_json: AsJson = False,
) -> None:
    """Check the configuration; needs no credentials and no network."""
    from automl_plan.config.load import load
    from automl_plan.rendering.validation import validation_json, validation_text

    configuration = load(
        directory, variables=variables(var), var_files=var_file or (), environ=os.environ
    )
    if as_json:
        write_json(validation_json(configuration))
    else:
        write(validation_text(configuration, stdout_style()))

"""`automl-plan validate`."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from automl_plan.cli.options import Directory, Json, Var, VarFile, variables
from automl_plan.cli.output import stdout_style, write, write_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: automl-plan validate --var budget=9000")(validate)


def validate(
    directory: Directory = Path(),
    var: Var = None,
    var_file: VarFile = None,
    as_json: Json = False,
) -> None:
    """Check the configuration; needs no credentials and no network."""
    from automl_plan.config.load import load
    from automl_plan.rendering.style import counted

    configuration = load(
        directory, variables=variables(var), var_files=var_file or (), environ=os.environ
    )
    datasets, models = configuration.desired.datasets, configuration.desired.models
    if as_json:
        write_json(
            {
                "format_version": "1.0",
                "valid": True,
                "datasets": [str(a) for a in datasets],
                "models": [str(a) for a in models],
            }
        )
        return
    style = stdout_style()
    counts = f"{counted(len(datasets), 'dataset')}, {counted(len(models), 'model')}"
    write(f"{style.bold(style.green('Success!'))} The configuration is valid: {counts}.\n")

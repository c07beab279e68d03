"""`automl-plan validate`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from automl_plan.cli.json_files import DocumentFile, JsonInto
from automl_plan.cli.options import AsJson, Directory, Var, VarFile, remember, variables
from automl_plan.cli.output import stdout_style, write, write_exactly, write_json
from automl_plan.cli.reporting import FormatOption, chosen, home, renderer

if TYPE_CHECKING:
    from msgspec import Struct

    from automl_plan.config.configuration import Configuration


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: automl-plan validate --var budget=9000")(validate)


def validate(
    directory: Directory = Path(),
    var: Var = None,
    var_file: VarFile = None,
    format_: FormatOption = None,
    as_json: AsJson = False,
    json_into: JsonInto = None,
) -> None:
    """Check the configuration; needs no credentials and no network."""
    from automl_plan.config.load import load
    from automl_plan.output.failures import validation_text
    from automl_plan.providers.registry import PROVIDERS

    shown = chosen(format_, as_json=as_json)
    with DocumentFile(json_into) as file:
        configuration = load(
            directory,
            PROVIDERS,
            variables=variables(var),
            var_files=var_file or (),
            environ=os.environ,
        )
        if file.wanted:
            file.write(_document(configuration))
    remember(configuration)
    render = renderer(shown)
    if render is not None:
        from automl_plan.output.annotations import validation_report

        write_exactly(render(validation_report(configuration, home())))
    elif shown == "json":
        write_json(_document(configuration))
    else:
        write(validation_text(configuration, stdout_style()))


def _document(configuration: Configuration) -> Struct:
    from automl_plan.output.documents.commands import Validate

    return Validate.of(configuration)

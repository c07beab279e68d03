"""`automl-plan graph`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from automl_plan.cli.options import AsJson, Directory, Var, VarFile, variables
from automl_plan.cli.output import write, write_json
from automl_plan.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: automl-plan graph plan.json --format mermaid")(graph)


def graph(
    plan_file: Annotated[
        Path | None, typer.Argument(metavar="PLANFILE", help="A plan saved with plan --out.")
    ] = None,
    format_: Annotated[
        Literal["dot", "mermaid", "json"] | None,
        typer.Option(
            "--format",
            help="dot (the default): for Graphviz; mermaid: for Markdown that hosts draw; json.",
        ),
    ] = None,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Draw what depends on what: as it is declared, or with what a saved plan does to it."""
    if as_json and format_ not in (None, "json"):
        raise UsageError(f"--json and --format {format_} can't be had together.")
    from automl_plan.config.load import load
    from automl_plan.output.graph import (
        configuration_graph,
        graph_dot,
        graph_mermaid,
        plan_graph,
    )
    from automl_plan.providers.registry import PROVIDERS
    from automl_plan.workspace.plan_file import read_plan

    if plan_file is not None:
        drawn = plan_graph(read_plan(plan_file))
    else:
        configuration = load(
            directory,
            PROVIDERS,
            variables=variables(var),
            var_files=var_file or (),
            environ=os.environ,
        )
        drawn = configuration_graph(configuration.desired)
    if as_json or format_ == "json":
        write_json(drawn)
    else:
        write(graph_mermaid(drawn) if format_ == "mermaid" else graph_dot(drawn))

"""`automl-plan graph`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from automl_plan.cli.options import Directory, Var, VarFile, variables
from automl_plan.cli.output import write


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: automl-plan graph plan.json --format mermaid")(graph)


def graph(
    plan_file: Annotated[
        Path | None, typer.Argument(metavar="PLANFILE", help="A plan saved with plan --out.")
    ] = None,
    format_: Annotated[
        Literal["dot", "mermaid"],
        typer.Option("--format", help="For Graphviz, or for Markdown that hosts draw."),
    ] = "dot",
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
) -> None:
    """Draw what depends on what: as it is declared, or with what a saved plan does to it."""
    from automl_plan.applying.plan_file import read_plan
    from automl_plan.config.load import load
    from automl_plan.rendering.graph import (
        configuration_graph,
        graph_dot,
        graph_mermaid,
        plan_graph,
    )

    if plan_file is not None:
        drawn = plan_graph(read_plan(plan_file))
    else:
        configuration = load(
            directory, variables=variables(var), var_files=var_file or (), environ=os.environ
        )
        drawn = configuration_graph(configuration.desired)
    write(graph_dot(drawn) if format_ == "dot" else graph_mermaid(drawn))

"""`automl-plan init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl_plan.cli.output import write


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: automl-plan init -C digits")(init)


def init(
    directory: Annotated[
        Path,
        typer.Option(
            "-C",
            "--chdir",
            metavar="DIR",
            help="Write it there; made if it does not exist.",
            show_default=False,
        ),
    ] = Path(),
) -> None:
    """Write a small commented configuration that validates."""
    from automl_plan.config.scaffold import scaffold

    for path in scaffold(directory):
        write(f"wrote {path}\n")
    write("Put your images and their CSV there; then run `automl-plan validate`.\n")

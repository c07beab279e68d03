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
    data = directory / "data"
    write(
        f"Next: put your images into {data}, write {data / 'images.csv'} (a line for each image, "
        "such as TRAIN,data/1.jpg,cat), take the # off `sources:` in automl-plan.yaml, and run "
        f"`automl-plan plan{'' if directory == Path() else f' -C {directory}'}`.\n"
    )

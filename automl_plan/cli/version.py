"""`automl-plan version`."""

from __future__ import annotations

import os
import sys

import typer

from automl_plan import __version__
from automl_plan.cli.options import AsJson
from automl_plan.cli.output import write, write_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: automl-plan version --json")(version)


def version(as_json: AsJson = False) -> None:
    """Show the version, Python's and the platform."""
    python, system = sys.version.split()[0], " ".join(os.uname()[::2])
    if as_json:
        from automl_plan.output.documents.commands import Version

        write_json(Version(__version__, python, system))
    else:
        write(f"automl-plan {__version__}\nPython {python} on {system}\n")

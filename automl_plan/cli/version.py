"""`automl-plan version`."""

from __future__ import annotations

import typer

from automl_plan import __version__
from automl_plan.cli.options import Json
from automl_plan.cli.output import write, write_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: automl-plan version --json")(version)


def version(as_json: Json = False) -> None:
    """Show the version, Python's and the platform."""
    import platform

    python, system = platform.python_version(), platform.platform()
    if as_json:
        write_json(
            {
                "format_version": "1.0",
                "version": __version__,
                "python": python,
                "platform": system,
            }
        )
        return
    write(f"automl-plan {__version__}\nPython {python} on {system}\n")

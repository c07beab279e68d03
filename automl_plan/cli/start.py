"""Where the program starts: `--version` alone imports nothing else."""

from __future__ import annotations

import sys

from automl_plan import __version__


def main() -> None:
    """Run the command line and exit."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"automl-plan {__version__}\n")
        return
    from automl_plan.cli.main import main as run

    run()

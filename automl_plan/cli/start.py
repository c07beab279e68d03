"""Where the program starts: `--version` alone imports nothing else."""

from __future__ import annotations

import gc
import sys

from automl_plan import __version__

_OBJECTS_BETWEEN_COLLECTIONS = 200_000


def main() -> None:
    """Run the command line and exit."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"automl-plan {__version__}\n")
        return
    # What a command makes lives until it ends: collections would find next to nothing.
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, 50, 1_000)
    from automl_plan.cli.main import main as run

    run()

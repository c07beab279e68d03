"""What the embedded service's program does without serving: list its readings, remove its caches.

It is a program of its own, which need not be running for that.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from automl_plan.errors import EmulatorError

_SECONDS = 30.0


def readings() -> list[dict[str, Any]]:
    """Return all readings of the service: name, about, values, recorded, former, sources.

    Raises EmulatorError.
    """
    try:
        return [dict(each) for each in _written("--list-readings")]
    except (OSError, subprocess.SubprocessError, ValueError, TypeError) as error:
        raise EmulatorError(f"The embedded service lists no readings: {error}.") from error


def prune(data_dir: Path) -> dict[str, int]:
    """Remove what the service keeps to train faster; return the bytes of each kind.

    The service may be running: what it needs again, it computes again. Raises EmulatorError.
    """
    try:
        written = _written("--prune", "--data-dir", str(data_dir))
        return {str(name): int(size) for name, size in written.items()}
    except (OSError, subprocess.SubprocessError, ValueError, AttributeError) as error:
        raise EmulatorError(f"The embedded service's caches can't be removed: {error}.") from error


def _written(*arguments: str) -> Any:
    """The JSON that the program writes."""
    command = [sys.executable, "-P", "-m", "automl_plan.emulator", *arguments]
    done = subprocess.run(  # noqa: S603 (this interpreter, and no shell)
        command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=_SECONDS
    )
    return json.loads(done.stdout)

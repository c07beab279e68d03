"""What happened, when the state file can't take it: kept in another place, to be pushed back."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from automl_plan.errors import StateUnwritable
from automl_plan.state.document import State, encode


def kept_elsewhere(path: Path, state: State, cause: StateUnwritable) -> StateUnwritable:
    """Keep a state that could not be written; the error that says where, and what to do."""
    kept = _keep(f"{path.stem}.emergency-{state.lineage[:8]}-{state.serial}.json", path, state)
    if kept is None:
        return StateUnwritable(
            f"{cause.message} Nor could it be kept in any other place.",
            where=str(path),
            hint="Make room and plan: what the journal does not hold is looked for at the service.",
        )
    return StateUnwritable(
        f"{cause.message} All that happened is kept in {kept}.",
        where=str(path),
        hint=f"Make room, then push it back: automl-plan state push {kept}",
    )


def _keep(name: str, path: Path, state: State) -> Path | None:
    content = encode(state)
    for directory in _places(path):
        file = directory / name
        try:
            descriptor = os.open(
                file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
            )
            with os.fdopen(descriptor, "wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)
            continue
        return file
    return None


def _places(path: Path) -> Iterator[Path]:
    """Directories to try, one after the other; those that can't even be named are left out."""
    yield path.parent
    for place in (Path.cwd, tempfile.gettempdir, Path.home):
        with contextlib.suppress(OSError, RuntimeError):
            yield Path(place())

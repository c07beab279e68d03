"""Which Git commit a configuration is at."""

from __future__ import annotations

import subprocess
from pathlib import Path

_SECONDS = 10


def commit_of(directory: Path) -> str | None:
    """The commit's hash, `-dirty` behind it when YAML in the directory differs from it.

    None where there is no repository, no commit yet or no Git.
    """
    commit = _git(directory, "rev-parse", "--verify", "--quiet", "HEAD")
    if commit is None:
        return None
    changed = _git(directory, "status", "--porcelain", "--", "*.yaml", "*.yml")
    return f"{commit}-dirty" if changed else commit


def place_in_repository(directory: Path) -> str:
    """Where a directory lies in its repository: `models/`; "" for its root, or for none."""
    return _git(directory, "rev-parse", "--show-prefix") or ""


def _git(directory: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 (fixed words, no shell)
            ("git", "-C", str(directory), *arguments),  # noqa: S607 (the user's own Git)
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None

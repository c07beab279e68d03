"""Caches parsed values of large files in the user's cache directory, by their content.

Cached are files of valid configurations: their values, and that each entry is valid by the schema.
An entry is used only if it is complete, was written by this version of automl-plan with this schema
for exactly this text, and its file and directory belong to this user and no one else may write
them. Everything else is ignored, and no failure is an error.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from automl_plan import __version__
from automl_plan.files import write_whole
from automl_plan.model.json import Json

SMALLEST = 32_768
"""Characters of a text that is parsed as fast as it is looked for."""
MOST = 256
"""Files that are kept; those that were not used for longest go."""
OFF = "AUTOML_PLAN_NO_CACHE"
"""A variable of the environment that turns this off, whatever it says."""
_FORMAT = "2"
_DIGEST = 64
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class ParseCache:
    """Values of texts without a fault; everything is tried and nothing is promised."""

    def __init__(self, environ: Mapping[str, str], schema: str) -> None:
        """`schema`: the digest of the schema that entries were validated with."""
        self._directory = _directory(environ)
        self._schema = schema

    def get(self, text: str) -> tuple[Json] | None:
        """What a text was parsed to, whose entries are sound; None when it is not known."""
        if self._directory is None or len(text) < SMALLEST:
            return None
        path = self._directory / self._name(text)
        try:
            if not _is_ours(os.stat(self._directory)):  # noqa: PTH116 (its owner is what matters)
                return None
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            with os.fdopen(descriptor, "rb") as file:
                status = os.fstat(file.fileno())
                if not (stat.S_ISREG(status.st_mode) and _is_ours(status)):
                    return None
                digest, content = file.read(_DIGEST), file.read()
            if digest != _digest_of(content):
                return None
            value = json.loads(content)
            os.utime(path)
        except (OSError, ValueError, RecursionError):
            return None
        return (value,)

    def put(self, text: str, value: Json) -> None:
        """Keep what a text was parsed to, and that its entries are sound as they are written."""
        directory = self._directory
        if directory is None or len(text) < SMALLEST:
            return
        with suppress(OSError, ValueError, RecursionError):
            content = json.dumps(value, separators=(",", ":")).encode()
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_ours(directory.stat()):
                return
            _tidy(directory)
            parts = (_digest_of(content), content)
            write_whole(directory / self._name(text), parts, durable=False)

    def _name(self, text: str) -> str:
        key = hashlib.sha256(f"{_FORMAT}\0{__version__}\0{self._schema}\0".encode())
        key.update(text.encode("utf-8", "surrogatepass"))
        return key.hexdigest()


def _directory(environ: Mapping[str, str]) -> Path | None:
    """`$XDG_CACHE_HOME/automl-plan`, by itself `~/.cache/automl-plan`."""
    if OFF in environ:
        return None
    base = Path(environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME") or "") / ".cache")
    return base / "automl-plan" if base.is_absolute() else None


def _digest_of(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def _is_ours(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not status.st_mode & _OTHERS_WRITE


def _tidy(directory: Path) -> None:
    """Make room for one more."""
    with os.scandir(directory) as entries:
        files = [(entry.stat().st_mtime, entry.path) for entry in entries if entry.is_file()]
    for _, path in sorted(files)[: max(len(files) - MOST + 1, 0)]:
        with suppress(OSError):
            Path(path).unlink()

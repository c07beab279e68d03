"""Opens files of this machine below a directory, and says why one can't be opened."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from io import BufferedReader
from pathlib import Path

from automl_plan.errors import SourceError
from automl_plan.providers.data_access import SCHEME

RELATIVE = "Sources, and the paths in them, are relative to the directory of the configuration."
_PART = 1024 * 1024


def local_path(directory: Path, relative: str, where: str) -> Path:
    """Return a file below a directory, symbolic links resolved. Raises SourceError."""
    base = str(directory).rstrip("/") + "/"
    try:
        path = os.path.realpath(base + relative)
    except (OSError, ValueError) as error:
        raise SourceError(f"{relative!r} can't be a path.", where=where) from error
    if relative.startswith("/") or not f"{path}/".startswith(base):
        raise SourceError(
            f"{relative} leads out of the configuration's directory.",
            where=where,
            hint=f"Keep the data below that directory, or in Cloud Storage ({SCHEME}).",
        )
    return Path(path)


def open_regular_file(path: Path) -> BufferedReader:
    """Open a regular file. Raises OSError; for a pipe too, as reading one may never end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "It is not a file")
    return os.fdopen(descriptor, "rb")


def md5_of(path: str) -> bytes:
    """Return the MD5 of a regular file that is no link itself. Raises OSError."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW
    descriptor = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "It is not a file")
        md5 = hashlib.md5(usedforsecurity=False)
        while part := os.read(descriptor, _PART):
            md5.update(part)
    finally:
        os.close(descriptor)
    return md5.digest()


def os_error_text(error: OSError) -> str:
    """Return why a file can't be read."""
    return error.strerror or type(error).__name__

"""Where data lies: files below a directory, and objects of Cloud Storage."""

from __future__ import annotations

import errno
import os
import re
import stat
from io import BufferedReader
from pathlib import Path

from automl_plan.errors import SourceError

RELATIVE = "Sources, and the paths in them, are relative to the directory of the configuration."
_OBJECT = re.compile(r"gs://([^/]+)/(.+)", re.DOTALL)


def bucket_and_object(uri: str) -> tuple[str, str] | None:
    """The bucket and the object of gs://BUCKET/OBJECT; None for what is no such URI."""
    match = _OBJECT.fullmatch(uri)
    return None if match is None else (match[1], match[2])


def object_of(uri: str) -> tuple[str, str]:
    """The same. Raises SourceError."""
    found = bucket_and_object(uri)
    if found is None:
        raise SourceError("It names no object.", where=uri, hint="Write gs://BUCKET/OBJECT.")
    return found


def local_path(directory: Path, relative: str, where: str) -> Path:
    """A file below a directory, also when symbolic links are followed. Raises SourceError."""
    base = str(directory).rstrip("/") + "/"
    try:
        path = os.path.realpath(base + relative)
    except (OSError, ValueError) as error:
        raise SourceError(f"{relative!r} can't be a path.", where=where) from error
    if relative.startswith("/") or not f"{path}/".startswith(base):
        raise SourceError(
            f"{relative} leads out of the configuration's directory.",
            where=where,
            hint="Keep the data below that directory, or in Cloud Storage (gs://).",
        )
    return Path(path)


def open_regular_file(path: Path) -> BufferedReader:
    """A file's bytes. A pipe or a device is refused, as reading one may never end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "It is not a file")
    return os.fdopen(descriptor, "rb")


def os_error_text(error: OSError) -> str:
    """Why a file can't be read, in words."""
    return error.strerror or type(error).__name__

"""Writes objects as files: a file appears whole or not at all."""

import os
import tempfile
import threading
from pathlib import Path

from automl_plan.emulator.errors import Code, ServiceError, invalid
from automl_plan.emulator.files import FileRefused, Files


class ObjectWriter:
    """Writes below the bucket root, and nowhere else."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._lock = threading.Lock()

    def write(self, bucket: Path, name: str, content: bytes, generation: int | None) -> Path:
        """Write an object into a bucket's folder: its file.

        `generation` is what the object must have that it takes the place of: 0 for no object,
        None for any or none.
        """
        try:
            path = self._files.place(bucket, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._put(path, content, generation)
        except FileRefused as error:
            raise invalid(("name", str(error))) from error
        except (NotADirectoryError, IsADirectoryError, FileExistsError) as error:
            # In Cloud Storage both can be there, as it has no folders.
            message = "In the emulator there can't be both an object a and an object a/b."
            raise invalid(("name", message)) from error
        except OSError as error:  # the disk is full, a name is too long for it
            raise ServiceError(Code.INTERNAL, f"Can't write the file: {error.strerror}.") from error
        return path

    def _put(self, path: Path, content: bytes, generation: int | None) -> None:
        # Beside the buckets: a draft in one of them would be listed as an object.
        descriptor, draft = tempfile.mkstemp(prefix=".upload-", dir=self._files.bucket_root)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            with self._lock:
                if path.is_dir():
                    raise IsADirectoryError
                if generation is not None and generation != _generation(path):
                    raise ServiceError(
                        Code.FAILED_PRECONDITION,
                        "At least one of the pre-conditions you specified did not hold.",
                    )
                Path(draft).replace(path)
        finally:
            Path(draft).unlink(missing_ok=True)


def _generation(path: Path) -> int:
    """As the metadata of objects have it; 0 when there is none."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0

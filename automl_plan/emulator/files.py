"""Files of URIs on this machine, and the service's own copies of imported images."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from msgspec import Struct

from automl_plan.emulator.training.types import Example

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,221}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


class FileRefused(Exception):
    """A URI without a file, or outside the allowed folders; the text says which and why."""


class Files(Struct, frozen=True):
    """The two folders that the service reads; it writes only below the bucket root."""

    bucket_root: Path
    files_root: Path

    def resolve(self, uri: str) -> Path:
        """Return the existing file of a gs:// URI or a relative path. Raises FileRefused."""
        path = self._locate(uri)
        if not _is_file(path):
            raise FileRefused(f"{uri}: There is no such file.")
        return path

    def resolver(self) -> Callable[[str], Path]:
        """Return a faster `resolve` for one import: it follows the links of each folder once."""
        checked: set[Path] = set()

        def resolve(uri: str) -> Path:
            root, path = self._named(uri)
            if path.parent not in checked:
                if not _inside(path.parent, root):
                    return self.resolve(uri)
                checked.add(path.parent)
            # The slow way follows links.
            return path if _is_file(path) and not path.is_symlink() else self.resolve(uri)

        return resolve

    def matching(self, uris: Iterable[str]) -> list[str]:
        """Return URIs with the objects that gs:// URIs with wildcards name, each once."""
        found: dict[str, None] = {}
        for uri in uris:
            bucket, _, pattern = uri.removeprefix("gs://").partition("/")
            folder = self.bucket(bucket) if uri.startswith("gs://") else None
            if folder is None or not re.search(r"[*?\[]", pattern) or (folder / pattern).is_file():
                found[uri] = None
                continue
            head = pattern.rpartition("/")[0]
            named = sorted(
                name
                for name, _ in self.objects(folder)
                if name.rpartition("/")[0] == head and fnmatchcase(name, pattern)
            )
            # One that names nothing stays: it is reported as a missing file.
            found |= dict.fromkeys(f"gs://{bucket}/{name}" for name in named) or {uri: None}
        return list(found)

    def output_folder(
        self, uri_prefix: str, folder: str, *, again: bool = False
    ) -> tuple[str, Path]:
        """Create a folder below a gs:// prefix; return its URI and its path. Raises FileRefused.

        With `again`, the folder may exist: work continues that was interrupted.
        """
        if not uri_prefix.startswith("gs://"):
            raise FileRefused(f"{uri_prefix}: The output must be a gs:// URI.")
        uri = f"{uri_prefix.rstrip('/')}/{folder}/"
        path = self._locate(uri)
        path.mkdir(parents=True, exist_ok=again)
        return uri, path

    def bucket(self, name: str) -> Path | None:
        """Return the folder of a bucket, or None."""
        if not _BUCKET.fullmatch(name):
            return None
        folder = self.bucket_root / name
        if not folder.is_dir() or not _inside(folder, self.bucket_root):
            return None
        return folder

    def object(self, bucket: str, name: str) -> Path | None:
        """Return the file of an object, or None."""
        folder = self.bucket(bucket)
        if folder is None or not name or _unsafe(name):
            return None
        path = folder / name
        return path if _is_file(path) and _inside(path, folder) else None

    def objects(self, bucket: Path) -> Iterator[tuple[str, Path]]:
        """Yield all objects in a bucket's folder as (name, file), in no order."""
        for path in bucket.rglob("*"):
            if path.is_file() and _inside(path, bucket):
                yield path.relative_to(bucket).as_posix(), path

    def place(self, bucket: Path, name: str) -> Path:
        """Return the file for a new object in a bucket's folder. Raises FileRefused."""
        path = bucket / name
        # Only the name that a list would have for it: no `a//b`, no `./a`, no `a/`.
        if not name or _unsafe(name) or str(PurePosixPath(name)) != name:
            raise FileRefused(f"{name}: No file can have this name.")
        if not _inside(path, bucket):
            raise FileRefused(f"{name}: A symbolic link leads out of the bucket.")
        return path

    def _locate(self, uri: str) -> Path:
        root, path = self._named(uri)
        if not _inside(path, root):
            raise FileRefused(f"{uri}: A symbolic link leads out of the folder.")
        return path

    def _named(self, uri: str) -> tuple[Path, Path]:
        """The folder that a URI must stay in, and the path that it names there."""
        if uri.startswith("gs://"):
            bucket, _, name = uri.removeprefix("gs://").partition("/")
            folder = self.bucket(bucket)
            if folder is None:
                raise FileRefused(f"{uri}: There is no bucket {bucket}.")
            if not name or _unsafe(name.rstrip("/")):
                raise FileRefused(f"{uri}: The URI doesn't name an object.")
        elif _SCHEME.match(uri):
            raise FileRefused(f"{uri}: Only gs:// URIs and relative paths can be read.")
        else:
            folder, name = self.files_root, uri
            if not name or _unsafe(name):
                raise FileRefused(f"{uri}: The path must be relative and stay below its folder.")
        return folder, folder / name


def _unsafe(name: str) -> bool:
    return name.startswith("/") or ".." in name.split("/") or "\0" in name or "//" in name


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long, a folder that can't be read
        return False


def _inside(path: Path, folder: Path) -> bool:
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # a loop of symbolic links
        return False


class Images:
    """Copies of images below one folder, one per content."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, example: Example) -> Path:
        """Return the path of the copy of an example's image."""
        return self._of(example.content)

    def keep(self, example: Example) -> None:
        """Copy an example's image, unless there is a copy of its content."""
        kept = self.path(example)
        if kept.exists():
            return
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Two imports may copy the same content at the same time.
        draft = kept.with_name(f"{kept.name}.{secrets.token_hex(4)}")
        shutil.copyfile(example.path, draft)
        draft.replace(kept)

    def drop(self, contents: Iterable[str]) -> None:
        """Remove the copies of contents that no dataset has any longer."""
        for content in contents:
            self._of(content).unlink(missing_ok=True)

    def _of(self, content: str) -> Path:
        return Path(f"{self._folder}/{content[:2]}/{content}")

"""What trainings keep to be faster: what was seen in images, by content, and the network itself."""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

FILE = "features.sqlite3"
MOST_IMAGES = 200_000
"""Some 800 MB. Those that no training has used for longest are dropped first."""
_AT_ONCE = 500
_GRAPHS_KEPT = 2
_SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (
  content TEXT NOT NULL, kind TEXT NOT NULL, longer_side INTEGER NOT NULL, pixels BLOB NOT NULL,
  features BLOB NOT NULL, seconds REAL NOT NULL, used INTEGER NOT NULL,
  PRIMARY KEY (content, kind));
CREATE INDEX IF NOT EXISTS seen_used ON seen (used);
"""
_FIELDS = "content, longer_side, pixels, features, seconds"
_Result = TypeVar("_Result")


class Seen(Struct, frozen=True):
    """An image: the bytes of its pixels, scaled down, and those of its features."""

    longer_side: int
    pixels: bytes
    features: bytes
    """Empty where they were not computed."""
    seconds: float
    """How long it took."""


class KeptFeatures:
    """A file in a directory. It is a cache: a damaged one is removed, and costs time only.

    Several trainings may use it at the same time.
    """

    def __init__(self, folder: Path | None, kind: str, most: int = MOST_IMAGES) -> None:
        """`kind` names how features are computed: those of another kind are not found.

        Without a directory, nothing is kept.
        """
        self._path = None if folder is None else folder / FILE
        self._kind = kind
        self._most = most

    def find(self, contents: Sequence[str]) -> dict[str, Seen]:
        """Return what is kept of images, by content, and note that it was used."""

        def found(db: sqlite3.Connection) -> dict[str, Seen]:
            images = {}
            use = _next_use(db)
            for begin in range(0, len(contents), _AT_ONCE):
                some = contents[begin : begin + _AT_ONCE]
                chosen = f"kind = ? AND content IN ({', '.join('?' * len(some))})"
                rows = db.execute(
                    f"SELECT {_FIELDS} FROM seen WHERE {chosen}",  # noqa: S608 - only marks
                    (self._kind, *some),
                )
                images.update({content: Seen(*values) for content, *values in rows})
                db.execute(
                    f"UPDATE seen SET used = ? WHERE {chosen}",  # noqa: S608 - only marks
                    (use, self._kind, *some),
                )
            return images

        return self._with_file(found) or {}

    def add(self, images: Mapping[str, Seen]) -> None:
        """Keep images by content; drop the oldest ones of too many."""

        def added(db: sqlite3.Connection) -> None:
            use = _next_use(db)
            db.executemany(
                "INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (content, self._kind, s.longer_side, s.pixels, s.features, s.seconds, use)
                    for content, s in images.items()
                ],
            )
            db.execute(
                "DELETE FROM seen WHERE rowid IN "
                "(SELECT rowid FROM seen ORDER BY used DESC, rowid LIMIT -1 OFFSET ?)",
                (self._most,),
            )

        self._with_file(added)

    def _with_file(self, act: Callable[[sqlite3.Connection], _Result]) -> _Result | None:
        """Do something in one transaction; None when there is no file or it can't be used."""
        if self._path is None:
            return None
        try:
            with contextlib.closing(sqlite3.connect(self._path, timeout=10)) as db, db:
                db.executescript(_SCHEMA)
                db.execute("BEGIN IMMEDIATE")
                return act(db)
        except sqlite3.OperationalError:  # no space, no rights, busy for long
            return None
        except sqlite3.DatabaseError:
            _forget(self._path.parent, f"{FILE}*")
            return None


def prune(data_dir: Path) -> dict[str, int]:
    """Remove all that is kept for a data directory; return the bytes of each kind."""
    return {
        "the features of images": _forget(data_dir, f"{FILE}*"),
        "the pretrained network": _forget(_graphs(), "*.onnx"),
    }


def kept_graph(name: str) -> bytes | None:
    """Return a graph of this user's cache, if it is there."""
    with contextlib.suppress(OSError):
        return (_graphs() / f"{name}.onnx").read_bytes()
    return None


def keep_graph(name: str, graph: bytes) -> None:
    """Keep a graph for all data directories of this user, and only the latest of others.

    Without a place for it, it is made each time.
    """
    folder = _graphs()
    draft = folder / f".{secrets.token_hex(4)}.tmp"
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            draft.write_bytes(graph)
            draft.replace(folder / f"{name}.onnx")
        finally:
            draft.unlink(missing_ok=True)
        found = sorted(folder.glob("*.onnx"), key=lambda each: each.stat().st_mtime)
        for old in found[:-_GRAPHS_KEPT]:
            old.unlink(missing_ok=True)


def _graphs() -> Path:
    """`$XDG_CACHE_HOME/automl-plan/backbone`, by itself `~/.cache/automl-plan/backbone`."""
    home = Path(os.environ.get("HOME") or "")
    base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "automl-plan" / "backbone"


def _forget(folder: Path, names: str) -> int:
    size = 0
    for path in folder.glob(names):
        with contextlib.suppress(OSError):
            size += path.stat().st_size
            path.unlink()
    return size


def _next_use(db: sqlite3.Connection) -> int:
    [last] = db.execute("SELECT max(used) FROM seen").fetchone()
    return int(last or 0) + 1

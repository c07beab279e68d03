"""What was seen in images, kept by their content: no training looks at an image twice."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

FILE = "features.sqlite3"
MOST_IMAGES = 200_000
"""Some 800 MB. Those that no training has used for longest are dropped first."""
_AT_ONCE = 500
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
            forget_features(self._path.parent)
            return None


def forget_features(folder: Path) -> int:
    """Remove what is kept in a directory; return how many bytes that was."""
    size = 0
    for path in folder.glob(f"{FILE}*"):
        with contextlib.suppress(OSError):
            size += path.stat().st_size
            path.unlink()
    return size


def _next_use(db: sqlite3.Connection) -> int:
    [last] = db.execute("SELECT max(used) FROM seen").fetchone()
    return int(last or 0) + 1

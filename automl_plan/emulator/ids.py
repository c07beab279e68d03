"""Ids: 19 random digits that fit a signed 64-bit number and are never given twice."""

import secrets
import sqlite3

_LOWEST = 10**18
_COUNT = 2**63 - _LOWEST


def new_id(db: sqlite3.Connection) -> int:
    """An id that no object of this data directory has or had."""
    while True:
        candidate = _LOWEST + secrets.randbelow(_COUNT)
        if db.execute("INSERT OR IGNORE INTO ids VALUES (?)", (candidate,)).rowcount:
            return candidate

"""How often a property is tried: in `make test-deep` more often than in `make test`."""

from __future__ import annotations

import os

DEEP = os.environ.get("TESTS_DEEP") == "1"


def times(usual: int, deep: int) -> int:
    """How many examples of a property are tried."""
    return deep if DEEP else usual

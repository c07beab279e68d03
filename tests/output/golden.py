"""What people read, kept in files. AUTOML_PLAN_UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


def matches_golden(name: str, text: str) -> bool:
    """Whether a text is the one that is kept; told by pytest line by line where it is not."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("AUTOML_PLAN_UPDATE_GOLDEN") == "1":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
    return True

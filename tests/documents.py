"""Documents, written and read again."""

from __future__ import annotations

import json
from typing import TypeVar

from automl_plan.model.json import read, written

T = TypeVar("T")


def read_again(value: T) -> T:
    """Return what is read from the JSON of a document."""
    return read(json.dumps(written(value)).encode(), type(value))

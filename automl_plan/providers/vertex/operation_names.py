"""Names of operations at Vertex AI: what can be one, and where it is asked for."""

from __future__ import annotations

import re

from automl_plan.errors import UsageError

_NAME = re.compile(r"(?:[a-zA-Z]+/[A-Za-z0-9_-]{1,128}/)?operations/[A-Za-z0-9_-]{1,128}")


def can_be_operation(name: str) -> bool:
    """Whether this is an operation's name below its location."""
    return _NAME.fullmatch(name) is not None


def operation_path(parent: str, operation_id: str) -> str:
    """The path of an operation in a location: by its name below that, or by its last part.

    Ids come from users, answers and state files: none leads elsewhere. Raises UsageError.
    """
    name = operation_id if "/" in operation_id else f"operations/{operation_id}"
    if not can_be_operation(name):
        raise UsageError(f"{operation_id!r} can't be the id of an operation.")
    return f"/v1/{parent}/{name}"

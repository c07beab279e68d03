"""What the writing calls of all providers have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping

from automl_plan.errors import TransportError, UsageError
from automl_plan.resources.json import Json
from automl_plan.resources.live import Operation, user_labels


def merged_labels(
    there: Mapping[str, str], wanted: Json, own_labels: Mapping[str, str | None]
) -> dict[str, str]:
    """All labels of an object once the user's are as wanted (None: as they are), and ours set."""
    labels = dict(there)
    if isinstance(wanted, dict):
        mine = user_labels(there)
        kept = {k: v for k, v in there.items() if k not in mine}
        labels = {**{k: str(v) for k, v in wanted.items()}, **kept}
    for key, value in own_labels.items():
        if value is None:
            labels.pop(key, None)
        else:
            labels[key] = value
    return labels


def opened(operation: Operation, where: str) -> Operation:
    """The operation that a call opened. Without its name nobody could follow it."""
    if not operation.id:
        raise TransportError(
            "The service took the call, but its answer names no operation.",
            sent=True,
            accepted=True,
            where=where,
        )
    return operation


def checked_id(object_id: str) -> str:
    """An id that can't lead elsewhere. Raises UsageError."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", object_id):
        raise UsageError(f"{object_id!r} can't be the id of an object.")
    return object_id

"""Lenient reading of Google's JSON: what a newer service adds is kept, not refused."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

from automl_plan.model.json import Json
from automl_plan.model.live import OperationError
from automl_plan.providers.google.capabilities import SERVICE_LABELS

_INT64 = re.compile(r"-?[0-9]{1,19}")


def tail(name: object) -> str:
    """Return the id: a name's last segment. A project's number or id may precede it."""
    return str(name or "").rpartition("/")[2]


def integer(value: object) -> int | None:
    """An int64, which comes as text or as a number; None when it is absent or something else."""
    if isinstance(value, str):
        value = int(value) if _INT64.fullmatch(value) else None
    elif isinstance(value, float):  # of a google.protobuf.Value, which has no whole numbers
        value = int(value) if value.is_integer() else None
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if -(2**63) <= value < 2**63 else None


def number(value: object) -> float | None:
    """A finite float; None when it is absent or something else.

    A zero may be left out of answers (proto3 JSON): one that is absent is zero, or not told.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def text(value: object) -> str | None:
    """Text, or None when it is absent or empty."""
    return value if isinstance(value, str) and value else None


def moment(value: object) -> str | None:
    """A time with its zone (RFC 3339), or None when it is absent or something else."""
    told = text(value)
    try:
        zoned = told is not None and datetime.fromisoformat(told).tzinfo is not None
    except ValueError:
        return None
    return told if zoned else None


def items(value: object) -> list[Any]:
    """A repeated field's values; an empty one is left out of answers."""
    return value if isinstance(value, list) else []


def operation_error(status: Mapping[str, Any]) -> OperationError:
    """Why an operation failed (google.rpc.Status)."""
    return OperationError(integer(status.get("code")) or 0, str(status.get("message", "")))


def all_labels(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels of an object, with those that Google's services set."""
    return {str(k): str(v) for k, v in mapping(answer.get("labels")).items()}


def labels_of(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels of an object without those that Google's services set."""
    labels = all_labels(answer).items()
    return {key: value for key, value in labels if not key.startswith(SERVICE_LABELS)}


def service_labels_of(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels of an object that Google's services set."""
    labels = all_labels(answer).items()
    return {key: value for key, value in labels if key.startswith(SERVICE_LABELS)}


def rest(answer: Mapping[str, Json], known: AbstractSet[str]) -> dict[str, Json]:
    """The fields that are not among the known ones."""
    return {key: value for key, value in answer.items() if key not in known}


def mapping(value: object) -> dict[str, Any]:
    """A message, or an empty one when it is absent or something else."""
    return value if isinstance(value, dict) else {}

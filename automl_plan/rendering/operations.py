"""Long-running operations, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from automl_plan.rendering.document import document
from automl_plan.rendering.style import Style, clean, columns, fields, moment
from automl_plan.resources.json import Json
from automl_plan.resources.live import CANCELLED, Operation


def operations_text(operations: Sequence[Operation], style: Style) -> str:
    """One operation a line."""
    if not operations:
        return "There are no such operations.\n"
    headers = ("ID", "OPERATION", "STATE", "STARTED", "UPDATED")
    cells = [
        (
            clean(o.id),
            str(o.kind),
            _state(o),
            moment(o.create_time),
            moment(o.update_time),
        )
        for o in operations
    ]
    return columns(headers, cells, style)


def operations_json(operations: Sequence[Operation]) -> dict[str, Json]:
    """The same for programs."""
    return document(operations=[_json(operation) for operation in operations])


def operation_text(operation: Operation, style: Style) -> str:
    """One operation, a field a line."""
    return fields(
        {
            "Id": operation.id,
            "Operation": str(operation.kind),
            "State": _state(operation),
            "Made": operation.made or "-",
            "Started": moment(operation.create_time),
            "Updated": moment(operation.update_time),
            "Partial failures": operation.partial_failures or "-",
        },
        style,
    )


def operation_json(operation: Operation) -> dict[str, Json]:
    """The same for programs."""
    return document(**_json(operation))


def _json(operation: Operation) -> dict[str, Json]:
    error = operation.error
    return {
        "id": operation.id,
        "operation": str(operation.kind),
        "done": operation.done,
        "created": operation.create_time,
        "updated": operation.update_time,
        "progress_percent": operation.progress_percent,
        "made": operation.made,
        "error": None if error is None else {"code": error.code, "message": error.message},
        "partial_failures": list(operation.partial_failures),
    }


def _state(operation: Operation) -> str:
    if not operation.done:
        percent = operation.progress_percent
        return "running" if percent is None else f"running ({percent} %)"
    if operation.error is None:
        return "done with row failures" if operation.partial_failures else "done"
    if operation.error.code == CANCELLED:
        return "cancelled"
    return f"failed: {clean(operation.error.message)}"

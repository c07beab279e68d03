"""What is recorded, as text."""

from __future__ import annotations

from automl_plan.model.recorded import Decision, RecordedObject, RecordedOperation, RecordedResource
from automl_plan.output.style import Style, clean, columns, fields, moment
from automl_plan.output.values import leaves, shown
from automl_plan.state.document import State

_NOTHING = "The state is empty.\n"


def resources_text(state: State, style: Style) -> str:
    """Every recorded address, one a line."""
    if not state.resources:
        return _NOTHING
    headers = ("ADDRESS", "ID", "SINCE", "OTHERS", "OPEN OPERATIONS")
    cells = [
        (
            str(address),
            clean(record.current.id) if record.current else "-",
            moment(record.current.created if record.current else None),
            "\n".join(f"{clean(o.id)} ({o.status or 'former'})" for o in record.others) or "-",
            "\n".join(_operation(operation) for operation in record.operations) or "-",
        )
        for address, record in sorted(state.resources.items())
    ]
    return columns(headers, cells, style)


def state_text(state: State, style: Style) -> str:
    """Every recorded address with all that is recorded of it."""
    records = (record for _, record in sorted(state.resources.items()))
    return "\n".join(resource_text(record, style) for record in records) or _NOTHING


def resource_text(record: RecordedResource, style: Style) -> str:
    """One address with all that is recorded of it."""
    parts = []
    for obj in record.objects:
        role = "Current" if obj is record.current else str(obj.status or "former").capitalize()
        parts.append(fields({role: obj.id, **_object(obj)}, style, indent="  "))
    parts += [
        fields(
            {"Open operation": _operation(operation), "Since": moment(operation.started)},
            style,
            indent="  ",
        )
        for operation in record.operations
    ]
    return style.bold(str(record.address)) + "\n" + "\n".join(parts)


def _object(obj: RecordedObject) -> dict[str, str]:
    told = {"Since": moment(obj.created)}
    if obj.version is not None:
        told["Version"] = str(obj.version)
    if obj.commit is not None:
        told["Commit"] = clean(obj.commit)
    if obj.decision is not None:
        told["Decision"] = _decision(obj.decision)
    if obj.dataset_id is not None:
        told["Trained on"] = obj.dataset_id
    if obj.examples is not None:
        told["Images"] = f"{obj.examples:,} imported, {obj.labelled_examples or 0:,} labelled"
    return told | {path: shown(value) for path, value in leaves(obj.attributes)}


def _decision(decision: Decision) -> str:
    by = "" if decision.by is None else f" by {clean(decision.by)}"
    why = "" if decision.why is None else f": {clean(decision.why)}"
    return f"{decision.kind} {moment(decision.when)}{by}{why}"


def _operation(operation: RecordedOperation) -> str:
    return f"{operation.step} {clean(operation.id or '(not confirmed)')}"

"""Lists and single objects as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from automl_plan.inventory.datasets import DatasetRow
from automl_plan.inventory.models import ModelRow
from automl_plan.rendering.style import Style, clean, columns, moment
from automl_plan.resources.address import Address
from automl_plan.resources.json import Json
from automl_plan.resources.live import LiveDataset, LiveModel, Operation
from automl_plan.resources.model_types import Problem
from automl_plan.resources.recorded import RecordedObject, RecordedResource
from automl_plan.state.document import State, resource_to_json

VERSION: dict[str, Json] = {"format_version": "1.0"}
_TYPES = {
    Problem.IMAGE_CLASSIFICATION: "Image classification",
    Problem.IMAGE_OBJECT_DETECTION: "Image object detection",
}


def datasets_text(rows: Sequence[DatasetRow], style: Style) -> str:
    """Google's own columns, and who manages each."""
    if not rows:
        return "No datasets live.\n"
    headers = (
        "NAME",
        "TYPE",
        "TOTAL IMAGES",
        "LABELED IMAGES",
        "LAST UPDATED",
        "STATUS",
        "MANAGED AS",
    )
    cells = [
        (
            f"{clean(row.live.display_name)}\n{clean(row.live.id)}",
            _type(row.live.problem),
            f"{row.live.example_count:,}",
            "-" if row.labelled_images is None else f"{row.labelled_images:,}",
            moment(row.updated),
            clean(row.status),
            _managed(row),
        )
        for row in rows
    ]
    return columns(headers, cells, style)


def dataset_text(row: DatasetRow, style: Style) -> str:
    """One dataset, a field a line."""
    live = row.live
    kind = _type(live.problem)
    if live.classification_type is not None:
        kind += f" ({live.classification_type})"
    labelled = row.labelled_images
    return _fields(
        style,
        {
            "Name": live.display_name,
            "Id": live.id,
            "Type": kind,
            "Description": live.description or "-",
            "Total images": f"{live.example_count:,}",
            "Labeled images": "- (the service does not tell)"
            if labelled is None
            else f"{labelled:,}",
            "Created": moment(live.create_time),
            "Last updated": moment(row.updated),
            "Status": row.status,
            "Labels": _labels(live),
            "Managed as": _managed(row),
        },
    )


def dataset_json(row: DatasetRow) -> dict[str, Json]:
    """One dataset for programs."""
    live = row.live
    return {
        "id": live.id,
        "display_name": live.display_name,
        "type": None if live.problem is None else str(live.problem),
        "classification_type": live.classification_type and str(live.classification_type),
        "description": live.description,
        "labels": dict(live.labels),
        "total_images": live.example_count,
        "labeled_images": row.labelled_images,
        "created": live.create_time,
        "last_updated": row.updated,
        "status": row.status,
        "address": None if row.address is None else str(row.address),
        "current": row.current,
    }


def models_text(rows: Sequence[ModelRow], style: Style) -> str:
    """One model a line, its id below its name."""
    if not rows:
        return "No models live.\n"
    headers = ("NAME", "TYPE", "DATASET", "STATE", "TRAINED", "NODE HOURS", "MANAGED AS")
    cells = [
        (
            f"{clean(row.live.display_name)}\n{clean(row.live.id)}",
            f"{_type(row.live.problem)}\n{clean(row.live.model_type or '-')}",
            f"{row.dataset.name if row.dataset else '-'}\n{clean(row.live.dataset_id)}",
            _state(row.live),
            moment(row.live.create_time),
            _node_hours(row.live.train_cost_milli_node_hours),
            _managed(row),
        )
        for row in rows
    ]
    return columns(headers, cells, style)


def model_text(row: ModelRow, style: Style) -> str:
    """One model, a field a line."""
    live = row.live
    budget, cost = live.train_budget_milli_node_hours, live.train_cost_milli_node_hours
    return _fields(
        style,
        {
            "Name": live.display_name,
            "Id": live.id,
            "Type": f"{_type(live.problem)} ({live.model_type or '-'})",
            "Dataset": " ".join(filter(None, (str(row.dataset or ""), live.dataset_id))),
            "State": _state(live),
            "Trained": moment(live.create_time),
            "Last updated": moment(live.update_time),
            "Train budget": f"{_node_hours(budget)} node hours",
            "Train cost": f"{_node_hours(cost)} node hours",
            "Stopped because": live.stop_reason or "-",
            "Base model": live.base_model_id or "-",
            "Labels": _labels(live),
            "Managed as": _managed(row),
        },
    )


def model_json(row: ModelRow) -> dict[str, Json]:
    """One model for programs."""
    live = row.live
    return {
        "id": live.id,
        "display_name": live.display_name,
        "type": None if live.problem is None else str(live.problem),
        "model_type": live.model_type,
        "base_model_id": live.base_model_id,
        "dataset_id": live.dataset_id,
        "dataset": None if row.dataset is None else str(row.dataset),
        "deployed": live.deployed,
        "node_count": live.node_count,
        "train_budget_milli_node_hours": live.train_budget_milli_node_hours,
        "train_cost_milli_node_hours": live.train_cost_milli_node_hours,
        "stop_reason": live.stop_reason,
        "node_qps": live.node_qps,
        "labels": dict(live.labels),
        "created": live.create_time,
        "last_updated": live.update_time,
        "address": None if row.address is None else str(row.address),
        "current": row.current,
    }


def operations_text(operations: Sequence[Operation], style: Style) -> str:
    """One operation a line."""
    if not operations:
        return "No operations.\n"
    headers = ("ID", "OPERATION", "STATE", "STARTED", "UPDATED")
    cells = [
        (
            clean(o.id),
            str(o.kind),
            operation_state(o),
            moment(o.create_time),
            moment(o.update_time),
        )
        for o in operations
    ]
    return columns(headers, cells, style)


def operation_text(operation: Operation, style: Style) -> str:
    """One operation, a field a line."""
    failures = "\n".join(operation.partial_failures)
    return _fields(
        style,
        {
            "Id": operation.id,
            "Operation": str(operation.kind),
            "State": operation_state(operation),
            "Made": operation.made or "-",
            "Started": moment(operation.create_time),
            "Updated": moment(operation.update_time),
            "Partial failures": failures or "-",
        },
    )


def operation_json(operation: Operation) -> dict[str, Json]:
    """One operation for programs."""
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


def operation_state(operation: Operation) -> str:
    """`running`, `done`, `cancelled`, `failed: …`."""
    if not operation.done:
        percent = operation.progress_percent
        return "running" if percent is None else f"running ({percent} %)"
    if operation.error is None:
        return "done with row failures" if operation.partial_failures else "done"
    if operation.error.code == 1:  # google.rpc.Code.CANCELLED
        return "cancelled"
    return f"failed: {clean(operation.error.message)}"


def resources_text(resources: Sequence[RecordedResource], style: Style) -> str:
    """What is recorded, an address a line."""
    if not resources:
        return "Nothing is recorded.\n"
    headers = ("ADDRESS", "ID", "SINCE", "FORMER", "OPEN OPERATIONS")
    cells = [
        (
            str(r.address),
            clean(r.current.id) if r.current else "-",
            moment(r.current.created if r.current else None),
            "\n".join(clean(o.id) for o in r.former) or "-",
            "\n".join(f"{o.step} {clean(o.id or '(not confirmed)')}" for o in r.operations) or "-",
        )
        for r in resources
    ]
    return columns(headers, cells, style)


def resource_text(resource: RecordedResource, style: Style) -> str:
    """One address with all that is recorded of it."""
    parts = [style.bold(str(resource.address)) + "\n"]
    for obj in resource.objects:
        role = "current" if obj is resource.current else "former"
        fields = {role.capitalize(): obj.id, "Since": moment(obj.created)}
        if obj.dataset_id:
            fields["Trained on"] = obj.dataset_id
        fields |= _flat(obj)
        parts.append(_fields(style, fields, indent="  "))
    parts += [
        f"  {o.step} {clean(o.id or '(not confirmed)')} since {moment(o.started)}\n"
        for o in resource.operations
    ]
    return "\n".join(parts)


def state_json(state: State) -> dict[str, Json]:
    """The whole state for programs."""
    return {
        **VERSION,
        "lineage": state.lineage,
        "serial": state.serial,
        "provider": state.provider,
        "resources": [resource_json(state.resources[a]) for a in sorted(state.resources)],
    }


def resource_json(resource: RecordedResource) -> dict[str, Json]:
    """One address for programs, in the form of the state file."""
    return {"address": str(resource.address), **resource_to_json(resource)}


def deletion_question(model: LiveModel, address: Address | None, *, current: bool) -> str:
    """What somebody is asked who deletes a model by hand."""
    lines = [f"Delete the model {clean(model.display_name)} ({clean(model.id)})?"]
    if model.deployed:
        lines.append("It is deployed: predictions from it stop.")
    if address is not None and current:
        lines.append(f"It is the current {address}: the next apply trains it again, and pays.")
    return "\n".join([*lines, "It can't be brought back."])


def _flat(obj: RecordedObject) -> dict[str, str]:
    return {key: json.dumps(value, sort_keys=True) for key, value in obj.attributes.items()}


def _fields(style: Style, fields: dict[str, str], indent: str = "") -> str:
    width = max(map(len, fields)) + 1
    lines = []
    for name, value in fields.items():
        first, *more = [clean(line) for line in value.split("\n")]
        lines.append(f"{indent}{style.dim(f'{name}:'.ljust(width))}  {first}")
        lines += [f"{indent}{' ' * width}  {line}" for line in more]
    return "\n".join(lines) + "\n"


def _type(problem: Problem | None) -> str:
    return "Other" if problem is None else _TYPES[problem]


def _managed(row: DatasetRow | ModelRow) -> str:
    if row.address is None:
        return "unmanaged"
    return str(row.address) if row.current else f"{row.address} (former)"


def _state(model: LiveModel) -> str:
    if not model.deployed:
        return "undeployed"
    return f"deployed ({model.node_count} nodes)" if model.node_count else "deployed"


def _node_hours(milli: int | None) -> str:
    return "-" if milli is None else f"{milli / 1000:g}"


def _labels(live: LiveDataset | LiveModel) -> str:
    return "\n".join(f"{k}={v}" for k, v in sorted(live.labels.items())) or "-"

"""Models that live, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from automl_plan.inventory.models import ModelRow
from automl_plan.rendering.document import document
from automl_plan.rendering.life import life_text, life_warnings, rfc3339
from automl_plan.rendering.live import kind_of, labels_of, managed_as, ownership_json
from automl_plan.rendering.style import PLAIN, Style, clean, columns, counted, fields, moment
from automl_plan.resources.address import Address
from automl_plan.resources.json import Json
from automl_plan.resources.lifespan import days_left
from automl_plan.resources.live import LiveModel

_SIMULATED = "its evaluations and predictions are made up"


def models_text(rows: Sequence[ModelRow], now: datetime, style: Style) -> str:
    """One model a line, its id below its name; then warnings of those whose life ends soon.

    `now` is the service's time.
    """
    if not rows:
        return "There are no models.\n"
    headers = ("NAME", "TYPE", "DATASET", "STATE", "TRAINED", "NODE HOURS", "EXPIRES", "MANAGED AS")
    cells = [
        (
            f"{clean(row.live.display_name)}\n{clean(row.live.id)}",
            f"{kind_of(row.live.problem)}\n{clean(row.live.model_type or '-')}",
            f"{row.dataset or '-'}\n{clean(row.live.dataset_id)}",
            "\n".join(filter(None, (_state(row.live), _endpoint(row.live)))),
            moment(row.live.create_time) + ("\nsimulated" if row.live.simulated else ""),
            _node_hours(row.live.train_cost_milli_node_hours),
            life_text(row.expires, now, style),
            managed_as(row),
        )
        for row in rows
    ]
    warnings = life_warnings(rows, now, style)
    return columns(headers, cells, style) + (f"\n{warnings}" if warnings else "")


def models_json(rows: Sequence[ModelRow], now: datetime) -> dict[str, Json]:
    """The same for programs."""
    return document(models=[_json(row, now) for row in rows])


def model_text(row: ModelRow, now: datetime, style: Style) -> str:
    """One model, a field a line."""
    live = row.live
    budget, cost = live.train_budget_milli_node_hours, live.train_cost_milli_node_hours
    return fields(
        {
            "Name": live.display_name,
            "Id": live.id,
            "Type": f"{kind_of(live.problem)} ({live.model_type or '-'})",
            "Dataset": " ".join(filter(None, (str(row.dataset or ""), live.dataset_id))),
            "State": _state(live),
            "Endpoint": live.endpoint or "-",
            "Trained": moment(live.create_time),
            "Expires": life_text(row.expires, now, PLAIN).replace("\n", ", "),
            "Last updated": moment(live.update_time),
            "Train budget": _node_hours(budget, " node hours"),
            "Train cost": _node_hours(cost, " node hours"),
            "Stopped because": live.stop_reason or "-",
            **({"Simulated": _SIMULATED} if live.simulated else {}),
            "Base model": live.base_model_id or "-",
            "Labels": labels_of(live),
            "Managed as": managed_as(row),
        },
        style,
    )


def model_json(row: ModelRow, now: datetime) -> dict[str, Json]:
    """The same for programs."""
    return document(**_json(row, now))


def deletion_question(model: LiveModel, address: Address | None, *, current: bool) -> str:
    """What somebody is asked who deletes a model by hand."""
    lines = [f"Delete the model {clean(model.display_name)} ({clean(model.id)})?"]
    if model.places:
        lines += [
            f"It is deployed at the endpoint {clean(each.id)}: predictions from it stop there."
            for each in model.places
        ]
    elif model.deployed:
        lines.append("It is deployed: predictions from it stop.")
    if address is not None and current:
        lines.append(f"It is the current {address}: the next apply trains it again, and pays.")
    return "\n".join([*lines, "It can't be brought back."])


def deleted_text(model: LiveModel) -> str:
    """What is said of a model that was deleted by hand, and where it answered before."""
    places = ", ".join(clean(each.id) for each in model.places)
    ended = f", undeployed at {places}" if places else ""
    return f"Deleted {clean(model.id)}{ended}.\n"


def _json(row: ModelRow, now: datetime) -> dict[str, Json]:
    live, ends = row.live, row.expires
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
        "endpoint": live.endpoint,
        **({"elsewhere": dict(live.elsewhere)} if live.elsewhere else {}),
        "train_budget_milli_node_hours": live.train_budget_milli_node_hours,
        "train_cost_milli_node_hours": live.train_cost_milli_node_hours,
        "stop_reason": live.stop_reason,
        **({"simulated": True} if live.simulated else {}),
        "node_qps": live.node_qps,
        "labels": dict(live.labels),
        "created": live.create_time,
        "expires": rfc3339(ends),
        "expires_in_days": None if ends is None else days_left(ends, now),
        "last_updated": live.update_time,
        "address": None if row.address is None else str(row.address),
        "current": row.current,
        **ownership_json(row),
    }


def _state(model: LiveModel) -> str:
    if not model.deployed:
        return "undeployed"
    return f"deployed ({counted(model.node_count, 'node')})" if model.node_count else "deployed"


def _endpoint(model: LiveModel) -> str:
    at = [] if model.endpoint is None else [f"at {clean(model.endpoint)}"]
    return "\n".join([*at, *(f"also at {clean(each)}" for each in sorted(model.elsewhere))])


def _node_hours(milli: int | None, unit: str = "") -> str:
    return "-" if milli is None else f"{milli / 1000:g}{unit}"

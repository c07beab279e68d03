"""What changed at the provider without us: recorded against live."""

from __future__ import annotations

from automl_plan.planning.compare import differences, observed
from automl_plan.planning.plan import Drift
from automl_plan.resources.address import ResourceKind
from automl_plan.resources.live import Live, LiveDataset, LiveModel
from automl_plan.resources.recorded import Recorded, RecordedObject


def find_drift(recorded: Recorded, live: Live) -> tuple[Drift, ...]:
    """Every current object that is gone or differs from what was last recorded."""
    found: list[Drift] = []
    for address in sorted(recorded.resources):
        current = recorded.resources[address].current
        if current is None:
            continue
        there = live_object(live, address.kind, current.id)
        if there is None:
            found.append(Drift(address, current.id, gone=True))
            continue
        now = observed(address.kind, current.attributes, there.attributes())
        changed = differences(current.attributes, now)
        if changed:
            found.append(Drift(address, current.id, gone=False, differences=changed))
    return tuple(found)


def live_object(live: Live, kind: ResourceKind, object_id: str) -> LiveDataset | LiveModel | None:
    """The live object with this id."""
    return (
        live.datasets.get(object_id) if kind is ResourceKind.DATASET else live.models.get(object_id)
    )


def assume_live(recorded: Recorded) -> Live:
    """What would live if nothing had changed since it was recorded (`--no-refresh`)."""
    datasets: dict[str, LiveDataset] = {}
    models: dict[str, LiveModel] = {}
    for address, resource in recorded.resources.items():
        for obj in resource.objects:
            if address.kind is ResourceKind.DATASET:
                datasets[obj.id] = _dataset(obj)
            else:
                models[obj.id] = _model(obj)
    return Live(datasets, models)


def _dataset(obj: RecordedObject) -> LiveDataset:
    return LiveDataset(
        id=obj.id,
        display_name=str(obj.attributes.get("display_name", "")),
        problem=None,
        description=str(obj.attributes.get("description", "")),
        labels=_labels(obj),
    )


def _model(obj: RecordedObject) -> LiveModel:
    deploy = obj.attributes.get("deploy")
    node_count = deploy.get("node_count") if isinstance(deploy, dict) else None
    return LiveModel(
        id=obj.id,
        display_name=str(obj.attributes.get("display_name", "")),
        dataset_id=obj.dataset_id or "",
        problem=None,
        deployed=deploy is not None,
        node_count=node_count if isinstance(node_count, int) else None,
        labels=_labels(obj),
    )


def _labels(obj: RecordedObject) -> dict[str, str]:
    labels = obj.attributes.get("labels")
    return {k: str(v) for k, v in labels.items()} if isinstance(labels, dict) else {}

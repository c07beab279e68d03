"""What changed at the provider without us: recorded against live."""

from __future__ import annotations

from collections.abc import Mapping

from automl_plan.planning.compare import differences, observed
from automl_plan.planning.plan import Drift
from automl_plan.resources.address import ResourceKind
from automl_plan.resources.live import OWN_LABEL_PREFIX, Live, LiveDataset, LiveModel
from automl_plan.resources.marks import marks
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
    return (*found, *_trained_outside(recorded, live))


def _trained_outside(recorded: Recorded, live: Live) -> list[Drift]:
    """Models that somebody trained on our datasets by hand, and that nobody accepted yet."""
    datasets = {
        obj.id: record
        for address, record in recorded.resources.items()
        if address.kind is ResourceKind.DATASET
        for obj in record.objects
    }
    known = {obj.id for record in recorded.resources.values() for obj in record.objects}
    found = []
    for model in live.models.values():
        record = datasets.get(model.dataset_id)
        ours = any(label.startswith(OWN_LABEL_PREFIX) for label in model.labels)
        if record is None or ours or model.id in known or model.id in record.foreign:
            continue
        name = model.display_name
        found.append(Drift(record.address, model.id, gone=False, trained=name))
    return sorted(found, key=lambda drift: (drift.address, drift.object_id))


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
            own = marks(recorded.lineage, address, obj, protected=resource.protected)
            if address.kind is ResourceKind.DATASET:
                datasets[obj.id] = _dataset(obj, own)
            else:
                models[obj.id] = _model(obj, own)
    return Live(datasets, models)


def _dataset(obj: RecordedObject, own: Mapping[str, str]) -> LiveDataset:
    return LiveDataset(
        id=obj.id,
        display_name=str(obj.attributes.get("display_name", "")),
        problem=None,
        description=str(obj.attributes.get("description", "")),
        labels={**_labels(obj), **own},
    )


def _model(obj: RecordedObject, own: Mapping[str, str]) -> LiveModel:
    deploy = obj.attributes.get("deploy")
    node_count = deploy.get("node_count") if isinstance(deploy, dict) else None
    return LiveModel(
        id=obj.id,
        display_name=str(obj.attributes.get("display_name", "")),
        dataset_id=obj.dataset_id or "",
        problem=None,
        deployed=deploy is not None,
        node_count=node_count if isinstance(node_count, int) else None,
        labels={**_labels(obj), **own},
    )


def _labels(obj: RecordedObject) -> dict[str, str]:
    labels = obj.attributes.get("labels")
    return {k: str(v) for k, v in labels.items()} if isinstance(labels, dict) else {}

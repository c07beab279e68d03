"""Drift: what changed at the provider without us, ownership labels included. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.fields import Mutability
from automl_plan.model.live import OWN_LABEL_PREFIX, Live, LiveDataset, LiveModel
from automl_plan.model.model_types import Problem
from automl_plan.model.ownership_labels import (
    ADDRESS,
    CURRENT,
    DATA,
    PROTECTED,
    STATUS,
    address_digest,
    address_digest_in,
    address_label,
    differing_labels,
    expected_labels,
)
from automl_plan.model.recorded import MAKING, Recorded, RecordedObject, RecordedResource, Status
from automl_plan.planning.compare import differences, observed, of
from automl_plan.planning.plan import Difference, Drift

TRAFFIC = "deploy.traffic_percent"


def find_drift(recorded: Recorded, live: Live) -> tuple[Drift, ...]:
    """Return every object that differs from its record, and current ones that are gone.

    What a plan would change in place because of it is compared here as it is there: of a current
    object its fields, deployment and traffic, of others the deployment, of all our own labels.
    """
    found: list[Drift] = []
    for address, record in sorted(recorded.resources.items()):
        for obj in record.objects:
            there = live_object(live, address.kind, obj.id)
            if there is not None:
                changed = _differing(recorded.lineage, record, obj, there)
                if changed:
                    found.append(Drift(address, obj.id, gone=False, differences=changed))
            elif obj is record.current:
                found.append(Drift(address, obj.id, gone=True))
    return (*found, *_trained_outside(recorded, live))


def _differing(
    lineage: str, record: RecordedResource, obj: RecordedObject, there: LiveDataset | LiveModel
) -> tuple[Difference, ...]:
    """Return how one object differs from its record."""
    kind, current = record.address.kind, record.current
    now = observed(kind, obj.attributes, there.attributes())
    found = differences(obj.attributes, now)
    if obj is not current:
        found = of(kind, found, Mutability.DEPLOYMENT)
    elif isinstance(there, LiveModel) and "deploy" in obj.attributes and there.deployed:
        traffic, due = there.traffic_percent, there.expected_traffic_percent
        if traffic != due:
            found = (*found, Difference(TRAFFIC, due, traffic))
    labels = label_differences(
        lineage, record.address, obj, there.labels, protected=record.protected, current=current
    )
    # A new dataset has the label of the data that will be imported into it.
    new = kind is ResourceKind.DATASET and "data" not in obj.attributes
    # A training that was to make the current version, and was recorded as a candidate.
    undecided = obj.status is Status.CANDIDATE and obj.decision is None
    wrong = (
        d
        for d in labels
        if not (new and label_of(d.path) == DATA)
        and not (undecided and label_of(d.path) == STATUS and d.before == CURRENT)
    )
    return (*found, *(Difference(d.path, d.after, d.before) for d in wrong))


def recordable(item: Drift) -> tuple[Difference, ...]:
    """Return what the state can accept: ownership labels and traffic follow from the state."""
    return tuple(
        d for d in item.differences if d.path != TRAFFIC and not d.path.startswith(f"{FIELD}.")
    )


def gained_protection(item: Drift) -> bool:
    """Return whether someone else added the protecting label; a removed one is restored."""
    return any(label_of(d.path) == PROTECTED and d.after == "true" for d in _labels_of(item))


def _labels_of(item: Drift) -> Iterable[Difference]:
    return (d for d in item.differences if d.path.startswith(f"{FIELD}."))


def acceptable(drift: Iterable[Drift]) -> int:
    """Return the number of these that change the state when they are accepted."""
    return sum(
        item.gone or item.trained is not None or bool(recordable(item)) or gained_protection(item)
        for item in drift
    )


def _trained_outside(recorded: Recorded, live: Live) -> list[Drift]:
    """Return models that someone else trained on our datasets and that are not accepted yet."""
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
    """Return the live resources as if nothing had changed since they were recorded."""
    datasets: dict[str, LiveDataset] = {}
    models: dict[str, LiveModel] = {}
    for address, resource in recorded.resources.items():
        for obj in resource.objects:
            own = expected_labels(recorded.lineage, address, obj, protected=resource.protected)
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
        problem=next((p for p in Problem if p in obj.attributes), None),
        deployed=deploy is not None,
        node_count=node_count if isinstance(node_count, int) else None,
        labels={**_labels(obj), **own},
    )


def _labels(obj: RecordedObject) -> dict[str, str]:
    labels = obj.attributes.get("labels")
    return {k: str(v) for k, v in labels.items()} if isinstance(labels, dict) else {}


FIELD = "ownership_labels"


def label_differences(
    lineage: str,
    address: Address,
    obj: RecordedObject,
    labels: Mapping[str, str],
    *,
    protected: bool,
    current: RecordedObject | None,
) -> tuple[Difference, ...]:
    """Return the outdated ownership labels of an object, as `ownership_labels.version` etc."""
    wanted = expected_labels(lineage, address, obj, protected=protected)
    replaced = (
        obj.status is Status.FORMER
        and current is not None
        and (current.version or 0) > (obj.version or 0)
    )
    found = differing_labels(wanted, labels, replaced=replaced)
    return tuple(
        Difference(f"{FIELD}.{label.removeprefix(OWN_LABEL_PREFIX)}", there, should)
        for label, (there, should) in sorted(found.items())
    )


def outdated_labels(
    record: RecordedResource, lineage: str, *, protected: bool
) -> tuple[Difference, ...]:
    """Return the ownership labels that will be outdated on an object that is being created.

    They were chosen when its call was sent: it may have been moved, or protected, since.
    """
    own = address_digest(record.address)
    making = [o for o in record.operations if o.step in MAKING]
    found = []
    if any(address_digest_in(operation.token, lineage) not in (None, own) for operation in making):
        found.append((ADDRESS, None, address_label(lineage, record.address)))
    if any(operation.protected not in (None, protected) for operation in making):
        found.append((PROTECTED, *((None, "true") if protected else ("true", None))))
    return tuple(
        Difference(f"{FIELD}.{label.removeprefix(OWN_LABEL_PREFIX)}", before, after)
        for label, before, after in found
    )


def label_of(path: str) -> str:
    """Return the label that such a difference is about."""
    return OWN_LABEL_PREFIX + path.removeprefix(f"{FIELD}.")

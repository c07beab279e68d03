"""Notes beside the changes: models that expire, deployments elsewhere, likely renames. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.capabilities import Capabilities
from automl_plan.model.desired import Desired, DesiredModel
from automl_plan.model.json import Attributes
from automl_plan.model.lifespan import soon
from automl_plan.model.live import TOKEN_LABEL, Live, TrainedItems
from automl_plan.model.model_types import ClassificationType
from automl_plan.model.ownership_labels import data_label, inputs_digest
from automl_plan.model.recorded import RecordedResource, Status
from automl_plan.model.requirements import Metric
from automl_plan.planning import commands
from automl_plan.planning.endpoints import ended_deployments
from automl_plan.planning.plan import TRAININGS, Action, Change, Note, NoteKind

_REPLACE = TRAININGS | {Action.GATE, Action.PROMOTE}


def expiry_notes(
    models: Mapping[Address, DesiredModel],
    changes: Iterable[Change],
    resources: Mapping[Address, RecordedResource],
    live: Live,
    now: datetime,
) -> list[Note]:
    """Note current versions that expire soon, or have expired, and are not replaced."""
    replaced = {c.address for c in changes if c.action in _REPLACE}
    notes = []
    for address, model in sorted(models.items()):
        if address in replaced:
            continue
        record = resources.get(address)
        there = live.models.get(record.current.id) if record and record.current else None
        ends = None if there is None else there.expires
        if there is None or ends is None or not soon(ends, now):
            continue
        notes.append(
            Note(address, NoteKind.EXPIRY, _expiry(address, model, there.id, ends - now, ends))
        )
    return notes


def _expiry(
    address: Address, model: DesiredModel, object_id: str, left: timedelta, ends: datetime
) -> str:
    retrain = f"{commands.replace(address)} trains a new version"
    if left <= timedelta(0):
        return (
            f"{object_id} expired on {ends.date()}: it can't be deployed and serves no "
            "predictions; "
            f"{retrain}"
        )
    days = f"{left.days} day{'s' if left.days != 1 else ''}"
    text = (
        f"{object_id} expires in {days}, on {ends.date()}, and serves no predictions after that; "
    )
    limit = model.retrain_before_expiry
    if limit is None:
        return (
            f"{text}add `retrain: {{before_expiry: 30d}}` to train a new version in time, or run "
            f"{commands.replace(address)} now"
        )
    if left > limit:
        return f"{text}retrain.before_expiry trains a new version as of {(ends - limit).date()}"
    return f"{text}the version trained for retrain.before_expiry did not replace it; {retrain}"


def elsewhere_notes(
    changes: Sequence[Change], resources: Mapping[Address, RecordedResource], live: Live
) -> list[Note]:
    """Note versions that are also deployed at endpoints of someone else."""
    ends = ended_deployments(changes)
    notes = []
    for address, record in sorted(resources.items()):
        for obj in record.objects if address.kind is ResourceKind.MODEL else ():
            there = live.models.get(obj.id)
            for endpoint, nodes in sorted(there.foreign_deployments.items()) if there else ():
                what = (
                    f"{obj.id} is also deployed on {nodes} node{'s' if nodes != 1 else ''} at the "
                    f"endpoint {endpoint}, which is not the one of {address}: "
                )
                then = (
                    "this plan undeploys it there, because it deletes the model"
                    if (obj.id, endpoint) in ends
                    else "billed until it is undeployed there or the model is deleted"
                )
                notes.append(Note(address, NoteKind.ELSEWHERE, what + then))
    return notes


def trained_notes(resources: Mapping[Address, RecordedResource], live: Live) -> list[Note]:
    """Note versions for which the service reports fewer images than they were to be trained on.

    Not of former ones, which another version has replaced.
    """
    notes = []
    for address, record in sorted(resources.items()):
        for obj in record.objects if address.kind is ResourceKind.MODEL else ():
            there = live.models.get(obj.id)
            used = None if there is None else there.trained_items
            if obj.status is Status.FORMER:
                continue
            if fewer := fewer_trained_text(obj.labelled_examples, used):
                notes.append(
                    Note(address, NoteKind.TRAINED, f"version {obj.version} ({obj.id}) {fewer}")
                )
    return notes


def fewer_trained_text(declared: int | None, used: TrainedItems | None) -> str | None:
    """Describe a training that used fewer images than were declared; None of others.

    `declared`: images with a label; None where it is not known how many should have been used.
    """
    if declared is None or used is None or used.all >= declared:
        return None
    return (
        f"was trained on {used.all:,} of the {declared:,} labelled images of its data, as the "
        f"service reports (TRAIN {used.train:,}, VALIDATION {used.validation:,}, "
        f"TEST {used.test:,})"
    )


def empty_notes(
    desired: Desired,
    changes: Sequence[Change],
    resources: Mapping[Address, RecordedResource],
    live: Live,
) -> list[Note]:
    """Note datasets of ours without sources and images once the plan is carried out.

    Others fill one that is adopted. Where a model would be trained on one, the plan is refused,
    which says it, too.
    """
    created = {c.address for c in changes if c.action is Action.CREATE}
    trained = {c.address for c in changes if c.action in TRAININGS}
    refused = {model.dataset for a, model in desired.models.items() if a in trained}
    notes = []
    for address, dataset in sorted(desired.datasets.items()):
        if dataset.sources or address in refused:
            continue
        record = resources.get(address)
        there = live.datasets.get(record.current.id) if record and record.current else None
        made_here = there is not None and TOKEN_LABEL in there.labels
        empty = there is not None and there.example_count == 0
        if address in created or (made_here and empty):
            text = (
                "no sources and no images: list the import files, such as "
                f"`sources: [data/{address.name}.csv]`"
            )
            notes.append(Note(address, NoteKind.SOURCES, text))
    return notes


def rename_notes(
    changes: Sequence[Change], desired: Desired, resources: Mapping[Address, RecordedResource]
) -> list[Note]:
    """Note pairs of a deleted and a new resource that look like one under two names."""
    gone: dict[tuple[ResourceKind, str], Address] = {}
    for change in changes:
        record = resources.get(change.address)
        current = record.current if record else None
        if (
            change.action is Action.DELETE
            and current is not None
            and change.object_id == current.id
            and not _declared(change.address, desired)
        ):
            sign = _sign(change.address.kind, current.attributes)
            if sign is not None:
                gone.setdefault((change.address.kind, sign), change.address)
    notes = []
    for change in changes:
        if change.action not in (Action.CREATE, Action.TRAIN) or change.after is None:
            continue
        sign = _sign(change.address.kind, change.after)
        former = gone.pop((change.address.kind, sign), None) if sign is not None else None
        if former is not None:
            text = (
                f"looks like {former}, which would be deleted, under a new name; to keep the "
                f"existing object, write `moved: [{{from: {former}, to: {change.address}}}]`"
            )
            notes.append(Note(change.address, NoteKind.RENAME, text))
    return notes


def _sign(kind: ResourceKind, attributes: Attributes) -> str | None:
    return data_label(attributes) if kind is ResourceKind.DATASET else inputs_digest(attributes)


def _declared(address: Address, desired: Desired) -> bool:
    return address in desired.datasets or address in desired.models


def gate_notes(
    changes: Iterable[Change], desired: Desired, capabilities: Capabilities
) -> list[Note]:
    """Note gates of models to be trained that need numbers that the provider does not promise.

    A version that such a gate can't decide on is paid for all the same.
    """
    notes = []
    for change in changes:
        model = desired.models.get(change.address)
        if change.action not in TRAININGS or model is None or model.require is None:
            continue
        dataset = desired.datasets[model.dataset]
        missing = _not_promised(model, dataset.classification_type, capabilities)
        if missing:
            text = (
                f"evaluations of this provider need not have {' and '.join(missing)}: then the "
                "new version is paid for, kept undeployed, and "
                f"{commands.promote(change.address, None)} decides. Change `require` to avoid that"
            )
            notes.append(Note(change.address, NoteKind.GATE, text))
    return notes


def _not_promised(
    model: DesiredModel, kind: ClassificationType | None, capabilities: Capabilities
) -> list[str]:
    require = model.require
    assert require is not None  # noqa: S101 (the caller looked)
    boxes = kind is None
    asked = {*require.overall, *require.each_label}
    asked |= {metric for minima in require.labels.values() for metric in minima}
    if require.not_worse_than_current is not None:
        asked.add(Metric.MEAN_AVERAGE_PRECISION if boxes else Metric.AU_PRC)
    missing = sorted(map(str, asked - capabilities.metrics))
    if require.confidence is None:
        return missing
    if Metric.MEAN_AVERAGE_PRECISION in asked:
        missing.append("a bound of mean_average_precision, which `confidence` needs")
    if kind not in capabilities.counted:
        missing.append("the numbers of examples that `confidence` needs")
    return missing

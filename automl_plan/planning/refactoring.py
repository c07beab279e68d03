"""What `moved`, `removed` and `imports` make of the recorded resources. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from automl_plan.errors import PlanError
from automl_plan.planning import reasons
from automl_plan.planning.bookkeeping import FIELD
from automl_plan.planning.drift import live_object
from automl_plan.planning.plan import Action, Change, Difference
from automl_plan.resources.address import Address, ResourceKind
from automl_plan.resources.desired import Desired, trained_on
from automl_plan.resources.json import Attributes, Json
from automl_plan.resources.live import OWN_LABEL_PREFIX, Live, LiveDataset, LiveModel
from automl_plan.resources.recorded import Recorded, RecordedObject, RecordedResource
from automl_plan.resources.refactoring import Adoption, Move, Removal, RemovalAction


class Problem(Struct, frozen=True):
    """A block that can't be carried out."""

    section: str
    """`moved`, `removed` or `imports`."""
    index: int
    """Which one of that section, from 0."""
    message: str
    hint: str | None = None


class RefactoringImpossible(PlanError):
    """Blocks of the configuration that don't fit what is recorded, or what lives."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = tuple(problems)


class Rearranged(Struct):
    """The recorded resources as they will be, and the changes that make them so."""

    resources: dict[Address, RecordedResource]
    changes: list[Change] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the changes."""
        return tuple(change.key for change in self.changes)


def rearrange(
    desired: Desired,
    recorded: Recorded,
    live: Live,
    examples: Mapping[Address, int],
) -> Rearranged:
    """Carry out all blocks on the record; those that are done already do nothing.

    `examples` tells how many images the sources of declared datasets hold.
    """
    result = Rearranged(dict(recorded.resources))
    _move(desired.moves, result)
    _remove(desired.removals, live, result)
    _adopt(desired, live, examples, result)
    return result


# -- moved -----------------------------------------------------------------------------------


def _move(moves: tuple[Move, ...], result: Rearranged) -> None:
    onwards = {move.source: move.target for move in moves}
    for index, move in enumerate(moves):
        record = result.resources.get(move.source)
        if record is None:
            continue  # done, or never there
        target = move.target
        while target in onwards:
            target = onwards[target]
        there = result.resources.get(target)
        if there is not None and not half_moved(record, there):
            message = f"{move.source} can't be moved to {target}, which is recorded already"
            result.problems.append(Problem("moved", index, message, _HOW_TO_FREE.format(target)))
            continue
        result.changes.append(Change(target, Action.MOVE, reasons.MOVED, origin=move.source))
        del result.resources[move.source]
        result.resources[target] = replace(record, address=target)


_HOW_TO_FREE = "take {0} away first (`automl-plan state rm {0}`), or move to another address"


def half_moved(source: RecordedResource, target: RecordedResource) -> bool:
    """Whether a run was cut off between writing the new record and dropping the old one."""
    return replace(source, address=target.address) == target


# -- removed ---------------------------------------------------------------------------------


def _remove(removals: tuple[Removal, ...], live: Live, result: Rearranged) -> None:
    for index, removal in enumerate(removals):
        record = result.resources.get(removal.address)
        if record is None or removal.action is RemovalAction.DELETE:
            continue
        if record.operations:
            message = f"an operation of {removal.address} is running, and can't be forgotten"
            hint = "wait for it (`automl-plan wait`), or cancel it (`automl-plan operations`)"
            result.problems.append(Problem("removed", index, message, hint))
            continue
        result.changes += forget(record, live)
        del result.resources[removal.address]


def forget(record: RecordedResource, live: Live) -> list[Change]:
    """Drop a record and our labels on what lives of it."""
    changes = []
    for obj in record.objects:
        there = live_object(live, record.address.kind, obj.id)
        own = () if there is None else _own_labels(there.labels)
        reason = reasons.GONE if there is None else reasons.FORGOTTEN
        changes.append(
            Change(record.address, Action.FORGET, reason, object_id=obj.id, differences=own)
        )
    return changes


def _own_labels(labels: Mapping[str, str]) -> tuple[Difference, ...]:
    return tuple(
        Difference(f"{FIELD}.{label.removeprefix(OWN_LABEL_PREFIX)}", value, None)
        for label, value in sorted(labels.items())
        if label.startswith(OWN_LABEL_PREFIX)
    )


# -- imports ---------------------------------------------------------------------------------


def _adopt(
    desired: Desired, live: Live, examples: Mapping[Address, int], result: Rearranged
) -> None:
    # Datasets first: what a model was trained on is looked up in the record.
    blocks = sorted(enumerate(desired.adoptions), key=lambda block: block[1].address)
    for index, adoption in blocks:
        owner = _owner(adoption.object_id, result.resources)
        if owner == adoption.address:
            continue  # done
        record = result.resources.get(adoption.address)
        if live_object(live, adoption.address.kind, adoption.object_id) is None and (
            record is not None and not record.empty
        ):
            continue  # done once; another object has taken its place since
        said = not_adoptable(adoption, desired, live, result.resources)
        if said is not None:
            result.problems.append(Problem("imports", index, *said))
            continue
        result.changes.append(adopt(adoption, desired, live, examples, result.resources))


def adopt(
    adoption: Adoption,
    desired: Desired,
    live: Live,
    examples: Mapping[Address, int],
    resources: dict[Address, RecordedResource],
) -> Change:
    """The change that adopts an object; `resources` gets what will be recorded."""
    address, object_id = adoption.address, adoption.object_id
    dataset_id = None
    if address.kind is ResourceKind.DATASET:
        dataset = live.datasets[object_id]
        after = _dataset_attributes(dataset, address, desired, examples)
    else:
        model = live.models[object_id]
        dataset_id = model.dataset_id
        after = _model_attributes(model, address, desired, live, resources)
    change = Change(
        address, Action.IMPORT, reasons.ADOPTED, field="id", object_id=object_id, after=after
    )
    record = resources.get(address) or RecordedResource(address)
    version = record.versions + 1 if address.kind is ResourceKind.MODEL else None
    obj = RecordedObject(object_id, after, dataset_id=dataset_id, version=version)
    resources[address] = replace(record, current=obj, versions=version or 0)
    return change


def not_adoptable(
    adoption: Adoption,
    desired: Desired,
    live: Live,
    resources: Mapping[Address, RecordedResource],
) -> tuple[str, str | None] | None:
    """Why an object can't be adopted, and what to do; None when it can."""
    owner = _owner(adoption.object_id, resources)
    address, object_id = adoption.address, adoption.object_id
    kind = address.kind
    if owner is not None:
        return f"{object_id} is recorded already, as {owner}", None
    record = resources.get(address)
    if record is not None and not record.empty:
        return f"{address} is recorded already, with another object", "remove this import"
    there = live_object(live, kind, object_id)
    if there is None:
        other = next(k for k in ResourceKind if k is not kind)
        if live_object(live, other, object_id) is not None:
            return f"{object_id} is a {other}, not a {kind}", f"import it as {other}.NAME"
        return (
            f"there is no {kind} {object_id} in this project and location",
            f"`automl-plan {kind}s list` lists those that live",
        )
    declared = desired.datasets.get(address) or desired.models.get(address)
    if there.problem is None:
        return f"{object_id} is of a kind that automl-plan does not manage", None
    if declared is not None and declared.problem is not there.problem:
        return f"{object_id} is for {there.problem}, and {address} is {declared.problem}", None
    return None


def _dataset_attributes(
    dataset: LiveDataset, address: Address, desired: Desired, examples: Mapping[Address, int]
) -> dict[str, Json]:
    """What lives. Its content can't be read: it is taken for what is declared if the size fits."""
    attributes = dataset.attributes()
    declared = desired.datasets.get(address)
    if (
        declared is not None
        and declared.data is not None
        and examples.get(address) == dataset.example_count
    ):
        attributes["data"] = declared.data
    return attributes


def _model_attributes(
    model: LiveModel,
    address: Address,
    desired: Desired,
    live: Live,
    resources: Mapping[Address, RecordedResource],
) -> dict[str, Json]:
    """What lives; what the service does not tell of the training is taken as declared."""
    declared = desired.models.get(address)
    attributes = model.attributes()
    kind: dict[str, Json] = {
        "model_type": model.model_type or (declared.model_type if declared else None),
        "train_budget_milli_node_hours": model.train_budget_milli_node_hours
        or (declared.train_budget_milli_node_hours if declared else None),
    }
    base = model.base_model_id
    if base is not None:
        kind["base_model_id"] = base
    if model.disable_early_stopping:
        kind["disable_early_stopping"] = True
    if model.deployed and model.node_count is None:  # the service does not tell on how many
        nodes = declared.node_count if declared else None
        attributes["deploy"] = {"node_count": nodes or 1}
    attributes[str(model.problem)] = {k: v for k, v in kind.items() if v is not None}
    attributes["trained_on"] = _trained_on(model, live, resources)
    return attributes


def _trained_on(
    model: LiveModel, live: Live, resources: Mapping[Address, RecordedResource]
) -> dict[str, Json]:
    owner = _owner(model.dataset_id, resources)
    record = None if owner is None else resources[owner]
    for obj in record.objects if record else ():
        if obj.id == model.dataset_id:
            return trained_on(obj.attributes)
    there = live.datasets.get(model.dataset_id)
    known: Attributes = {str(model.problem): {}} if there is None else there.attributes()
    return trained_on(known)


def _owner(object_id: str, resources: Mapping[Address, RecordedResource]) -> Address | None:
    owners: Iterable[Address] = (
        address
        for address, record in resources.items()
        if any(obj.id == object_id for obj in record.objects)
    )
    return next(iter(owners), None)

"""Applies the blocks `moved`, `removed` and `imports` to the recorded resources. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from automl_plan.errors import PlanError
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.desired import Adoption, Desired, Move, Removal, RemovalAction, trained_on
from automl_plan.model.homes import seen_from, unrecorded_home
from automl_plan.model.json import Attributes, Json
from automl_plan.model.live import OWN_LABEL_PREFIX, TOKEN_LABEL, Live, LiveDataset, LiveModel
from automl_plan.model.ownership import Claim, Owners, lineage_of
from automl_plan.model.ownership_labels import ADDRESS, DATA, INPUTS, inputs_digest, possible_inputs
from automl_plan.model.recorded import Recorded, RecordedObject, RecordedResource
from automl_plan.planning import commands, reasons
from automl_plan.planning.drift import FIELD, live_object
from automl_plan.planning.plan import Action, Change, Difference


class BlockError(Struct, frozen=True):
    """A block that can't be carried out."""

    section: str
    """`moved`, `removed` or `imports`."""
    index: int
    """Which one of that section, from 0."""
    message: str
    hint: str | None = None


class RefactoringImpossible(PlanError):
    """Blocks of the configuration that don't fit the recorded or live resources."""

    def __init__(self, problems: Sequence[BlockError]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = tuple(problems)


class AppliedBlocks(Struct):
    """The recorded resources as they will be, and the changes that make them so."""

    resources: dict[Address, RecordedResource]
    changes: list[Change] = field(default_factory=list)
    problems: list[BlockError] = field(default_factory=list)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the changes."""
        return tuple(change.key for change in self.changes)


def apply_blocks(
    desired: Desired,
    recorded: Recorded,
    live: Live,
    examples: Mapping[Address, int],
) -> AppliedBlocks:
    """Apply all blocks to the record; blocks that are already done change nothing.

    `examples` are the numbers of images in the sources of declared datasets.
    """
    result = AppliedBlocks(dict(recorded.resources))
    _move(desired.moves, result)
    if desired.removals or desired.adoptions:
        owners = Owners(recorded.lineage, result.resources, live.operations)
        _remove(desired.removals, live, result, owners)
        _adopt(desired, live, examples, result, owners)
    return result


# -- moved -----------------------------------------------------------------------------------


def _move(moves: tuple[Move, ...], result: AppliedBlocks) -> None:
    onwards = {move.source: move.target for move in moves}
    for index, move in enumerate(moves):
        record = result.resources.get(move.source)
        if record is None:
            continue  # done, or never there
        target = move.target
        while target in onwards:
            target = onwards[target]
        there = result.resources.get(target)
        if there is not None and not is_half_moved(record, there):
            message = f"{move.source} can't be moved to {target}, which is already recorded"
            result.problems.append(
                BlockError("moved", index, message, _HOW_TO_FREE.format(commands.forget(target)))
            )
            continue
        result.changes.append(Change(target, Action.MOVE, reasons.MOVED, origin=move.source))
        del result.resources[move.source]
        result.resources[target] = replace(record, address=target)


_HOW_TO_FREE = "remove it from the state first ({}), or move to another address"


def is_half_moved(source: RecordedResource, target: RecordedResource) -> bool:
    """Return whether version 0.1 was interrupted while it moved this record."""
    return replace(source, address=target.address) == target


# -- removed ---------------------------------------------------------------------------------


def _remove(
    removals: tuple[Removal, ...], live: Live, result: AppliedBlocks, owners: Owners
) -> None:
    for index, removal in enumerate(removals):
        record = result.resources.get(removal.address)
        if record is None or removal.action is RemovalAction.DELETE:
            continue
        if record.operations:
            message = f"{removal.address} can't be forgotten while an operation of it is running"
            hint = f"wait for it ({commands.WAIT}), or cancel it ({commands.OPERATIONS})"
            result.problems.append(BlockError("removed", index, message, hint))
            continue
        result.changes += forget(record, live, owners)
        del result.resources[removal.address]


def forget(record: RecordedResource, live: Live, owners: Owners) -> list[Change]:
    """Drop a record, and our labels on its live objects but for those of another address, too.

    `owners` gets what will be recorded no more.
    """
    changes = []
    address = record.address
    for obj in record.objects:
        owners.drop(address, obj.id)
        there = live_object(live, address.kind, obj.id)
        claimed = owners.recorded_at(address.kind, obj.id) or owners.made_by(
            address.kind, obj.id, there
        )
        own = () if there is None or claimed else _own_labels(there.labels)
        reason = reasons.GONE if there is None else reasons.FORGOTTEN
        changes.append(Change(address, Action.FORGET, reason, object_id=obj.id, differences=own))
    return changes


def _own_labels(labels: Mapping[str, str]) -> tuple[Difference, ...]:
    return tuple(
        Difference(f"{FIELD}.{label.removeprefix(OWN_LABEL_PREFIX)}", value, None)
        for label, value in sorted(labels.items())
        if label.startswith(OWN_LABEL_PREFIX)
    )


# -- imports ---------------------------------------------------------------------------------


def _adopt(
    desired: Desired,
    live: Live,
    examples: Mapping[Address, int],
    result: AppliedBlocks,
    owners: Owners,
) -> None:
    # Datasets first: what a model was trained on is looked up in the record.
    blocks = sorted(enumerate(desired.adoptions), key=lambda block: block[1].address)
    for index, adoption in blocks:
        if any(o.id == adoption.object_id for o in _objects(result.resources, adoption.address)):
            continue  # done
        record = result.resources.get(adoption.address)
        if live_object(live, adoption.address.kind, adoption.object_id) is None and (
            record is not None and not record.empty
        ):
            continue  # done once; another object has taken its place since
        said = not_adoptable(adoption, desired, live, result.resources, owners)
        if said is not None:
            result.problems.append(BlockError("imports", index, *said))
            continue
        given_up = tuple(
            change.key
            for change in result.changes
            if change.action is Action.FORGET and change.object_id == adoption.object_id
        )
        change = adopt(adoption, desired, live, examples, result.resources, owners)
        result.changes.append(replace(change, needs=given_up))


def adopt(
    adoption: Adoption,
    desired: Desired,
    live: Live,
    examples: Mapping[Address, int],
    resources: dict[Address, RecordedResource],
    owners: Owners,
) -> Change:
    """The change that adopts an object; `resources` and `owners` get what will be recorded."""
    address, object_id = adoption.address, adoption.object_id
    dataset_id = home = None
    if address.kind is ResourceKind.DATASET:
        dataset = live.datasets[object_id]
        after = _dataset_attributes(dataset, address, desired, examples)
    else:
        model = live.models[object_id]
        home = unrecorded_home(object_id, model.endpoints, owners.lineage)
        model = seen_from(home, model)
        dataset_id = model.dataset_id
        after = _model_attributes(model, address, desired, live, resources, owners)
    change = Change(
        address,
        Action.IMPORT,
        reasons.ADOPTED,
        field="id",
        object_id=object_id,
        after=after,
        endpoints=() if home is None else (home.id,),
    )
    record = resources.get(address) or RecordedResource(address)
    version = record.versions + 1 if address.kind is ResourceKind.MODEL else None
    obj = RecordedObject(object_id, after, dataset_id=dataset_id, version=version)
    resources[address] = replace(record, current=obj, versions=version or 0, endpoint=home)
    owners.record(address, object_id)
    return change


def not_adoptable(
    adoption: Adoption,
    desired: Desired,
    live: Live,
    resources: Mapping[Address, RecordedResource],
    owners: Owners,
) -> tuple[str, str | None] | None:
    """Why an object can't be adopted as this address, and what to do; None when it can."""
    address, object_id = adoption.address, adoption.object_id
    kind = address.kind
    for owner in owners.recorded_at(kind, object_id):  # also where somebody deleted it since
        return _recorded_already(object_id, owner), None
    record = resources.get(address)
    if record is not None and not record.empty:
        return f"{address} is already recorded with another object", "remove this import"
    there = live_object(live, kind, object_id)
    if there is None:
        other = next(k for k in ResourceKind if k is not kind)
        if live_object(live, other, object_id) is not None:
            return f"{object_id} is a {other}, not a {kind}", f"import it as {other}.NAME"
        return (
            f"there is no {kind} {object_id} in this project and location",
            f"{commands.list_live(kind)} lists all {kind}s",
        )
    declared = desired.resource(address)
    if declared is not None and there.problem not in (None, declared.problem):
        return f"{object_id} is for {there.problem}, but {address} is for {declared.problem}", None
    return not_free(there, owners)


def not_free(there: LiveDataset | LiveModel, owners: Owners) -> tuple[str, str | None] | None:
    """Return why a live object can't be adopted, and what to do; None when it can.

    An unrecorded object with this state's labels can be: its state was lost or is outdated.
    """
    owner = owners.of(there)
    match owner.claim:
        case Claim.RECORDED:
            assert owner.address is not None  # noqa: S101 (what is recorded has one)
            return _recorded_already(there.id, owner.address), None
        case Claim.BEING_MADE:
            said = f"{there.id} is being created by {owner.address}"
            return said, f"wait until it is recorded: {commands.WAIT}"
        case Claim.OTHER_STATE:
            bears = there.labels.get(ADDRESS) or there.labels.get(TOKEN_LABEL)
            said = f"{there.id} belongs to another state (ownership label {bears})"
            return said, _HOW_TO_RELEASE
    if there.problem is None:
        return f"{there.id} is of a kind that automl-plan does not manage", None
    return None


def _recorded_already(object_id: str, owner: Address) -> str:
    return f"{object_id} is already recorded as {owner}"


_HOW_TO_RELEASE = (
    "remove it from that state first, in its own configuration (`removed: [{from: ADDRESS, "
    f"action: forget}}]`, or {commands.forget('ADDRESS')}); if that state is lost, rebuild it "
    f"({commands.STATE_REBUILD}), or remove the labels {ADDRESS} and {TOKEN_LABEL} from the object"
)


def _dataset_attributes(
    dataset: LiveDataset, address: Address, desired: Desired, examples: Mapping[Address, int]
) -> dict[str, Json]:
    """Return the live attributes; the declared data is assumed when the number of images fits."""
    attributes = dataset.attributes()
    declared = desired.datasets.get(address)
    if (
        declared is not None
        and declared.data is not None
        and dataset.example_count is not None
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
    owners: Owners,
) -> dict[str, Json]:
    """Return the live attributes; what the service does not report is taken as declared."""
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
    attributes["trained_on"] = _trained_on(model, live, resources, owners)
    return _as_labelled(attributes, model, owners)


def _trained_on(
    model: LiveModel,
    live: Live,
    resources: Mapping[Address, RecordedResource],
    owners: Owners,
) -> dict[str, Json]:
    for owner in owners.recorded_at(ResourceKind.DATASET, model.dataset_id):
        for obj in _objects(resources, owner):
            if obj.id == model.dataset_id:
                return trained_on(obj.attributes)
    there = live.datasets.get(model.dataset_id)
    known: Attributes = {str(model.problem): {}} if there is None else there.attributes()
    return trained_on(known)


def _as_labelled(attributes: dict[str, Json], model: LiveModel, owners: Owners) -> dict[str, Json]:
    """The attributes with the data that this state's own labels name, where they prove that.

    The dataset may be gone, with what it was for, or hold more by now. The digest of all inputs is
    the proof.
    """
    data, known = model.labels.get(DATA), attributes["trained_on"]
    ours = lineage_of(model.labels) == owners.lineage
    if not ours or data is None or not isinstance(known, dict):
        return attributes
    for labelled in possible_inputs(model, attributes, known):
        if inputs_digest(labelled) == model.labels.get(INPUTS):
            return labelled
    return attributes


def _objects(
    resources: Mapping[Address, RecordedResource], address: Address
) -> tuple[RecordedObject, ...]:
    record = resources.get(address)
    return () if record is None else record.objects

"""Live objects that have this state's ownership labels and are not in the state. Pure.

Each proves that the state was lost, is older than the object, or is not the only one. What is paid
for by such a state may be paid for twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.live import TOKEN_LABEL, Live, LiveDataset, LiveModel, Operation
from automl_plan.model.ownership import Claim, Owners, lineage_of
from automl_plan.model.ownership_labels import (
    LINEAGE_DIGITS,
    address_digest,
    address_digest_of,
    is_owned,
    owner,
)
from automl_plan.model.prices import PriceBook
from automl_plan.model.recorded import RecordedResource, Step, known_ids
from automl_plan.planning import commands
from automl_plan.planning.plan import (
    IN_USE,
    UNRECORDED,
    Action,
    Change,
    Refusal,
    Unrecorded,
    UnrecordedKind,
)

_PAID = frozenset({Action.CREATE, Action.IMPORT_DATA, Action.TRAIN, Action.RETRAIN, Action.DEPLOY})
"""Changes that cost money, load data, or make what both are done with."""
_ELSEWHERE = " at an unused address"
_SHOWN = 10
"""Objects that a refusal names one by one."""


class Known(Struct, frozen=True):
    """What a state knows: nothing of this is unrecorded."""

    ids: frozenset[str]
    """Of objects and operations."""
    tokens: frozenset[str]
    """Of open calls: their results have them as labels."""

    def __or__(self, other: Known) -> Known:
        return Known(self.ids | other.ids, self.tokens | other.tokens)


def known_to(
    resources: Mapping[Address, RecordedResource], operations: Iterable[Operation] = ()
) -> Known:
    """What is recorded, and what `operations` of it have made."""
    made = {operation.result_id for operation in operations if operation.result_id is not None}
    tokens = (operation.token for r in resources.values() for operation in r.operations)
    return Known(known_ids(resources) | made, frozenset(tokens))


def unrecorded(
    live: Live,
    known: Known,
    lineage: str,
    resources: Mapping[Address, RecordedResource],
    declared: Collection[Address],
    prices: PriceBook | None = None,
) -> tuple[Unrecorded, ...]:
    """Return the live objects with the labels of the state `lineage` that are not known.

    Without a state (`lineage` is ""): those with labels of declared addresses, of any state. A
    training without labels counts when it runs on a recorded dataset and no open call of the state
    can have started it.
    """
    objects: tuple[LiveDataset | LiveModel, ...] = (*live.datasets.values(), *live.models.values())
    labelled_objects = [o for o in objects if o.id not in known.ids and is_owned(o.labels)]
    owners = Owners(lineage, resources, live.operations) if labelled_objects else None
    claim = Claim.THIS_STATE if lineage else Claim.OTHER_STATE
    found = [
        obj
        for obj in labelled_objects
        if owners is not None
        and owners.of(obj).claim is claim
        and obj.labels.get(TOKEN_LABEL) not in known.tokens
    ]
    trainings = [t for t in live.trainings if t.id not in known.ids and not t.done]
    labelled = [t for t in trainings if t.labels and _is_ours(t, lineage, known)]
    unlabelled = _on_ours(
        [t for t in trainings if not t.labels and not live.labels_trainings], resources
    )
    if not (found or labelled or unlabelled):
        return ()
    reader = _Reader(lineage, resources, declared, prices)
    found_objects = [reader.object(obj) for obj in found] + [reader.training(t) for t in labelled]
    found_objects += [_on_dataset(training, address) for training, address in unlabelled]
    kept = (each for each in found_objects if each is not None)
    return tuple(sorted(kept, key=lambda each: (each.name, each.kind, each.id)))


def without_imported(
    found: Iterable[Unrecorded], changes: Iterable[Change]
) -> tuple[Unrecorded, ...]:
    """Those that are unrecorded once the imports among the changes are carried out."""
    imported = {change.object_id for change in changes if change.action is Action.IMPORT}
    return tuple(each for each in found if each.id not in imported)


def refusals(
    left: Sequence[Unrecorded], changes: Iterable[Change], lineage: str
) -> tuple[Refusal, ...]:
    """Why a plan that pays is not carried out while anything is unrecorded.

    What waits for an open operation refuses nothing: that one is followed first, and before the
    call is sent it is looked again.
    """
    later: set[str] = set()
    now = False
    for change in changes:  # each after what it needs
        if change.action is Action.RESUME or not later.isdisjoint(change.needs):
            later.add(change.key)
        else:
            now = now or pays(change)
    if not (left and now):
        return ()
    return tuple(Refusal(UNRECORDED, text) for text in reasons(left, lineage))


def in_use(
    found: Iterable[Unrecorded],
    live: Live,
    resources: Mapping[Address, RecordedResource],
    changes: Iterable[Change],
) -> Iterator[Refusal]:
    """Why a dataset is not deleted: a training on it runs that the state did not begin."""
    deleted = {
        c.object_id: c.address
        for c in changes
        if c.action is Action.DELETE and c.address.kind is ResourceKind.DATASET
    }
    if not deleted:
        return
    known, tokens = known_ids(resources), known_to(resources).tokens
    theirs = [
        _on_dataset(training, deleted[training.dataset_id])
        for training in live.trainings
        if training.dataset_id in deleted
        and training.id not in known
        and training.labels.get(TOKEN_LABEL) not in tokens
    ]
    said: set[str] = set()
    for each in (*found, *theirs):
        by = None if each.dataset_id is None else deleted.get(each.dataset_id)
        if by is not None and each.id not in said:
            said.add(each.id)
            text = (
                f"{by} delete: a training on {each.dataset_id} is running and would fail. "
                f"{each.text}"
            )
            yield Refusal(IN_USE, text, by)


def pays(change: Change) -> bool:
    """Whether a change is held back while anything is unrecorded."""
    return change.action in _PAID


def reasons(found: Sequence[Unrecorded], lineage: str) -> tuple[str, ...]:
    """Return why nothing is paid for: each object with how to settle it, and the conclusion."""
    said = [each.text for each in found[:_SHOWN]]
    if len(found) > _SHOWN:
        said.append(f"… and {len(found) - _SHOWN:,} more like these")
    return (*said, _conclusion(found, lineage))


def _conclusion(found: Sequence[Unrecorded], lineage: str) -> str:
    until = "Until then nothing is created, trained, imported or deployed."
    if not lineage:
        return (
            "There is no state, but these objects have ownership labels of declared addresses. If "
            f"the state was lost, restore it ({commands.STATE_PUSH}) or rebuild it from the labels "
            f"({commands.STATE_REBUILD}). If they belong to another configuration, start with an "
            f"empty state ({commands.STATE_NEW}). {until}"
        )
    if not any(each.labelled for each in found):
        return (
            "Who started such a training is known only after it ends. If this state is outdated, "
            f"restore the one that started it ({commands.STATE_PUSH}). {until}"
        )
    return (
        "The state was lost, is outdated, or is not the only one. Restore the one that records "
        f"them ({commands.STATE_PUSH}), rebuild it from the labels (move it away, then "
        f"{commands.STATE_REBUILD}), or settle each of them. {until}"
    )


def _is_ours(training: Operation, lineage: str, known: Known) -> bool:
    """Whether the labels of a training name the state (lineage "": any), and no open call."""
    if training.labels.get(TOKEN_LABEL) in known.tokens:
        return False
    named = lineage_of(training.labels)
    return named == lineage[:LINEAGE_DIGITS] if lineage else bool(named)


def _on_ours(
    trainings: Sequence[Operation], resources: Mapping[Address, RecordedResource]
) -> list[tuple[Operation, Address]]:
    """Trainings without labels on recorded datasets, with those.

    Of as many as there are open calls without an answer on a dataset, each may be one of those.
    """
    if not trainings:
        return []
    datasets = {
        obj.id: address
        for address, record in resources.items()
        if address.kind is ResourceKind.DATASET
        for obj in record.objects
    }
    intents = Counter(
        operation.dataset_id
        for record in resources.values()
        for operation in record.operations
        if operation.step is Step.TRAIN and operation.id is None
    )
    running = Counter(training.dataset_id for training in trainings)
    return [
        (training, datasets[on])
        for training in trainings
        if (on := training.dataset_id) in datasets and running[on] > intents[on]
    ]


def _on_dataset(training: Operation, dataset: Address) -> Unrecorded:
    text = (
        f"{dataset}: the operation {training.id} trains a model on it, and this state did not "
        f"start it: {_either(_until_it_ends(training))}"
    )
    return Unrecorded(
        UnrecordedKind.TRAINING,
        training.id,
        str(dataset),
        text,
        labelled=False,
        dataset_id=training.dataset_id,
    )


def _until_it_ends(training: Operation) -> tuple[str, ...]:
    return (
        f"wait until it ends ({commands.wait_for(training.id)})",
        f"cancel it ({commands.cancel(training.id)}; what it has used is billed)",
    )


def _either(ways: Sequence[str]) -> str:
    *others, last = ways
    return f"{', '.join(others)}, or {last}" if others else last


class _Reader:
    """Reads whose an object is by its labels."""

    def __init__(
        self,
        lineage: str,
        resources: Mapping[Address, RecordedResource],
        declared: Collection[Address],
        prices: PriceBook | None,
    ) -> None:
        self._lineage = lineage
        self._resources = resources
        self._prices = prices
        self._declared = frozenset(declared)
        self._by_mark = {(a.kind, address_digest(a)): a for a in (*resources, *declared)}

    def object(self, obj: LiveDataset | LiveModel) -> Unrecorded | None:
        """A dataset or a model; None for one of another configuration."""
        is_model = isinstance(obj, LiveModel)
        kind = ResourceKind.MODEL if is_model else ResourceKind.DATASET
        address, name = self._address(kind, obj.labels)
        if address is None and not self._lineage:
            return None
        monthly = self._monthly(obj) if isinstance(obj, LiveModel) else 0.0
        deployed = f", deployed for ${monthly:,.2f} a month," if monthly else ""
        text = (
            f"{name}: the {kind} {obj.id}{deployed} has {self._labels} but is not recorded: "
            f"{_either(self._how_to_settle(kind, obj.id, address))}"
        )
        return Unrecorded(
            UnrecordedKind(kind), obj.id, name, text, obj.display_name, monthly=monthly
        )

    def training(self, training: Operation) -> Unrecorded | None:
        """A training with labels; None for one of another configuration."""
        address, name = self._address(ResourceKind.MODEL, training.labels)
        if address is None and not self._lineage:
            return None
        text = (
            f"{name}: the training {training.id} runs with {self._labels} but is not recorded: "
            f"{_either(_until_it_ends(training))}"
        )
        return Unrecorded(
            UnrecordedKind.TRAINING, training.id, name, text, dataset_id=training.dataset_id
        )

    def _how_to_settle(
        self, kind: ResourceKind, object_id: str, address: Address | None
    ) -> tuple[str, ...]:
        ways = []
        if self._lineage:
            record = self._resources.get(address) if address is not None else None
            free = address in self._declared and (record is None or record.empty)
            place, where = (address, "") if free else (f"{kind}.NAME", _ELSEWHERE)
            ways.append(f"adopt it{where} ({commands.adopt(place, object_id)})")
        if kind is ResourceKind.MODEL:
            ways.append(f"delete it ({commands.delete_model(object_id)})")
        return (*ways, f"remove its ownership labels ({commands.forget(object_id)})")

    @property
    def _labels(self) -> str:
        return "this state's ownership labels" if self._lineage else "ownership labels"

    def _address(self, kind: ResourceKind, labels: Mapping[str, str]) -> tuple[Address | None, str]:
        whose = owner(labels)
        address = self._by_mark.get((kind, address_digest_of(labels) or ""))
        if address is not None:
            return address, str(address)
        return None, f"{kind}.{whose.name}" if whose is not None and whose.name else f"a {kind}"

    def _monthly(self, model: LiveModel) -> float:
        if self._prices is None or model.problem is None:
            return 0.0
        here = (model.node_count or 1) if model.deployed else 0
        nodes = here + sum(model.foreign_deployments.values())
        return round(self._prices.monthly_usd(model.problem, nodes), 2) if nodes else 0.0

"""What a migration to another provider moves, what it can't, and what that costs. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from msgspec import Struct

from automl_plan.planning.compare import differences, of
from automl_plan.planning.drift import live_object
from automl_plan.planning.plan import Difference
from automl_plan.planning.spending import cents_up
from automl_plan.resources.address import Address, ResourceKind
from automl_plan.resources.desired import Desired, DesiredModel
from automl_plan.resources.fields import Mutability
from automl_plan.resources.live import Live, LiveModel, user_labels
from automl_plan.resources.model_types import ClassificationType, Problem
from automl_plan.resources.prices import PriceBook
from automl_plan.resources.recorded import RecordedObject, RecordedResource

MOST_LABELS = 55
"""Of a user's on one object: a copy bears up to 9 of ours, and Vertex AI takes 64."""


class Moving(Struct, frozen=True):
    """One object that is copied."""

    address: Address
    object: RecordedObject
    display_name: str
    """As it lives."""
    node_count: int | None = None
    """Nodes that its copy is deployed on; None when the original is not deployed."""
    copied: bool = False
    """Whether an earlier run has made the copy already."""
    monthly_usd: float = 0.0
    """US dollars a month for the original's deployment, to the cent."""


class Staying(Struct, frozen=True):
    """What can't be moved, and why."""

    address: Address
    object_id: str | None
    """One version of several; None: the address as a whole."""
    why: str
    training_usd: float = 0.0
    """At most, for the training that the next plan has in its place."""


class Monthly(Struct, frozen=True):
    """US dollars a month for deployments, to the cent."""

    before: float
    during: float
    """While originals and copies are both deployed."""
    after: float
    """Once it is complete: with the originals that go on serving. Undeploy them: `before`."""


class MigrationPlan(Struct, frozen=True):
    """All that is recorded, sorted into what moves and what does not."""

    moving: tuple[Moving, ...]
    staying: tuple[Staying, ...]
    notes: tuple[str, ...]
    monthly: Monthly

    @property
    def training_usd(self) -> float:
        """At most, for all trainings that stand in for what stays."""
        return round(sum(each.training_usd for each in self.staying), 2)


class Knowledge(Struct, frozen=True):
    """What a migration is planned of."""

    resources: Mapping[Address, RecordedResource]
    live: Live
    """At the provider that everything is moved from."""
    desired: Desired
    """As declared for it."""
    wanted: Desired
    """As declared for the provider that takes over."""
    migratable: Collection[tuple[ResourceKind, str]]
    """Kinds and ids of all that can be copied."""
    copied: Collection[str]
    """Ids of originals whose copies are made."""
    failed: Mapping[str, str]
    """Ids of originals that were refused, and why; those are not tried again."""
    prices: PriceBook
    delete: bool = False
    """Whether the originals are deleted in the end."""


def plan_migration(known: Knowledge) -> MigrationPlan:
    """Sort everything that is recorded. No operation of it is open."""
    return _Planner(known).plan()


class _Planner:
    def __init__(self, known: Knowledge) -> None:
        self._known = known
        self._moving: list[Moving] = []
        self._staying: list[Staying] = []
        self._out: set[Address] = set()

    def plan(self) -> MigrationPlan:
        for _, record in sorted(self._known.resources.items()):  # datasets come first
            self._record(record)
        return MigrationPlan(
            tuple(self._moving), tuple(self._staying), tuple(self._notes()), self._monthly()
        )

    def _record(self, record: RecordedResource) -> None:
        address, current = record.address, record.current
        why = self._why_all(address, record)
        if why is None and current is not None:
            why = self._why(address, current)
        if why is not None:
            self._out.add(address)
            self._staying.append(Staying(address, None, why, self._instead(address)))
            return
        if current is not None:
            self._moving.append(self._of(address, current))
        for obj in record.others:
            if live_object(self._known.live, address.kind, obj.id) is None:
                continue  # the next plan would forget it
            why = self._why(address, obj)
            if why is None:
                self._moving.append(self._of(address, obj))
            else:
                self._staying.append(Staying(address, obj.id, why))

    def _why_all(self, address: Address, record: RecordedResource) -> str | None:
        declared, wanted = (
            d.models.get(address) for d in (self._known.desired, self._known.wanted)
        )
        if declared is None or wanted is None or record.current is None:
            return None
        if declared.dataset in self._out and "data" not in _trained_on(record.current):
            return f"{declared.dataset} stays, and its data is not known by its content"
        found = self._anew(declared, wanted)
        if found:
            fields = ", ".join(difference.path for difference in found)
            return (
                f"{fields} counts at Vertex AI only, and it was trained without: take that out "
                "until the next training"
            )
        return None

    def _anew(self, declared: DesiredModel, wanted: DesiredModel) -> tuple[Difference, ...]:
        """What is declared otherwise at the other provider, and would take a training there."""
        datasets = self._known.desired.datasets, self._known.wanted.datasets
        before = declared.attributes(datasets[0][declared.dataset])
        after = wanted.attributes(datasets[1][wanted.dataset])
        return of(ResourceKind.MODEL, differences(before, after), Mutability.IMMUTABLE)

    def _why(self, address: Address, obj: RecordedObject) -> str | None:
        there = live_object(self._known.live, address.kind, obj.id)
        if there is None:
            return "it does not live any more: `automl-plan plan` tells what follows"
        if obj.id in self._known.copied:
            return None
        if obj.id in self._known.failed:
            return f"it was refused: {self._known.failed[obj.id]}"
        if (address.kind, obj.id) not in self._known.migratable:
            return "Vertex AI does not find it among what can be migrated"
        if len(user_labels(there.labels)) > MOST_LABELS:
            return f"it has more than {MOST_LABELS} labels, and its copy needs room for ours"
        if kind_of_object(address.kind, obj) is None:
            return "what it was made for is not recorded"
        return None

    def _of(self, address: Address, obj: RecordedObject) -> Moving:
        there = live_object(self._known.live, address.kind, obj.id)
        assert there is not None  # noqa: S101 (what does not live stays)
        nodes = _nodes(there, obj) if isinstance(there, LiveModel) else None
        copied, usd = obj.id in self._known.copied, cents_up(self._usd(address, obj, nodes))
        return Moving(address, obj, there.display_name, nodes, copied, usd)

    def _usd(self, address: Address, obj: RecordedObject, nodes: int | None) -> float:
        about = kind_of_object(address.kind, obj)
        if about is None or nodes is None:
            return 0.0
        return self._known.prices.monthly_usd(about[0], nodes)

    def _instead(self, address: Address) -> float:
        """What the training costs at most that the next plan has in the place of an address."""
        declared = self._known.wanted.models.get(address)
        if declared is None:
            return 0.0
        budget = declared.train_budget_milli_node_hours
        prices = self._known.prices
        usd = prices.training_usd(declared.problem, declared.model_type, budget) or 0.0
        return cents_up(usd)

    def _monthly(self) -> Monthly:
        live = self._known.live.models
        before = copies = stays = 0.0
        moved = {moving.object.id for moving in self._moving}
        for address, record in self._known.resources.items():
            for obj in record.objects:
                there = live.get(obj.id)
                usd = 0.0 if there is None else self._usd(address, obj, _nodes(there, obj))
                before += usd
                copies += usd if obj.id in moved else 0.0
                stays += usd if obj.id not in moved or self._kept(record) else 0.0
        during = before + copies
        after = stays + copies if self._known.delete else during
        return Monthly(cents_up(before), cents_up(during), cents_up(after))

    def _kept(self, record: RecordedResource) -> bool:
        """Whether originals stay though the others are deleted."""
        declared = self._known.wanted.models.get(record.address)
        return record.protected or (declared is not None and declared.lifecycle.prevent_destroy)

    def _notes(self) -> Iterator[str]:
        moved = {moving.address for moving in self._moving}
        for address, model in sorted(self._known.wanted.models.items()):
            if address not in moved:
                continue
            if model.base_model_id is not None:
                yield (
                    f"{address}: its next training at Vertex AI needs another base_model_id: "
                    f"{model.base_model_id} lives at AutoML"
                )
            if model.retrain_max_age is not None or model.retrain_before_expiry is not None:
                yield f"{address}: its age (`retrain`) counts anew from the migration"


def kind_of_object(
    kind: ResourceKind, obj: RecordedObject
) -> tuple[Problem, ClassificationType | None] | None:
    """What a recorded object is for; None where that is not recorded."""
    problem = next((each for each in Problem if each in obj.attributes), None)
    if problem is None:
        return None
    if problem is not Problem.IMAGE_CLASSIFICATION:
        return problem, None
    about = obj.attributes if kind is ResourceKind.DATASET else _trained_on(obj)
    told = about.get(problem)
    name = told.get("classification_type") if isinstance(told, dict) else None
    return (problem, ClassificationType(name)) if name in set(ClassificationType) else None


def _trained_on(obj: RecordedObject) -> Mapping[str, object]:
    found = obj.attributes.get("trained_on")
    return found if isinstance(found, dict) else {}


def _nodes(there: LiveModel, obj: RecordedObject) -> int | None:
    """On how many nodes a model is deployed: as it lives, as recorded, or one."""
    if not there.deployed:
        return None
    deploy = obj.attributes.get("deploy")
    recorded = deploy.get("node_count") if isinstance(deploy, dict) else None
    return there.node_count or (recorded if isinstance(recorded, int) else None) or 1

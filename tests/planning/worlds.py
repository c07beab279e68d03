"""A pure model of a service and a state, on which plans are carried out step by step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from msgspec.structs import replace

from automl_plan.config.prices import list_prices
from automl_plan.model.address import Address, ResourceKind, dataset_address, model_address
from automl_plan.model.desired import Desired, DesiredDataset, DesiredModel, Policy
from automl_plan.model.json import Attributes
from automl_plan.model.live import OWN_LABEL_PREFIX, Live, LiveDataset, LiveModel, Operation
from automl_plan.model.model_types import ClassificationType, Problem
from automl_plan.model.ownership_labels import OWNERSHIP_LABELS, expected_labels
from automl_plan.model.recorded import (
    Decision,
    DecisionKind,
    Recorded,
    RecordedObject,
    RecordedOperation,
    RecordedResource,
    Status,
    Step,
)
from automl_plan.model.transitions import (
    after_operation,
    with_attributes,
    with_current,
    with_operation,
    with_status,
    without_object,
    without_operation,
)
from automl_plan.planning.drift import label_of
from automl_plan.planning.options import PlanOptions
from automl_plan.planning.plan import Action, Change, Plan, Unrecorded
from automl_plan.planning.planner import make_plan
from automl_plan.planning.refactoring import apply_blocks
from automl_plan.planning.refusals import RefusalContext, find_refusals
from automl_plan.planning.unrecorded import refusals, without_imported
from automl_plan.providers.google.automl.capabilities import AUTOML
from automl_plan.providers.google.capabilities import LIFESPAN

LINEAGE = "0123456789ab" + "0" * 20
_PATCHED = ("display_name", "description", "labels")


def dataset(name: str = "digits", **changes: object) -> DesiredDataset:
    """A declared dataset with data."""
    base = DesiredDataset(
        address=dataset_address(name),
        display_name=name,
        problem=Problem.IMAGE_CLASSIFICATION,
        classification_type=ClassificationType.MULTICLASS,
        sources=("digits.csv",),
        data="v1:aa",
    )
    return replace(base, **changes)


def model(name: str = "digits", of: str = "digits", **changes: object) -> DesiredModel:
    """A declared and deployed model."""
    base = DesiredModel(
        address=model_address(name),
        display_name=name,
        dataset=dataset_address(of),
        problem=Problem.IMAGE_CLASSIFICATION,
        model_type="cloud",
        train_budget_milli_node_hours=8000,
        node_count=1,
    )
    return replace(base, **changes)


def desired(*resources: DesiredDataset | DesiredModel) -> Desired:
    """A configuration of these resources."""
    return Desired(
        datasets={r.address: r for r in resources if isinstance(r, DesiredDataset)},
        models={r.address: r for r in resources if isinstance(r, DesiredModel)},
    )


def guarded(plan: Plan, found: Iterable[Unrecorded], lineage: str) -> Plan:
    """A plan with what is unrecorded, and what that refuses of it."""
    left = without_imported(found, plan.changes)
    return replace(plan, unrecorded=left, refused=tuple(refusals(left, plan.changes, lineage)))


@dataclass
class World:
    """What is recorded and what lives. `trained` counts the trainings."""

    resources: dict[Address, RecordedResource] = field(default_factory=dict)
    datasets: dict[str, LiveDataset] = field(default_factory=dict)
    models: dict[str, LiveModel] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    trained: int = 0
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    """By the service's clock."""
    passes: bool | None = True
    """What gates decide; None: they can't."""
    decision: Decision | None = None
    """A person's, for promotions."""
    fewest_serving: int = 99
    """The least number of models that were deployed after any change."""
    cancelled: list[Address] = field(default_factory=list)
    """Whose trainings were ended."""
    detached: bool = False
    """Whether trainings are left running."""
    _ids: count[int] = field(default_factory=lambda: count(1))

    def copy(self) -> World:
        """Another one, in which the same is recorded and lives."""
        other = copy(self)
        for name in ("resources", "datasets", "models", "operations", "cancelled"):
            setattr(other, name, copy(getattr(self, name)))
        other._ids = count(next(self._ids) + 1000)  # noqa: SLF001 (it is one of these)
        return other

    @property
    def recorded(self) -> Recorded:
        return Recorded(LINEAGE, 1, dict(self.resources))

    @property
    def live(self) -> Live:
        return Live(dict(self.datasets), dict(self.models), dict(self.operations))

    def plan(self, wanted: Desired, options: PlanOptions | None = None) -> Plan:
        options = options or PlanOptions()
        examples = dict.fromkeys(wanted.datasets, 1)
        plan = make_plan(
            wanted, self.recorded, self.live, options, service_now=self.now, examples=examples
        )
        return replace(
            plan, refused=find_refusals(plan.changes, self.grounds(wanted, options)).refused
        )

    def grounds(self, wanted: Desired, options: PlanOptions, policy: Policy = ()) -> RefusalContext:
        """What a plan is judged by."""
        examples = dict.fromkeys(wanted.datasets, 1)
        moved = apply_blocks(wanted, self.recorded, self.live, examples).resources
        return RefusalContext(
            desired=wanted,
            recorded=replace(self.recorded, resources=moved),
            live=self.live,
            options=options,
            policy=policy,
            provider={"location": "us-central1"},
            prices=list_prices(AUTOML),
            meter=None,
            sources={},
            place=lambda _address, _field: None,
            capabilities=AUTOML,
        )

    def apply(self, wanted: Desired, options: PlanOptions | None = None) -> Plan:
        """Plan, and carry the plan out."""
        plan = self.plan(wanted, options)
        self.carry_out(plan, wanted)
        return plan

    def carry_out(self, plan: Plan, wanted: Desired) -> None:
        """Do what a plan says, as far as gates let it."""
        done: set[str] = set()
        failed: set[str] = set()
        keys = {change.key for change in plan.changes}
        for change in plan.changes:
            assert done | failed >= set(change.needs) & keys, "a change stands before its need"
            if failed.intersection(change.needs) or not self._carry_out(change, wanted):
                failed.add(change.key)
            else:
                done.add(change.key)
            serving = sum(model.deployed for model in self.models.values())
            self.fewest_serving = min(self.fewest_serving, serving)

    def _carry_out(self, change: Change, wanted: Desired) -> bool:
        """Whether it came to a good end; only gates don't."""
        record = self.resources.get(change.address) or RecordedResource(change.address)
        current = record.current
        object_id = change.object_id or (current.id if current else None)
        after = dict(change.after or {})
        match change.action:
            case Action.CREATE:
                made = f"D{next(self._ids)}"
                d = wanted.datasets[change.address]
                own = self._marks(change.address, wanted, RecordedObject(made, after))
                self.datasets[made] = LiveDataset(
                    made,
                    d.display_name,
                    d.problem,
                    d.classification_type,
                    d.description,
                    {**d.labels, **own},
                    example_count=1,
                )
                after.pop("data", None)
                record = after_operation(record, _operation(Step.CREATE, after), made=made)
                record = replace(record, protected=d.lifecycle.prevent_destroy)
            case Action.IMPORT_DATA:
                record = after_operation(
                    record, replace(_operation(Step.IMPORT_DATA, after), object_id=object_id)
                )
            case Action.TRAIN | Action.RETRAIN:
                made = f"M{next(self._ids)}"
                m = wanted.models[change.address]
                on = self.resources[m.dataset].current
                assert on is not None
                assert wanted.datasets[m.dataset].data in (None, on.attributes.get("data"))
                self.trained += 1
                after.pop("deploy", None)
                operation = replace(
                    _operation(Step.TRAIN, after),
                    id=made.replace("M", "OP"),
                    token=made.replace("M", "token"),
                    dataset_id=on.id,
                    version=record.versions + 1,
                    gated=m.require is not None,
                )
                record = with_operation(record, operation)
                record = replace(record, protected=m.lifecycle.prevent_destroy)
                if self.detached:
                    self.resources[change.address] = record
                    return False
                record = self._trained(record, operation, wanted, made)
            case Action.RESUME:
                (operation,) = (o for o in record.operations if o.id == change.operation_id)
                record = self._trained(
                    record, operation, wanted, (operation.id or "").replace("OP", "M")
                )
            case Action.CANCEL:
                (operation,) = (o for o in record.operations if o.id == change.operation_id)
                record = without_operation(record, operation)
                self.cancelled.append(change.address)
            case Action.GATE | Action.PROMOTE:
                candidates = [o for o in record.others if o.status is Status.CANDIDATE]
                chosen = change.object_id or max(candidates, key=lambda o: o.version or 0).id
                passed = self.passes or change.action is Action.PROMOTE
                require = wanted.models[change.address].require
                undecided = not passed and self.passes is None
                kind = DecisionKind.PASSED if passed else DecisionKind.REJECTED
                decision = self.decision or Decision(
                    DecisionKind.UNDECIDED if undecided else kind,
                    "now",
                    require=require.to_json() if require else None,
                    rows=({"requirement": "au_prc", "required": 0.9, "met": None},)
                    if undecided
                    else (),
                    absent_is_unknown=True,
                )
                if passed:
                    record = with_current(record, chosen, decision)
                else:
                    status = Status.CANDIDATE if undecided else Status.REJECTED
                    record = with_status(record, chosen, status, decision)
                for obj in record.objects:
                    old = self.models[obj.id]
                    labels = {k: v for k, v in old.labels.items() if k not in OWNERSHIP_LABELS}
                    labels |= self._marks(change.address, wanted, obj)
                    self.models[obj.id] = replace(old, labels=labels)
                self.resources[change.address] = record
                return bool(passed)
            case Action.MOVE:
                assert change.origin is not None
                record = replace(self.resources.pop(change.origin), address=change.address)
            case Action.IMPORT:
                assert object_id is not None
                there = self.models.get(object_id)
                is_model = change.address.kind is ResourceKind.MODEL
                obj = RecordedObject(
                    object_id,
                    after,
                    dataset_id=there.dataset_id if there else None,
                    version=record.versions + 1 if is_model else None,
                )
                record = replace(record, current=obj, versions=obj.version or 0)
                own = self._marks(change.address, wanted, obj)
                if there is None:
                    d0 = self.datasets[object_id]
                    self.datasets[object_id] = replace(d0, labels={**d0.labels, **own})
                else:
                    self.models[object_id] = replace(there, labels={**there.labels, **own})
            case Action.UPDATE:
                self._update(change, object_id or "", after)
                declared = wanted.datasets.get(change.address) or wanted.models[change.address]
                record = replace(record, protected=declared.lifecycle.prevent_destroy)
                if current is not None and object_id == current.id:
                    patched = {k: v for k, v in after.items() if k in _PATCHED}
                    record = replace(record, current=with_attributes(current, patched))
            case Action.DEPLOY | Action.UNDEPLOY:
                self._deploy(change, object_id or "", wanted)
                step = Step.DEPLOY if change.action is Action.DEPLOY else Step.UNDEPLOY
                record = after_operation(
                    record, replace(_operation(step, after), object_id=object_id)
                )
            case Action.DELETE:
                assert object_id is not None
                if change.address.kind is ResourceKind.DATASET:
                    del self.datasets[object_id]
                else:
                    assert not self.models[object_id].deployed, "a deployed model is deleted"
                    del self.models[object_id]
                record = without_object(record, object_id)
            case Action.FORGET:
                record = without_object(record, object_id)
                self._take_labels_off(change)
            case other:
                raise AssertionError(f"this world knows no {other}")
        if record.empty:
            self.resources.pop(change.address, None)
        else:
            self.resources[change.address] = record
        return True

    def _trained(
        self, record: RecordedResource, operation: RecordedOperation, wanted: Desired, made: str
    ) -> RecordedResource:
        """A training has ended: its model lives, and is recorded."""
        address = record.address
        record = after_operation(record, operation, made=made)
        obj = next(o for o in record.objects if o.id == made)
        labels, inputs = (obj.attributes[k] for k in ("labels", str(Problem.IMAGE_CLASSIFICATION)))
        assert isinstance(labels, dict)
        assert isinstance(inputs, dict)
        budget = inputs["train_budget_milli_node_hours"]
        assert isinstance(budget, int)
        own: dict[str, str] = {}
        if address in wanted.models:
            own = self._marks(address, wanted, obj)
        self.models[made] = LiveModel(
            made,
            str(obj.attributes["display_name"]),
            obj.dataset_id or "",
            Problem.IMAGE_CLASSIFICATION,
            model_type=str(inputs["model_type"]),
            train_budget_milli_node_hours=budget,
            labels={**{k: str(v) for k, v in labels.items()}, **own},
            create_time=self.now.isoformat(),
            expires=LIFESPAN.end_of(self.now.isoformat()),
        )
        return record

    def _take_labels_off(self, change: Change) -> None:
        gone = {
            label_of(d.path) for d in change.differences if d.path.startswith("ownership_labels.")
        }
        object_id = change.object_id or ""

        def kept(labels: Mapping[str, str]) -> dict[str, str]:
            return {key: value for key, value in labels.items() if key not in gone}

        if (dataset := self.datasets.get(object_id)) is not None:
            self.datasets[object_id] = replace(dataset, labels=kept(dataset.labels))
        if (model := self.models.get(object_id)) is not None:
            self.models[object_id] = replace(model, labels=kept(model.labels))

    def _marks(self, address: Address, wanted: Desired, obj: RecordedObject) -> dict[str, str]:
        declared = wanted.datasets.get(address) or wanted.models[address]
        return expected_labels(LINEAGE, address, obj, protected=declared.lifecycle.prevent_destroy)

    def _update(self, change: Change, object_id: str, after: Attributes) -> None:
        labels = after["labels"]
        assert isinstance(labels, dict)
        objects = self.datasets if change.address.kind is ResourceKind.DATASET else self.models
        there = objects[object_id].labels
        texts = {k: v for k, v in there.items() if k.startswith(OWN_LABEL_PREFIX)}
        for difference in change.differences:
            if difference.path.startswith("ownership_labels."):
                texts.pop(label_of(difference.path), None)
                if difference.after is not None:
                    texts[label_of(difference.path)] = str(difference.after)
        texts |= {key: str(value) for key, value in labels.items()}
        name = str(after["display_name"])
        if change.address.kind is ResourceKind.DATASET:
            self.datasets[object_id] = replace(
                self.datasets[object_id],
                display_name=name,
                labels=texts,
                description=str(after["description"]),
            )
        else:
            self.models[object_id] = replace(
                self.models[object_id], display_name=name, labels=texts
            )

    def _deploy(self, change: Change, object_id: str, wanted: Desired) -> None:
        deployed = change.action is Action.DEPLOY
        nodes = wanted.models[change.address].node_count if deployed else None
        self.models[object_id] = replace(
            self.models[object_id], deployed=deployed, node_count=nodes
        )


def _operation(step: Step, attributes: Attributes) -> RecordedOperation:
    return RecordedOperation(
        step,
        token="0" * 32,
        started="2026-01-01T00:00:00Z",
        attributes=attributes,
    )

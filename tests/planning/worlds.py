"""A pure model of a service and a state, on which plans are carried out step by step."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count

from automl_plan.planning.options import PlanOptions
from automl_plan.planning.plan import Action, Change, Plan
from automl_plan.planning.planner import make_plan
from automl_plan.resources.address import Address, ResourceKind, dataset_address, model_address
from automl_plan.resources.desired import Desired, DesiredDataset, DesiredModel
from automl_plan.resources.json import Attributes
from automl_plan.resources.live import Live, LiveDataset, LiveModel
from automl_plan.resources.model_types import ClassificationType, Problem
from automl_plan.resources.recorded import Recorded, RecordedOperation, RecordedResource, Step
from automl_plan.resources.transitions import (
    after_operation,
    with_attributes,
    without_object,
)


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
    return replace(base, **changes)  # type: ignore[arg-type]  # test data, checked by the tests


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
    return replace(base, **changes)  # type: ignore[arg-type]  # test data, checked by the tests


def desired(*resources: DesiredDataset | DesiredModel) -> Desired:
    """A configuration of these resources."""
    return Desired(
        datasets={r.address: r for r in resources if isinstance(r, DesiredDataset)},
        models={r.address: r for r in resources if isinstance(r, DesiredModel)},
    )


@dataclass
class World:
    """What is recorded and what lives. `trained` counts the trainings."""

    resources: dict[Address, RecordedResource] = field(default_factory=dict)
    datasets: dict[str, LiveDataset] = field(default_factory=dict)
    models: dict[str, LiveModel] = field(default_factory=dict)
    trained: int = 0
    _ids: count[int] = field(default_factory=lambda: count(1))

    @property
    def recorded(self) -> Recorded:
        return Recorded("lineage", 1, dict(self.resources))

    @property
    def live(self) -> Live:
        return Live(dict(self.datasets), dict(self.models))

    def plan(self, wanted: Desired, options: PlanOptions | None = None) -> Plan:
        return make_plan(wanted, self.recorded, self.live, options or PlanOptions())

    def apply(self, wanted: Desired, options: PlanOptions | None = None) -> Plan:
        """Plan, and carry the plan out."""
        plan = self.plan(wanted, options)
        done: set[str] = set()
        keys = {change.key for change in plan.changes}
        for change in plan.changes:
            assert done >= set(change.needs) & keys, "a change stands before one that it needs"
            self._carry_out(change, wanted)
            done.add(change.key)
        return plan

    def _carry_out(self, change: Change, wanted: Desired) -> None:
        record = self.resources.get(change.address) or RecordedResource(change.address)
        current = record.current
        object_id = change.object_id or (current.id if current else None)
        after = dict(change.after or {})
        match change.action:
            case Action.CREATE:
                made = f"D{next(self._ids)}"
                d = wanted.datasets[change.address]
                self.datasets[made] = LiveDataset(
                    made, d.display_name, d.problem, d.classification_type, d.description, d.labels
                )
                after.pop("data", None)
                record = after_operation(record, _operation(Step.CREATE, after), made=made)
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
                self.models[made] = LiveModel(
                    made, m.display_name, on.id, m.problem, labels=m.labels
                )
                after.pop("deploy", None)
                operation = replace(_operation(Step.TRAIN, after), dataset_id=on.id)
                record = after_operation(record, operation, made=made)
            case Action.UPDATE:
                self._update(change, object_id or "", after)
                if current is not None:
                    record = replace(record, current=with_attributes(current, after))
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
            case other:
                raise AssertionError(f"this world knows no {other}")
        if record.empty:
            self.resources.pop(change.address, None)
        else:
            self.resources[change.address] = record

    def _update(self, change: Change, object_id: str, after: Attributes) -> None:
        labels = after["labels"]
        assert isinstance(labels, dict)
        texts = {key: str(value) for key, value in labels.items()}
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

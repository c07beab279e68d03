"""The parts of a plan document that a plan has in another form: made of it, and turned back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.structs import asdict

from automl_plan.model.address import Address
from automl_plan.model.desired import (
    DesiredDataset,
    DesiredModel,
    Lifecycle,
    OnSourceChange,
)
from automl_plan.model.json import Attributes, Count, Document, ObjectId, Real
from automl_plan.model.model_types import ClassificationType, Problem
from automl_plan.model.requirements import Requirements
from automl_plan.model.timestamps import rfc3339
from automl_plan.planning.gate import GateReport
from automl_plan.planning.plan import (
    Amounts,
    Change,
    CostLine,
    Costs,
    Idle,
)
from automl_plan.planning.scorecards import Scorecard
from automl_plan.recovery.interrupted_calls import Verdict
from automl_plan.workspace.billing import Moment

Clock: TypeAlias = Annotated[
    str,
    Meta(pattern=r"^([0-8][0-9]{3}|9000)-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$"),
]


class MomentEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """The time for which a plan was made. `apply` plans again for this moment, and refuses a file
    that says anything else."""

    machine: Clock
    """By the clock of the machine that made it."""
    service: Clock
    """By the clock of the service."""

    @classmethod
    def of(cls, moment: Moment) -> Self:
        """Return the entry of a moment."""
        return cls(rfc3339(moment.machine, "microseconds"), rfc3339(moment.service, "microseconds"))

    def moment(self) -> Moment:
        """Return the moment. Raises ValueError."""
        return Moment(datetime.fromisoformat(self.machine), datetime.fromisoformat(self.service))


class ChangeEntry(Change, frozen=True, kw_only=True):
    """One step of a plan."""

    key: str
    """Unique in the plan."""

    @classmethod
    def of(cls, change: Change) -> Self:
        """Return the entry of a change."""
        return cls(key=change.key, **asdict(change))

    def change(self) -> Change:
        """Return the change. Raises ValueError."""
        change = Change(**{name: getattr(self, name) for name in Change.__struct_fields__})
        if change.key != self.key:
            raise ValueError(f"the change {self.key!r:.200} has another key than its own")
        return change


class FoundCall(Document, frozen=True, kw_only=True):
    """The outcome of a call that was interrupted in an earlier run. For the reader: applying looks
    again."""

    address: Address
    step: str
    started: str
    verdict: Verdict
    made: str | None = None
    candidates: tuple[str, ...]


class CostEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """The money in a plan: US dollars, at most."""

    prices_of: str
    """The date of the price book."""
    resources: dict[Address, Amounts]
    total: Amounts
    idle: tuple[Idle, ...]
    """What is deployed and unmanaged."""
    currency: Literal["USD"] = "USD"

    @classmethod
    def of(cls, costs: Costs) -> Self:
        """Return the entry of costs."""
        resources = {line.address: line.amounts for line in costs.lines}
        return cls(costs.prices_of, resources, costs.total, costs.idle)

    def costs(self) -> Costs:
        """Return the costs; their total is a sum."""
        return Costs(
            self.prices_of,
            tuple(CostLine(address, amounts) for address, amounts in self.resources.items()),
            self.idle,
        )


class GateEntry(GateReport, frozen=True, kw_only=True):
    """What a gate would find by what is declared now."""

    passed: bool | None
    """Null: undecided, since a number that it needs is not reported."""

    @classmethod
    def of(cls, report: GateReport) -> Self:
        """Return the entry of a report."""
        return cls(passed=report.passed, **asdict(report.rounded))

    def report(self) -> GateReport:
        """Return the report."""
        return GateReport(**{name: getattr(self, name) for name in GateReport.__struct_fields__})


class ScorecardEntry(Scorecard, frozen=True, kw_only=True):
    """The quality of one version."""

    gate: GateEntry | None
    """What its gate would find by what is declared now; null where none is declared."""

    @classmethod
    def of(cls, card: Scorecard) -> Self:
        """Return the entry of a scorecard."""
        gate = None if card.gate is None else GateEntry.of(card.gate)
        return cls(**{**asdict(card), "gate": gate})

    def card(self) -> Scorecard:
        """Return the scorecard. Raises ValueError."""
        gate = None if self.gate is None else self.gate.report()
        matrix = self.confusion
        if matrix and any(len(each) != len(matrix.labels) for each in (matrix.rows, *matrix.rows)):
            raise ValueError("a confusion matrix is not square")
        return Scorecard(**{**asdict(self), "gate": gate})


class DatasetEntry(Document, frozen=True, kw_only=True):
    """A declared dataset."""

    display_name: str
    problem: Problem
    classification_type: ClassificationType | None = None
    description: str
    labels: dict[str, str]
    sources: tuple[str, ...]
    on_source_change: OnSourceChange
    data: str | None = None
    """The fingerprint of what the sources contain."""
    prevent_destroy: bool = False
    ignore_changes: tuple[str, ...] = ()

    @classmethod
    def of(cls, dataset: DesiredDataset) -> Self:
        """Return the entry of a dataset."""
        return cls(**_flat(cls, dataset), **asdict(dataset.lifecycle))

    def at(self, address: Address) -> DesiredDataset:
        """Return the dataset."""
        return DesiredDataset(address, **_nested(self))


class ModelEntry(Document, frozen=True, kw_only=True):
    """A declared model."""

    display_name: str
    dataset: Address
    problem: Problem
    model_type: str
    train_budget_milli_node_hours: Annotated[int, Meta(ge=1)]
    base_model_id: ObjectId | None = None
    training_options: Attributes = field(default_factory=dict)
    labels: dict[str, str]
    node_count: Annotated[int, Meta(ge=1)] | None = None
    redeploys: bool = False
    """Whether another number of nodes takes a new deployment at the provider."""
    sets_all_or_none: bool = False
    """Whether the provider keeps the sets of import files only if all images have one."""
    require: Attributes | None = None
    keep_versions: Count | UnsetType = UNSET
    retrain_before_expiry: Real | None = None
    """Days."""
    retrain_max_age: Real | None = None
    """Days."""
    prevent_destroy: bool = False
    ignore_changes: tuple[str, ...] = ()

    @classmethod
    def of(cls, model: DesiredModel) -> Self:
        """Return the entry of a model."""
        fields = {
            **_flat(cls, model),
            "require": None if model.require is None else model.require.to_json(),
            "retrain_before_expiry": _days(model.retrain_before_expiry),
            "retrain_max_age": _days(model.retrain_max_age),
        }
        return cls(**fields, **asdict(model.lifecycle))

    def at(self, address: Address) -> DesiredModel:
        """Return the model. Raises ValueError, TypeError, KeyError or ArithmeticError."""
        fields = {
            **_nested(self),
            "require": None if self.require is None else Requirements.from_json(self.require),
            "retrain_before_expiry": _duration(self.retrain_before_expiry),
            "retrain_max_age": _duration(self.retrain_max_age),
        }
        return DesiredModel(address, **fields)


def _flat(entry: type[Struct], resource: DesiredDataset | DesiredModel) -> dict[str, Any]:
    """Return the fields of a declared resource that an entry has by the same name."""
    names = entry.__struct_fields__
    return {name: getattr(resource, name) for name in names if hasattr(resource, name)}


def _nested(entry: DatasetEntry | ModelEntry) -> dict[str, Any]:
    """Return the fields of an entry as a declared resource has them."""
    fields = {name: value for name, value in asdict(entry).items() if value is not UNSET}
    lifecycle = Lifecycle(**{name: fields.pop(name) for name in Lifecycle.__struct_fields__})
    return {**fields, "lifecycle": lifecycle}


def _days(duration: timedelta | None) -> float | None:
    return None if duration is None else duration / timedelta(days=1)


def _duration(days: float | None) -> timedelta | None:
    return None if days is None else timedelta(days=days)

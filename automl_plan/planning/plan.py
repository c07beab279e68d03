"""The Plan: one list of typed changes that is shown, saved and carried out, and its order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from graphlib import TopologicalSorter
from types import MappingProxyType

from msgspec import Struct, field

from automl_plan.model.address import Address
from automl_plan.model.endpoints import Home
from automl_plan.model.json import Attributes, Document, Dollars, Json, ObjectId, Real
from automl_plan.model.recorded import Step


class Amounts(Struct, frozen=True, forbid_unknown_fields=True):
    """US dollars, to the cent."""

    training: Dollars = 0.0
    """At most, for the trainings that the plan starts."""
    running_spent: Dollars | None = 0.0
    """Up to this so far, for a running training; to cancel it would cost as much. Null: not
    known."""
    running_most: Dollars = 0.0
    """At most, once running trainings have ended."""
    monthly_before: Dollars = 0.0
    """Of deployments, before the plan is applied."""
    monthly_after: Dollars = 0.0
    """The same after it is applied."""


def _sum(amounts: Iterable[float | None]) -> float | None:
    """Of amounts of which one may not be known."""
    known = list(amounts)
    return None if None in known else round(sum(each or 0.0 for each in known), 2)


class CostLine(Struct, frozen=True):
    """What one resource costs."""

    address: Address
    amounts: Amounts


class Idle(Struct, frozen=True, forbid_unknown_fields=True):
    """A deployed model that is not managed, and what it costs a month."""

    object_id: str
    display_name: str
    monthly: Dollars


class Costs(Struct, frozen=True):
    """The costs of a plan."""

    prices_of: str
    """The date of the price book."""
    lines: tuple[CostLine, ...] = ()
    """Of the resources that cost something, by address."""
    idle: tuple[Idle, ...] = ()
    """What is deployed and unmanaged."""

    @property
    def total(self) -> Amounts:
        """All lines together."""
        amounts = [line.amounts for line in self.lines]
        return Amounts(
            training=round(sum(each.training for each in amounts), 2),
            running_spent=_sum(each.running_spent for each in amounts),
            running_most=round(sum(each.running_most for each in amounts), 2),
            monthly_before=round(sum(each.monthly_before for each in amounts), 2),
            monthly_after=round(sum(each.monthly_after for each in amounts), 2),
        )

    @property
    def idle_monthly(self) -> float:
        """A month of what is deployed and unmanaged."""
        return sum(each.monthly for each in self.idle)


class Action(StrEnum):
    """What a change does."""

    CREATE = "create"
    """Create a dataset."""
    IMPORT_DATA = "import-data"
    """Load a dataset's sources into it."""
    TRAIN = "train"
    """Train the first model of an address."""
    RETRAIN = "retrain"
    """Train a new version to replace the current one."""
    GATE = "gate"
    """Decide by its evaluation whether a trained version becomes the current one."""
    PROMOTE = "promote"
    """Make a trained version the current one."""
    IMPORT = "import"
    """Adopt a live object that was made elsewhere."""
    MOVE = "move"
    """Move a record to another address."""
    UPDATE = "update"
    """Patch mutable fields."""
    DEPLOY = "deploy"
    """Deploy a model, or change the number of its nodes."""
    UNDEPLOY = "undeploy"
    """Undeploy a model."""
    DELETE = "delete"
    """Delete an object."""
    CANCEL = "cancel"
    """Cancel a running operation that is no longer declared."""
    RESUME = "resume"
    """Wait for an operation that an earlier run started, and record its result."""
    FORGET = "forget"
    """Drop a record: its object is gone, or stays unmanaged."""
    NO_OP = "no-op"
    """Nothing to do."""


TRAININGS = frozenset({Action.TRAIN, Action.RETRAIN})
"""Actions that begin a training, which is paid for."""


class Difference(Struct, frozen=True, forbid_unknown_fields=True):
    """One attribute that differs, by its dotted path."""

    path: str
    before: Json
    after: Json


class Change(Document, frozen=True):
    """One step of a plan."""

    address: Address
    action: Action
    reason: str
    """In plain words, for the reader."""
    field: str | None = None
    """The dotted path of the field that caused it."""
    object_id: ObjectId | None = None
    """The live object acted upon; None: the current one, made earlier in this plan or before."""
    operation_id: ObjectId | None = None
    """For `resume` and `cancel`."""
    differences: tuple[Difference, ...] = ()
    after: Attributes | None = None
    """The attributes that the address will have; None when nothing will be left."""
    endpoints: tuple[str, ...] = ()
    """Deployments: the ids of the endpoints where they are made or ended, and adoptions: where the
    model answers; as far as they are known, and nothing where the service has none."""
    needs: tuple[str, ...] = ()
    """Keys of the changes that must be done before."""
    origin: Address | None = None
    """For `move`: the address that it was recorded under."""
    where: str | None = None
    """The file and line of the field that caused it; for the reader."""

    @property
    def key(self) -> str:
        """Unique in a plan and stable: `model.digits retrain` or `model.digits delete ICN1`."""
        subject = self.operation_id or self.object_id
        return " ".join(filter(None, (str(self.address), self.action, subject)))


class Drift(Struct, frozen=True, forbid_unknown_fields=True):
    """A live object that differs from what is recorded."""

    address: Address
    object_id: ObjectId
    gone: bool
    trained: str | None = None
    """The display name of a model that someone else trained on the dataset."""
    differences: tuple[Difference, ...] = ()


class UnrecordedKind(StrEnum):
    """The kind of an unrecorded object."""

    DATASET = "dataset"
    MODEL = "model"
    TRAINING = "training"
    """A running one; its id is that of the operation."""


class UnrecordedObject(Struct, frozen=True, forbid_unknown_fields=True):
    """A live object with the state's ownership labels that is not in the state.

    Also a running training without labels on a dataset of the state that did not start it.
    """

    kind: UnrecordedKind
    id: str
    name: str
    """The address by its labels, as far as they name it; of a training without labels the
    address of its dataset."""
    text: str
    """A sentence with each way to settle it."""
    display_name: str = ""
    labelled: bool = True
    monthly: Real = 0.0
    """What its deployment costs (US dollars a month)."""


class Unrecorded(UnrecordedObject, frozen=True):
    """An unrecorded object, with what is not kept in a saved plan."""

    dataset_id: str | None = None
    """Trainings: what it trains on, where that is known."""

    @property
    def shown(self) -> UnrecordedObject:
        """What plan files have of it."""
        names = UnrecordedObject.__struct_fields__
        return UnrecordedObject(**{name: getattr(self, name) for name in names})


class NoteKind(StrEnum):
    """What a note is about."""

    HELD = "held"
    """A version that matches the configuration is held back on purpose."""
    EXPIRY = "expiry"
    """A model expires soon."""
    ELSEWHERE = "elsewhere"
    """A model is also deployed at an endpoint of someone else."""
    RENAME = "rename"
    """A deleted and a new resource look like the same one under two names."""
    SHARED = "shared"
    """An object belongs to two addresses: a state of version 0.1 may hold one."""
    SOURCES = "sources"
    """A dataset may differ from its sources."""
    TRAINED = "trained"
    """A version was trained on fewer images than were declared."""
    GATE = "gate"
    """A gate may be undecided once its model is trained."""


class HeldBy(StrEnum):
    """What holds a trained version back."""

    GATE = "gate"
    """It did not meet its requirements."""
    UNDECIDED = "undecided"
    """Its gate needs a number that the service does not report."""
    PERSON = "person"
    """It was rolled back."""


class Note(Document, frozen=True):
    """Something to know beside the changes."""

    address: Address
    kind: NoteKind
    text: str
    by: HeldBy | None = None
    """Of `held`; None in plan files without it."""


class Violation(Document, frozen=True):
    """A violation of the team's policy."""

    rule: str
    """The key of the rule in `policy`."""
    message: str
    warns: bool
    """Whether it only warns."""
    address: Address | None = None
    """None: the plan as a whole."""
    field: str | None = None
    """Of the address; `provider.…` or `policy.…` where that is the place to look at."""
    where: str | None = None
    """The file and line of what violates it; for the reader."""


PROTECTED_ADDRESS = "protected"
LARGE_CHANGE = "large-change"
SHARED = "shared"
IN_USE = "in-use"
DATA_LINT = "data-lint"
OTHERS_TRAFFIC = "others-traffic"
UNRECORDED = "unrecorded"
APPEND_ONLY = "append-only"
NO_DATA = "no-data"
DATA_MISSING = "data-missing"
ANNOTATION_SETS = "annotation-sets"
TRAINER = "trainer"
BASE_MODEL = "base-model"
UNKNOWN_STATE = "unknown-state"
NOT_RECORDED = "not-recorded"
POLICY = "policy/"
"""Before the key of a rule of the team's policy: `policy/max_training_cost`."""

REFUSAL_RULES: Mapping[str, str] = MappingProxyType(
    {
        PROTECTED_ADDRESS: "Resources with lifecycle.prevent_destroy are not deleted.",
        LARGE_CHANGE: "One plan deletes or replaces only a part of the recorded resources.",
        SHARED: "An object that belongs to two addresses is not changed.",
        IN_USE: "Objects that another operation uses are not deleted.",
        UNRECORDED: "Nothing is paid for while live objects with our ownership labels are not "
        "recorded.",
        APPEND_ONLY: "Sources with on_source_change: append only add rows.",
        NO_DATA: "Training data has the images, labels and sets that a training needs.",
        DATA_MISSING: "A dataset that is trained on has all images that were imported into it.",
        ANNOTATION_SETS: "It is known which annotation set of a dataset a model is trained on.",
        TRAINER: "The provider can train the declared kind of model.",
        BASE_MODEL: "The base model exists and has the same kind and type.",
        OTHERS_TRAFFIC: "The traffic of other models at an endpoint is not changed.",
        DATA_LINT: "Import data has no error for which the service refuses rows.",
        UNKNOWN_STATE: "The service says whether a model is deployed in words that this version "
        "knows.",
        NOT_RECORDED: "Plan files of format 1.2 do not record the rule of a refusal.",
    }
)
"""Every rule of a refusal, with what holds where it is kept; beside those of `POLICY`."""


class Refusal(Document, frozen=True):
    """Why a plan is not carried out."""

    rule: str
    """A key of `REFUSAL_RULES`, or `POLICY` and a key of the team's policy."""
    text: str
    """A whole sentence for the reader: what is refused, where, and what to do about it."""
    address: Address | None = None
    """None: the plan as a whole."""
    field: str | None = None
    """Of the address; `provider.…` or `policy.…` where that is the place to look at."""
    where: str | None = None
    """The file and line to look at, `main.yaml:12`; None: the address's own."""


class DifferingOperation(Struct, frozen=True):
    """An open operation that the configuration would not start this way now."""

    address: Address
    step: Step
    operation_id: str | None
    declared: bool = True
    """Whether the configuration still declares its address."""
    differences: tuple[Difference, ...] = ()
    """What it was started with (before), and what is declared (after)."""
    missing: tuple[str, ...] = ()
    """Variables that were given a value when it was started, and are given none now."""
    changed: tuple[str, ...] = ()
    """Variables of which at least one had another value when it was started."""

    @property
    def differs(self) -> bool:
        """Whether its result differs from the configuration."""
        return bool(self.differences) or not self.declared


class Plan(Struct, frozen=True):
    """All changes, in an order in which they could be carried out one after the other."""

    changes: tuple[Change, ...]
    drift: tuple[Drift, ...] = ()
    unchanged: tuple[Address, ...] = ()
    """Resources that were planned entirely and need no change."""
    notes: tuple[Note, ...] = ()
    costs: Costs | None = None
    """None without prices, or when nothing is done at the provider."""
    unrecorded: tuple[Unrecorded, ...] = ()
    """As they are once the imports of this plan are carried out."""
    endpoints: Mapping[Address, Home] = field(default_factory=dict)
    """Where models answer, as far as known; what is not recorded yet is recorded by an apply."""
    violations: tuple[Violation, ...] = ()
    """Of the policy; those that do not only warn are in `refused`, too."""
    refused: tuple[Refusal, ...] = ()
    """Why it is refused; empty: it is not."""
    not_planned: tuple[Address, ...] = ()
    """What was left out, entirely or partly, because only a part was requested."""
    differing_operations: tuple[DifferingOperation, ...] = ()
    """Open operations that differ from the configuration; not kept in a saved plan."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.changes


def in_order(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The changes, each after what it needs, else as given. Needs without a change are met."""
    by_key = {change.key: change for change in changes}
    place = {key: i for i, key in enumerate(by_key)}
    sorter: TopologicalSorter[str] = TopologicalSorter(
        {c.key: [k for k in c.needs if k in by_key] for c in changes}
    )
    sorter.prepare()
    ordered: list[Change] = []
    while sorter.is_active():
        for key in sorted(sorter.get_ready(), key=place.__getitem__):
            ordered.append(by_key[key])
            sorter.done(key)
    return tuple(ordered)

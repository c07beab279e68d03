"""What ended operations leave: how long they took, and what trainings cost, by model and month."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self, TypeAlias

from msgspec import Meta, Struct, field
from msgspec.structs import asdict, replace

from automl_plan.model.address import Address
from automl_plan.model.json import Attributes, Count, Document, Dollars, Seconds, Time
from automl_plan.model.model_types import Problem
from automl_plan.model.recorded import RecordedOperation, Step

LONG = frozenset({Step.IMPORT_DATA, Step.TRAIN, Step.DEPLOY, Step.UNDEPLOY})
"""Steps that take minutes or hours; of the others no history is kept."""
KEPT = 500
"""How many operations of each step are remembered: the newest ones."""
_KEY_LENGTH = 16
_NOTHING = 0.0
"""Left out of documents, which know it by its identity."""
Month: TypeAlias = Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}$")]
"""`2026-11`"""
ModelAddress: TypeAlias = Annotated[Address, Meta(extra_json_schema={"pattern": r"^model\."})]


class Work(Struct, frozen=True):
    """What decides how long an operation takes, as far as it is known before."""

    step: Step
    problem: Problem | None = None
    """Trainings."""
    model_type: str | None = None
    """Trainings."""
    budget: int | None = None
    """Trainings: milli node hours."""
    examples: int | None = None
    """Images: of an import, those that its sources hold; of a training, those of its dataset."""


class HistoryEntry(Document, frozen=True, kw_only=True):
    """An operation that ended well, without its step."""

    ended: Time
    """When (RFC 3339), by the service's clock where it reports one."""
    seconds: Seconds
    """From the call to the end."""
    problem: Problem | None = None
    """Trainings."""
    model_type: str | None = None
    """Trainings."""
    budget_milli_node_hours: Count | None = None
    """Trainings."""
    examples: Count | None = None
    """Images worked on."""
    cost_milli_node_hours: Count | None = None
    """Trainings: what was billed, where the service reports it with the end."""

    def of(self, step: Step) -> EndedOperation:
        """Return the operation with its step."""
        return EndedOperation(step, **asdict(self))


class EndedOperation(HistoryEntry, frozen=True):
    """An operation that ended well."""

    step: Step

    @property
    def work(self) -> Work:
        """What decided how long it took."""
        budget = self.budget_milli_node_hours
        return Work(self.step, self.problem, self.model_type, budget, self.examples)

    @property
    def entry(self) -> HistoryEntry:
        """What documents have under its step."""
        return HistoryEntry(**{n: getattr(self, n) for n in HistoryEntry.__struct_fields__})

    @classmethod
    def of_work(cls, work: Work, ended: str, seconds: float, cost: int | None = None) -> Self:
        """Return the operation that did some work."""
        return cls(
            work.step,
            ended=ended,
            seconds=seconds,
            problem=work.problem,
            model_type=work.model_type,
            budget_milli_node_hours=work.budget,
            examples=work.examples,
            cost_milli_node_hours=cost,
        )


History = Mapping[Step, Mapping[str, EndedOperation]]
"""By step and key, the oldest first."""


def work_of(step: Step, attributes: Attributes, examples: int | None = None) -> Work:
    """The work of a call; `attributes` are those that the object will have."""
    if step is Step.TRAIN:
        for problem in Problem:
            kind = attributes.get(problem)
            if isinstance(kind, dict):
                budget = kind.get("train_budget_milli_node_hours")
                model_type = kind.get("model_type")
                return Work(
                    step,
                    problem,
                    None if model_type is None else str(model_type),
                    budget if isinstance(budget, int) else None,
                    examples,
                )
    return Work(step, examples=examples)


def key_of(operation: RecordedOperation) -> str:
    """What an ended operation is kept under: random, so that two branches' entries merge."""
    return operation.token[-_KEY_LENGTH:]


def remember(
    history: dict[Step, dict[str, EndedOperation]], key: str, ended: EndedOperation
) -> None:
    """Add an operation, in place and at constant cost; the oldest of its step goes if need be."""
    kept = history.setdefault(ended.step, {})
    kept[key] = ended
    if len(kept) > KEPT:
        del kept[next(iter(kept))]


class Charge(Struct, frozen=True, forbid_unknown_fields=True):
    """What one training that ended has cost, in US dollars at list price."""

    address: Address
    ended: Time
    """RFC 3339, UTC."""
    usd: Dollars
    """The bill where it is known, else the most that it can be."""
    known: bool
    model_id: str | None = None
    """The model whose own cost is the bill, where that is not known yet."""

    @property
    def month(self) -> str:
        """`2026-11`."""
        return self.ended[:7]


class Spending(Document, frozen=True):
    """What the trainings of one model have cost in one month, in US dollars at list price."""

    trainings: Annotated[Count, Meta(extra_json_schema={"minimum": 1})]
    """Those that ended, without those that failed: the service does not bill them."""
    billed: Dollars = _NOTHING
    """Of trainings whose bill is known."""
    at_most: Dollars = _NOTHING
    """Of trainings whose bill is unknown and can't be queried."""
    pending: Mapping[str, Dollars] = field(default_factory=dict)
    """At most, by the ids of models that report the bill as long as they exist."""

    def plus(self, charge: Charge) -> Spending:
        """With one training more."""
        one_more = replace(self, trainings=self.trainings + 1)
        if charge.known:
            return replace(one_more, billed=round(self.billed + charge.usd, 2) or _NOTHING)
        if charge.model_id is None:
            return replace(one_more, at_most=round(self.at_most + charge.usd, 2) or _NOTHING)
        return replace(one_more, pending={**self.pending, charge.model_id: charge.usd})


class Ledger(Document, frozen=True):
    """What was spent on trainings since the ledger began."""

    since: Time | None = None
    """The end of the first training in it (RFC 3339)."""
    spent: dict[ModelAddress, dict[Month, Spending]] = field(default_factory=dict)
    """By address and month (UTC)."""


def enter(ledger: Ledger, charge: Charge) -> Ledger:
    """The ledger with a training entered, in place: a copy of all for each would be quadratic."""
    months = dict(ledger.spent.get(charge.address, {}))
    months[charge.month] = months.get(charge.month, Spending(0)).plus(charge)
    ledger.spent[charge.address] = months
    return replace(ledger, since=ledger.since or charge.ended)

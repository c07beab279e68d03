"""What ended operations leave: how long they took, and what trainings cost, by model and month."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from automl_plan.model.address import Address
from automl_plan.model.json import Attributes
from automl_plan.model.model_types import Problem
from automl_plan.model.recorded import RecordedOperation, Step

LONG = frozenset({Step.IMPORT_DATA, Step.TRAIN, Step.DEPLOY, Step.UNDEPLOY})
"""Steps that take minutes or hours; of the others no history is kept."""
KEPT = 500
"""How many operations of each step are remembered: the newest ones."""
_KEY_LENGTH = 16


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


class EndedOperation(Struct, frozen=True):
    """An operation that ended well."""

    work: Work
    ended: str
    """RFC 3339, by the service's clock where it tells."""
    seconds: float
    """From the call to the end."""
    cost: int | None = None
    """Trainings: milli node hours that were billed, where the service tells with the end."""


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
    kept = history.setdefault(ended.work.step, {})
    kept[key] = ended
    if len(kept) > KEPT:
        del kept[next(iter(kept))]


class Charge(Struct, frozen=True):
    """What one training that ended has cost, in US dollars at list price."""

    address: Address
    ended: str
    """RFC 3339, UTC."""
    usd: float
    """The bill where it is known, else the most that it can be."""
    known: bool
    model_id: str | None = None
    """The model whose own cost tells the bill, where it is not known."""

    @property
    def month(self) -> str:
        """`2026-11`."""
        return self.ended[:7]


class Spending(Struct, frozen=True):
    """What the trainings of one model have cost in one month, in US dollars at list price."""

    trainings: int = 0
    """Those that ended, but for those that failed: the service does not bill them."""
    billed: float = 0.0
    """Of trainings whose bill is known."""
    at_most: float = 0.0
    """Of trainings whose bill is not known, and can't be asked for."""
    pending: Mapping[str, float] = field(default_factory=dict)
    """At most, by the ids of models that tell the bill as long as they exist."""

    def plus(self, charge: Charge) -> Spending:
        """With one training more."""
        one_more = replace(self, trainings=self.trainings + 1)
        if charge.known:
            return replace(one_more, billed=round(self.billed + charge.usd, 2))
        if charge.model_id is None:
            return replace(one_more, at_most=round(self.at_most + charge.usd, 2))
        return replace(one_more, pending={**self.pending, charge.model_id: charge.usd})


class Ledger(Struct, frozen=True):
    """What was spent on trainings since the ledger began."""

    since: str | None = None
    """When the first training was entered (RFC 3339)."""
    spent: Mapping[Address, Mapping[str, Spending]] = field(default_factory=dict)
    """By model and month."""


def enter(ledger: Ledger, charge: Charge) -> Ledger:
    """The ledger with a training entered, in place: a copy of all for each would be quadratic."""
    assert isinstance(ledger.spent, dict)  # noqa: S101 (whoever calls this made it one)
    months = dict(ledger.spent.get(charge.address, {}))
    months[charge.month] = months.get(charge.month, Spending()).plus(charge)
    ledger.spent[charge.address] = months
    return replace(ledger, since=ledger.since or charge.ended)

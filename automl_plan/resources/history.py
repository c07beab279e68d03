"""The history: how long operations took that ended well."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from automl_plan.resources.json import Attributes
from automl_plan.resources.model_types import Problem
from automl_plan.resources.recorded import RecordedOperation, Step

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

"""What a running training has cost so far, at list price. Pure."""

from __future__ import annotations

from datetime import datetime
from math import ceil

from automl_plan.resources.json import Attributes
from automl_plan.resources.lifespan import birth_of
from automl_plan.resources.live import Operation
from automl_plan.resources.model_types import MODEL_TYPES, Problem
from automl_plan.resources.prices import PriceBook
from automl_plan.resources.recorded import RecordedOperation, Step


def so_far(
    operation: RecordedOperation,
    now: datetime,
    prices: PriceBook,
    stands: Operation | None = None,
) -> str | None:
    """`running for 12 minutes, up to $5.54 of at most $27.72 so far`; None for what is free.

    `ran for 12 minutes, up to $5.54` where it has ended, as far as is known how it stands. The
    service bills what is used, also when the training is cancelled, and at most the budget.
    """
    if operation.step is not Step.TRAIN:
        return None
    seconds = seconds_of(operation, now, stands)
    spent = spent_usd(operation.attributes, seconds, prices)
    if spent is None:
        return None
    used, most = spent
    if has_ended(stands):
        return f"ran for {_elapsed(seconds)}, up to ${used:,.2f}"
    return f"running for {_elapsed(seconds)}, up to ${used:,.2f} of at most ${most:,.2f} so far"


def has_ended(stands: Operation | None) -> bool:
    """Whether an operation is known to have ended."""
    return stands is not None and stands.done


def seconds_of(operation: RecordedOperation, now: datetime, stands: Operation | None) -> float:
    """For how long an operation has run, or ran: by the service's clock where that tells."""
    if stands is not None and stands.done:
        begun, ended = birth_of(stands.create_time), birth_of(stands.update_time)
        if begun is not None and ended is not None:
            return max((ended - begun).total_seconds(), 0.0)
    return max((now - datetime.fromisoformat(operation.started)).total_seconds(), 0.0)


def cents_up(usd: float) -> float:
    """To the cent, upwards: an estimate must not lie below what is billed."""
    return ceil(usd * 100 - 1e-6) / 100


def spent_usd(
    training: Attributes, seconds: float, prices: PriceBook
) -> tuple[float, float] | None:
    """US dollars that a training with these attributes uses in so many seconds, and in all.

    To the cent, upwards. All nodes of its type are taken to work from the start.
    """
    for problem in Problem:
        kind = training.get(problem)
        if not isinstance(kind, dict):
            continue
        model_type = MODEL_TYPES[problem].get(str(kind.get("model_type")))
        budget = kind.get("train_budget_milli_node_hours")
        if model_type is None or not isinstance(budget, int):
            return None
        most = prices.training_usd(problem, model_type.name, budget) or 0.0
        milli_node_hours = seconds / 3.6 * model_type.nodes
        used = prices.training_usd(problem, model_type.name, milli_node_hours) or 0.0
        return cents_up(min(used, most)), cents_up(most)
    return None


def _elapsed(seconds: float) -> str:
    minutes = int(seconds // 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 120:
        return f"{minutes} minute{'s' if minutes != 1 else ''}"
    return f"{minutes // 60} hours {minutes % 60} minutes"

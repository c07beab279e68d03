"""What a running training has cost so far, at list price. Pure."""

from __future__ import annotations

from datetime import datetime

from automl_plan.resources.json import Attributes
from automl_plan.resources.model_types import MODEL_TYPES, Problem
from automl_plan.resources.prices import PriceBook
from automl_plan.resources.recorded import RecordedOperation, Step


def so_far(operation: RecordedOperation, now: datetime, prices: PriceBook) -> str | None:
    """`running for 12 minutes, up to $5.54 of at most $27.72 so far`; None for what is free.

    The service bills what is used, also when the training is cancelled, and at most the budget.
    """
    if operation.step is not Step.TRAIN:
        return None
    seconds = max((now - datetime.fromisoformat(operation.started)).total_seconds(), 0.0)
    spent = spent_usd(operation.attributes, seconds, prices)
    if spent is None:
        return None
    used, most = spent
    return f"running for {_elapsed(seconds)}, up to ${used:,.2f} of at most ${most:,.2f} so far"


def spent_usd(
    training: Attributes, seconds: float, prices: PriceBook
) -> tuple[float, float] | None:
    """US dollars that a training with these attributes uses in so many seconds, and in all.

    All nodes of its type are taken to work from the start.
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
        return min(used, most), most
    return None


def _elapsed(seconds: float) -> str:
    minutes = int(seconds // 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 120:
        return f"{minutes} minute{'s' if minutes != 1 else ''}"
    return f"{minutes // 60} hours {minutes % 60} minutes"

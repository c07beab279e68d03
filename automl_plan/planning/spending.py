"""What a running training has cost so far, at list price. Pure."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from automl_plan.resources.address import Address
from automl_plan.resources.json import Attributes
from automl_plan.resources.ledger import Charge
from automl_plan.resources.lifespan import birth_of
from automl_plan.resources.live import CANCELLED, LiveModel, Operation
from automl_plan.resources.model_types import MODEL_TYPES, Problem
from automl_plan.resources.prices import PriceBook, cents_up
from automl_plan.resources.recorded import RecordedOperation, Step


class Spent(Struct, frozen=True):
    """What a training has used, in US dollars to the cent, upwards: never less than is billed."""

    used: float | None
    """At most this so far; None where the time that has passed does not tell it."""
    most: float
    """At most this in the end."""


class Meter(Struct, frozen=True):
    """The clocks by which the use of a training is estimated."""

    now: datetime
    """This machine's."""
    service_now: datetime | None = None
    """The service's, where it is known."""


def spent_of(
    operation: RecordedOperation,
    meter: Meter | None,
    prices: PriceBook,
    stands: Operation | None = None,
    model: LiveModel | None = None,
) -> Spent | None:
    """What a training has used; None for what is free, or has no price.

    The service bills what is used, also when the training is cancelled, and at most the budget.
    `meter` is None where the service does not bill by its clock (the embedded service: an hour
    of work takes it a second or so). `model` is what it made, where that is known: its cost is
    the bill itself.
    """
    if operation.step is not Step.TRAIN:
        return None
    ended = has_ended(stands)
    billed = None if stands is None or not ended else stands.cost_milli_node_hours
    if billed is None and model is not None:
        billed = model.train_cost_milli_node_hours
    priced = _priced(operation.attributes)
    if priced is None:
        return None
    problem, name, nodes, budget = priced
    most = cents_up(prices.training_usd(problem, name, budget) or 0.0)
    if billed is not None:
        used = cents_up(prices.training_usd(problem, name, billed) or 0.0)
        return Spent(used, used)
    if meter is None:
        return Spent(None, most)
    # All nodes of its type are taken to work from the start.
    milli_node_hours = seconds_of(operation, meter, stands) / 3.6 * nodes
    used = min(cents_up(prices.training_usd(problem, name, milli_node_hours) or 0.0), most)
    return Spent(used, used if ended else most)


def so_far(
    operation: RecordedOperation,
    meter: Meter | None,
    prices: PriceBook,
    stands: Operation | None = None,
    model: LiveModel | None = None,
) -> str | None:
    """`running for 12 minutes, up to $5.54 of at most $27.72 so far`; None for what is free.

    `ran for 12 minutes, up to $5.54` where it has ended, as far as is known how it ended.
    """
    spent = spent_of(operation, meter, prices, stands, model)
    if spent is None:
        return None
    if spent.used is None or meter is None:
        if spent.used is not None:
            return f"billed ${spent.used:,.2f} at list price"
        verb = "it used" if has_ended(stands) else "it uses"
        return f"how much {verb} is not known, at most ${spent.most:,.2f}"
    elapsed = _elapsed(seconds_of(operation, meter, stands))
    if has_ended(stands):
        return f"ran for {elapsed}, up to ${spent.used:,.2f}"
    return f"running for {elapsed}, up to ${spent.used:,.2f} of at most ${spent.most:,.2f} so far"


def charge_of(
    address: Address,
    operation: RecordedOperation,
    answer: Operation | None,
    made: str | None,
    meter: Meter | None,
    prices: PriceBook,
    now: str,
) -> Charge | None:
    """What a training that ended has cost, for the ledger; None for what is not billed.

    `answer` is None where its call was cut off and what it `made` was found. A training that
    failed is not billed (Vertex AI's pricing page), one that was cancelled is. `now` (RFC 3339)
    is when its end was seen.
    """
    error = None if answer is None else answer.error
    if error is not None and error.code != CANCELLED:
        return None
    spent = spent_of(operation, meter, prices, answer)
    if spent is None:
        return None
    known = answer is not None and answer.cost_milli_node_hours is not None
    ended = now if answer is None else answer.update_time or now
    return Charge(address, ended, spent.most, known, None if known else made)


def has_ended(stands: Operation | None) -> bool:
    """Whether an operation is known to have ended."""
    return stands is not None and stands.done


def seconds_of(operation: RecordedOperation, meter: Meter, stands: Operation | None) -> float:
    """For how long an operation has run, or ran: the longest that a clock tells."""
    begun = None if stands is None else birth_of(stands.create_time)
    if stands is not None and stands.done:
        ended = birth_of(stands.update_time)
        if begun is not None and ended is not None:
            return max((ended - begun).total_seconds(), 0.0)
    told = [meter.now - datetime.fromisoformat(operation.started)]
    if begun is not None and meter.service_now is not None:
        told.append(meter.service_now - begun)
    return max(0.0, *(each.total_seconds() for each in told))


def _priced(training: Attributes) -> tuple[Problem, str, int, int] | None:
    """Problem, model type, its nodes, and the budget in milli node hours; None for unknown ones."""
    for problem in Problem:
        kind = training.get(problem)
        if not isinstance(kind, dict):
            continue
        model_type = MODEL_TYPES[problem].get(str(kind.get("model_type")))
        budget = kind.get("train_budget_milli_node_hours")
        if model_type is None or not isinstance(budget, int):
            return None
        return problem, model_type.name, model_type.nodes, budget
    return None


def _elapsed(seconds: float) -> str:
    minutes = int(seconds // 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 120:
        return f"{minutes} minute{'s' if minutes != 1 else ''}"
    return f"{minutes // 60} hours {minutes % 60} minutes"

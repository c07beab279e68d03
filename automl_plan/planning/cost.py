"""The money in a plan: maximum training cost, deployment cost, cost so far. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.desired import Desired, DesiredModel
from automl_plan.model.history import Charge
from automl_plan.model.json import Attributes
from automl_plan.model.live import Live, LiveModel, Operation
from automl_plan.model.model_types import ModelTypes, Problem
from automl_plan.model.prices import PriceBook, cents_up
from automl_plan.model.recorded import RecordedOperation, RecordedResource, Step
from automl_plan.model.timestamps import instant_of
from automl_plan.planning.endpoints import ended_deployments
from automl_plan.planning.plan import (
    TRAININGS,
    Action,
    Amounts,
    Change,
    CostLine,
    Costs,
    Idle,
    Unrecorded,
)


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
    """Return what a training has used; None when it is free, or has no price.

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
    priced = _priced(operation.attributes, prices.model_types)
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


def describe_spending(
    operation: RecordedOperation,
    meter: Meter | None,
    prices: PriceBook,
    stands: Operation | None = None,
    model: LiveModel | None = None,
) -> str | None:
    """`running for 12 minutes, up to $5.54 so far (maximum $27.72)`; None for what is free.

    `ran for 12 minutes, up to $5.54` where it has ended, as far as is known how it ended.
    """
    spent = spent_of(operation, meter, prices, stands, model)
    if spent is None:
        return None
    if spent.used is None or meter is None:
        if spent.used is not None:
            return f"billed ${spent.used:,.2f} at list price"
        return f"usage unknown, at most ${spent.most:,.2f}"
    elapsed = _elapsed(seconds_of(operation, meter, stands))
    if has_ended(stands):
        return f"ran for {elapsed}, up to ${spent.used:,.2f}"
    return f"running for {elapsed}, up to ${spent.used:,.2f} so far (maximum ${spent.most:,.2f})"


def charge_of(
    address: Address,
    operation: RecordedOperation,
    answer: Operation | None,
    made: str | None,
    meter: Meter | None,
    prices: PriceBook,
    now: str,
) -> Charge | None:
    """Return what an ended training has cost, for the ledger; None when it is not billed.

    `answer` is None where its call was interrupted and its result, `made`, was found. A training
    that failed is not billed (Vertex AI pricing page), one that was cancelled is. `now` (RFC 3339)
    is when its end was seen.
    """
    error = None if answer is None else answer.error
    if error is not None and not error.cancelled:
        return None
    spent = spent_of(operation, meter, prices, answer)
    if spent is None:
        return None
    known = answer is not None and answer.cost_milli_node_hours is not None
    ended = now if answer is None else answer.update_time or now
    return Charge(address, ended, spent.most, known, None if known else made)


def has_ended(stands: Operation | None) -> bool:
    """Return whether an operation is known to have ended."""
    return stands is not None and stands.done


def seconds_of(operation: RecordedOperation, meter: Meter, stands: Operation | None) -> float:
    """Return the seconds that an operation has run: the most by any clock."""
    begun = None if stands is None else instant_of(stands.create_time)
    if stands is not None and stands.done:
        ended = instant_of(stands.update_time)
        if begun is not None and ended is not None:
            return max((ended - begun).total_seconds(), 0.0)
    spans = [meter.now - datetime.fromisoformat(operation.started)]
    if begun is not None and meter.service_now is not None:
        spans.append(meter.service_now - begun)
    return max(0.0, *(each.total_seconds() for each in spans))


def _priced(training: Attributes, types: ModelTypes) -> tuple[Problem, str, int, int] | None:
    """Problem, model type, its nodes, and the budget in milli node hours; None for unknown ones."""
    for problem in Problem:
        kind = training.get(problem)
        if not isinstance(kind, dict):
            continue
        model_type = types[problem].get(str(kind.get("model_type")))
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


def costs_of(
    changes: Sequence[Change],
    desired: Desired,
    resources: Mapping[Address, RecordedResource],
    live: Live,
    prices: PriceBook,
    meter: Meter | None,
    unrecorded: Iterable[Unrecorded] = (),
) -> Costs:
    """Return the costs of a plan of these changes; `meter` measures running trainings.

    The deployments of `unrecorded` objects are not counted: each reports its own cost.
    """
    by_address: dict[Address, list[Change]] = {}
    for change in changes:
        by_address.setdefault(change.address, []).append(change)
    models = {a for a in (*desired.models, *resources, *by_address) if a.kind is ResourceKind.MODEL}
    deployed = {model.id for model in live.models.values() if model.deployed}
    ends = ended_deployments(changes)

    def may_cost(address: Address) -> bool:
        if address in by_address:
            return True
        record = resources.get(address) or RecordedResource(address)
        return bool(record.operations) or any(obj.id in deployed for obj in record.objects)

    lines = []
    for address in sorted(filter(may_cost, models)):
        amounts = _amounts(
            desired.models.get(address),
            resources.get(address) or RecordedResource(address),
            by_address.get(address, ()),
            live,
            prices,
            meter,
        )
        if amounts != Amounts():
            lines.append(CostLine(address, amounts))
    recorded = {obj.id for record in resources.values() for obj in record.objects}
    unrecorded_ids = {each.id for each in unrecorded}
    others = [model for model in live.models.values() if model.id not in unrecorded_ids]
    idle = [_idle(model, prices) for model in others if model.id not in recorded]
    idle += [
        Idle(m.id, f"{m.display_name} at {place}", round(_monthly(m, nodes, prices), 2))
        for m in others
        for place, nodes in m.foreign_deployments.items()
        if (m.id, place) not in ends
    ]
    return Costs(prices.date, tuple(lines), tuple(each for each in idle if each.monthly))


def _amounts(
    declared: DesiredModel | None,
    record: RecordedResource,
    changes: Sequence[Change],
    live: Live,
    prices: PriceBook,
    meter: Meter | None,
) -> Amounts:
    deployed = {o.id: live.models[o.id] for o in record.objects if o.id in live.models}
    recorded = {obj.id: _nodes_of(obj.attributes) for obj in record.objects}
    nodes = {
        i: (m.node_count or recorded[i] or 1) if m.deployed else 0 for i, m in deployed.items()
    }
    before = sum(_monthly(deployed[i], count, prices) for i, count in nodes.items())
    before += sum(
        _monthly(model, model.foreign_deployments[place], prices)
        for i, place in ended_deployments(changes)
        if (model := deployed.get(i)) is not None and place in model.foreign_deployments
    )
    for operation in record.operations:  # a plan takes them as ended well
        if operation.object_id in nodes and operation.step is Step.DEPLOY:
            nodes[operation.object_id] = _nodes_of(operation.attributes) or 1
        elif operation.step in (Step.UNDEPLOY, Step.DELETE):
            nodes.pop(operation.object_id or "", None)
    training = 0.0
    new_nodes = 0
    current = None if record.current is None else record.current.id
    for change in changes:
        if change.action in TRAININGS and declared is not None:
            training += _training(declared, prices)
        elif change.action is Action.DEPLOY and declared is not None:
            if change.object_id is None or change.object_id not in nodes:
                new_nodes = declared.node_count or 1
            else:
                nodes[change.object_id] = declared.node_count or 1
        elif change.action in (Action.UNDEPLOY, Action.DELETE):  # what is forgotten goes on
            nodes.pop(change.object_id or current or "", None)
    after = sum(_monthly(deployed[i], count, prices) for i, count in nodes.items())
    if new_nodes and declared is not None:
        after += prices.monthly_usd(declared.problem, new_nodes)
    spent, most = _running(record, live, prices, meter)
    return Amounts(
        cents_up(training),
        None if spent is None else cents_up(spent),
        cents_up(most),
        cents_up(before),
        cents_up(after),
    )


def _training(declared: DesiredModel, prices: PriceBook) -> float:
    budget = declared.train_budget_milli_node_hours
    return prices.training_usd(declared.problem, declared.model_type, budget) or 0.0


def _running(
    record: RecordedResource, live: Live, prices: PriceBook, meter: Meter | None
) -> tuple[float | None, float]:
    """What trainings that are not recorded as ended have used, and what that is in the end."""
    spent: float | None = 0.0
    most = 0.0
    for operation in record.operations:
        stands = live.operations.get(operation.id or "")
        made = None if stands is None else live.models.get(stands.result_id or "")
        found = spent_of(operation, meter, prices, stands, made)
        if found is not None:
            spent = None if spent is None or found.used is None else spent + found.used
            most += found.most
    return spent, most


def _nodes_of(attributes: Attributes) -> int | None:
    """The nodes of a deployment, as they were recorded."""
    deploy = attributes.get("deploy")
    nodes = deploy.get("node_count") if isinstance(deploy, dict) else None
    return nodes if isinstance(nodes, int) else None


def _monthly(model: LiveModel, nodes: int, prices: PriceBook) -> float:
    return 0.0 if model.problem is None else prices.monthly_usd(model.problem, nodes)


def _idle(model: LiveModel, prices: PriceBook) -> Idle:
    nodes = (model.node_count or 1) if model.deployed else 0
    return Idle(model.id, model.display_name, round(_monthly(model, nodes, prices), 2))

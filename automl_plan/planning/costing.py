"""Computes the money in a plan. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from automl_plan.planning.costs import Amounts, CostLine, Costs, Idle
from automl_plan.planning.plan import Action, Change, Unrecorded
from automl_plan.planning.spending import cents_up, has_ended, seconds_of, spent_usd
from automl_plan.resources.address import Address, ResourceKind
from automl_plan.resources.desired import Desired, DesiredModel
from automl_plan.resources.live import Live, LiveModel, Operation
from automl_plan.resources.prices import PriceBook
from automl_plan.resources.recorded import RecordedResource, Step

_TRAININGS = frozenset({Action.TRAIN, Action.RETRAIN})


def costs_of(
    changes: Sequence[Change],
    desired: Desired,
    resources: Mapping[Address, RecordedResource],
    live: Live,
    prices: PriceBook,
    now: datetime | None,
    unrecorded: Iterable[Unrecorded] = (),
) -> Costs:
    """The money in a plan of these changes; `now` is for what running trainings have used.

    What is `unrecorded` tells its own cost.
    """
    by_address: dict[Address, list[Change]] = {}
    for change in changes:
        by_address.setdefault(change.address, []).append(change)
    models = {a for a in (*desired.models, *resources, *by_address) if a.kind is ResourceKind.MODEL}
    deployed = {model.id for model in live.models.values() if model.deployed}

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
            now,
        )
        if amounts != Amounts():
            lines.append(CostLine(address, amounts))
    known = {obj.id for record in resources.values() for obj in record.objects}
    known |= {each.id for each in unrecorded}
    idle = [_idle(model, prices) for model in live.models.values() if model.id not in known]
    idle += [
        Idle(m.id, f"{m.display_name} at {place}", round(_monthly(m, nodes, prices), 2))
        for m in live.models.values()
        if m.id in known
        for place, nodes in m.elsewhere.items()
    ]
    return Costs(prices.date, tuple(lines), tuple(each for each in idle if each.monthly))


def _amounts(
    declared: DesiredModel | None,
    record: RecordedResource,
    changes: Iterable[Change],
    live: Live,
    prices: PriceBook,
    now: datetime | None,
) -> Amounts:
    deployed = {o.id: live.models[o.id] for o in record.objects if o.id in live.models}
    nodes = {i: (m.node_count or 1) if m.deployed else 0 for i, m in deployed.items()}
    before = sum(_monthly(deployed[i], count, prices) for i, count in nodes.items())
    training = 0.0
    new_nodes = 0
    current = None if record.current is None else record.current.id
    for change in changes:
        if change.action in _TRAININGS and declared is not None:
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
    spent, most = _running(record, live.operations, prices, now)
    return Amounts(*map(cents_up, (training, spent, most, before, after)))


def _training(declared: DesiredModel, prices: PriceBook) -> float:
    budget = declared.train_budget_milli_node_hours
    return prices.training_usd(declared.problem, declared.model_type, budget) or 0.0


def _running(
    record: RecordedResource,
    operations: Mapping[str, Operation],
    prices: PriceBook,
    now: datetime | None,
) -> tuple[float, float]:
    """What trainings that are not recorded as ended have used, and what that is in the end."""
    spent = most = 0.0
    for operation in record.operations:
        if operation.step is not Step.TRAIN or now is None:
            continue
        stands = operations.get(operation.id or "")
        seconds = seconds_of(operation, now, stands)
        used = spent_usd(operation.attributes, seconds, prices)
        if used is not None:
            spent, most = spent + used[0], most + used[0 if has_ended(stands) else 1]
    return spent, most


def _monthly(model: LiveModel, nodes: int, prices: PriceBook) -> float:
    return 0.0 if model.problem is None else prices.monthly_usd(model.problem, nodes)


def _idle(model: LiveModel, prices: PriceBook) -> Idle:
    nodes = (model.node_count or 1) if model.deployed else 0
    return Idle(model.id, model.display_name, round(_monthly(model, nodes, prices), 2))

"""Computes the money in a plan. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from automl_plan.planning.costs import Amounts, CostLine, Costs, Idle
from automl_plan.planning.endpoints import ended
from automl_plan.planning.plan import Action, Change, Unrecorded
from automl_plan.planning.spending import Meter, spent_of
from automl_plan.resources.address import Address, ResourceKind
from automl_plan.resources.desired import Desired, DesiredModel
from automl_plan.resources.json import Attributes
from automl_plan.resources.live import Live, LiveModel
from automl_plan.resources.prices import PriceBook, cents_up
from automl_plan.resources.recorded import RecordedResource, Step

_TRAININGS = frozenset({Action.TRAIN, Action.RETRAIN})


def costs_of(
    changes: Sequence[Change],
    desired: Desired,
    resources: Mapping[Address, RecordedResource],
    live: Live,
    prices: PriceBook,
    meter: Meter | None,
    unrecorded: Iterable[Unrecorded] = (),
) -> Costs:
    """The money in a plan of these changes; `meter` tells what running trainings have used.

    What is `unrecorded` tells its own cost.
    """
    by_address: dict[Address, list[Change]] = {}
    for change in changes:
        by_address.setdefault(change.address, []).append(change)
    models = {a for a in (*desired.models, *resources, *by_address) if a.kind is ResourceKind.MODEL}
    deployed = {model.id for model in live.models.values() if model.deployed}
    ends = ended(changes)

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
        for place, nodes in m.elsewhere.items()
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
        _monthly(model, model.elsewhere[place], prices)
        for i, place in ended(changes)
        if (model := deployed.get(i)) is not None and place in model.elsewhere
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
        made = None if stands is None else live.models.get(stands.made or "")
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

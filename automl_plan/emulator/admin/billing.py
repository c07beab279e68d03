"""The bill as the emulator's own API tells it."""

from automl_plan.emulator.automl.names import wire_id
from automl_plan.emulator.billing import Charge, ChargeKind, total_usd
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.wire.calls import timestamp


def render_bill(engine: Engine) -> dict[str, object]:
    """All charges of the service, and what they come to in US dollars."""
    trainings = engine.charges(ChargeKind.TRAINING)
    deployments = engine.charges(ChargeKind.DEPLOYMENT)
    return {
        "trainings": [_training(charge) for charge in trainings],
        "deployments": [_deployment(charge) for charge in deployments],
        "training_usd": total_usd(trainings),
        "deployment_usd": total_usd(deployments),
        "total_usd": total_usd([*trainings, *deployments]),
    }


def _training(charge: Charge) -> dict[str, object]:
    return {**_start(charge), "outcome": charge.outcome, **_end(charge)}


def _deployment(charge: Charge) -> dict[str, object]:
    return {
        **_start(charge),
        "nodes": charge.nodes,
        "began": None if charge.began is None else timestamp(charge.began),
        "ended": None if charge.ended is None else timestamp(charge.ended),
        **_end(charge),
    }


def _start(charge: Charge) -> dict[str, object]:
    return {
        "project": charge.project,
        "operation": wire_id(charge.problem, charge.operation_id),
        "model": wire_id(charge.problem, charge.model_id),
        "display_name": charge.display_name,
        "labels": charge.labels,
        "model_type": charge.model_type,
    }


def _end(charge: Charge) -> dict[str, object]:
    return {"milli_node_hours": charge.milli_node_hours, "usd": charge.usd}

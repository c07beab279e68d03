"""After a whole apply that left nothing to do, the service has what the configuration says.

The plan was asked before; this asks the service itself, so that a plan that overlooks something is
found out. What is ignored, held back by a gate, or rolled back from, is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.life.effects import Violation
from tests.life.service import OWN, Snapshot
from tests.life.shown import Shown
from tests.life.trainings import Ledger
from tests.life.world import Checkout, World, inputs_of

_HELD = "held"


def check_settled(world: World, ledger: Ledger, here: Checkout, shown: Shown) -> None:
    """Raise Violation for the first thing that is not as declared."""
    live, recorded = world.look(), here.recorded()
    held = {n["address"] for n in shown.whole.get("notes", ()) if n.get("kind") == _HELD}
    for name, declared in here.models.items():
        address = f"model.{name}"
        current = (recorded.get(address) or {}).get("current")
        if current is None:
            if address not in held:
                raise Violation("as declared", f"{address} has no model, and nothing is planned")
            continue
        for text in _model(live, ledger, declared, current["id"], held=address in held):
            raise Violation("as declared", f"{address}: {text}")
        trained = [b for b in ledger.begun if b.model == current["id"]]
        ignored = _ignored(declared) | _ignored(here.datasets[declared["dataset"]])
        free = ignored & {"image_classification", "dataset", "sources"} or any(
            field.startswith("image_classification.") for field in ignored
        )
        if trained and not free and address not in held:
            wanted = inputs_of(world, here, name)
            if trained[-1].inputs != wanted:
                text = f"was trained on {trained[-1].inputs}, and declared is {wanted}"
                raise Violation("as declared", f"{address} {text}")
    for name, declared in here.datasets.items():
        current = (recorded.get(f"dataset.{name}") or {}).get("current")
        if current is None or current["id"] not in live.datasets:
            raise Violation("as declared", f"dataset.{name} is not there, and nothing is planned")
        for text in _labels(declared, live.datasets[current["id"]].labels):
            raise Violation("as declared", f"dataset.{name}: {text}")


def _model(
    live: Snapshot, ledger: Ledger, declared: Mapping[str, Any], model: str, *, held: bool
) -> Iterator[str]:
    if model not in live.models:
        yield f"{model} is current and does not live, and nothing is planned"
        return
    yield from _labels(declared, live.models[model].labels)
    ignored, nodes = _ignored(declared), live.nodes.get(model)
    wanted = declared.get("deploy", {}).get("node_count")
    if "deploy" in ignored or live.may_have_expired(model):
        return
    theirs = [e for e in live.endpoints.values() if not e.labels]
    elsewhere = any(model in e.deployed.values() for e in theirs)
    if wanted is None and nodes is not None and not elsewhere:
        yield f"it is deployed on {nodes} nodes, and no deployment is declared"
    if wanted is not None and nodes is None:
        yield "it is not deployed, and a deployment is declared"
    same = "deploy.node_count" in ignored or elsewhere
    if wanted is not None and nodes not in (None, wanted) and not same:
        yield f"it is deployed on {nodes} nodes, and {wanted} are declared"
    for endpoint in live.endpoints.values():
        for deployed, its in endpoint.deployed.items():
            ours = bool(endpoint.labels) and its == model
            if ours and wanted is not None and not endpoint.traffic.get(deployed):
                yield f"it is deployed at {endpoint.id} and has no traffic there"


def _labels(declared: Mapping[str, Any], labels: Mapping[str, str]) -> Iterator[str]:
    ignored = _ignored(declared)
    if "labels" in ignored:
        return
    there = {k: v for k, v in labels.items() if not k.startswith(OWN)}
    wanted = dict(declared.get("labels", {}))
    for key in (field.removeprefix("labels.") for field in ignored):
        there.pop(key, None)
        wanted.pop(key, None)
    if there != wanted:
        yield f"its labels are {there}, and {wanted} are declared"


def _ignored(declared: Mapping[str, Any]) -> set[str]:
    return set(declared.get("lifecycle", {}).get("ignore_changes", ()))

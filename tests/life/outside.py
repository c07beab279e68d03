"""What others do at the service, and time that passes: each is a kind of step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

from tests.life.machine import Machine
from tests.life.service import OWN, Endpoint, Live, Snapshot
from tests.life.world import World

Outside = Callable[[Machine, Random], bool]
_OURS = ("address", "status", "inputs", "data", "version", "token")


def _pick(found: dict[str, Live], chance: Random) -> Live | None:
    return found[chance.choice(list(found))] if found else None


def _undeployed(world: World, model: str) -> None:
    """End all deployments of a model."""
    if world.api == "automl":
        world.rest(world.service.path(f"models/{model}:undeploy"), "POST", {})
        return
    for endpoint in world.look().endpoints.values():
        for deployed, its in endpoint.deployed.items():
            if its == model:
                _take_down(world, endpoint, deployed)


def _take_down(world: World, endpoint: Endpoint, deployed: str) -> None:
    rest = {d: 0 for d in endpoint.deployed if d != deployed}
    if rest:
        rest[next(iter(rest))] = 100
    body = {"deployedModelId": deployed, "trafficSplit": rest}
    world.rest(world.service.path(f"endpoints/{endpoint.id}:undeployModel"), "POST", body)


def undeploy(machine: Machine, chance: Random) -> bool:
    """A model is undeployed."""
    live = machine.world.look()
    deployed = _pick({i: m for i, m in live.models.items() if i in live.nodes}, chance)
    if deployed is None:
        return False
    _undeployed(machine.world, deployed.id)
    return True


def delete_model(machine: Machine, chance: Random) -> bool:
    """A model is deleted."""
    world = machine.world
    model = _pick(dict(world.look().models), chance)
    if model is None:
        return False
    if model.id in world.look().nodes:
        _undeployed(world, model.id)
    world.rest(world.service.path(f"models/{model.id}"), "DELETE")
    return True


def delete_dataset(machine: Machine, chance: Random) -> bool:
    """A dataset is deleted."""
    dataset = _pick(dict(machine.world.look().datasets), chance)
    if dataset is None:
        return False
    machine.world.rest(machine.world.service.path(f"datasets/{dataset.id}"), "DELETE")
    return True


def _relabel(world: World, live: Snapshot, obj: Live, labels: dict[str, str]) -> None:
    collection = "datasets" if obj.id in live.datasets else "models"
    path = world.service.path(f"{collection}/{obj.id}")
    world.rest(f"{path}?updateMask=labels", "PATCH", {"labels": labels})


def users_labels(machine: Machine, chance: Random) -> bool:
    """Labels of the user's change."""
    live = machine.world.look()
    obj = _pick(live.objects, chance)
    if obj is None:
        return False
    own = {k: v for k, v in obj.labels.items() if k.startswith(OWN)}
    _relabel(machine.world, live, obj, own | chance.choice(({}, {"team": "q"}, {"new": "1"})))
    return True


def our_labels(machine: Machine, chance: Random) -> bool:
    """One of the tool's labels is removed, or all are."""
    live = machine.world.look()
    obj = _pick({i: o for i, o in live.objects.items() if o.address_name}, chance)
    if obj is None:
        return False
    gone = chance.choice(_OURS)
    kept = {k: v for k, v in obj.labels.items() if k != f"{OWN}{gone}"}
    _relabel(machine.world, live, obj, kept)
    return True


def other_nodes(machine: Machine, chance: Random) -> bool:
    """A model is deployed, or on other nodes (AutoML v1)."""
    world = machine.world
    model = _pick(dict(world.look().models), chance)
    if model is None or world.api != "automl" or world.look().expired(model.id):
        return False
    body = {"imageClassificationModelDeploymentMetadata": {"nodeCount": chance.choice((1, 3))}}
    world.rest(world.service.path(f"models/{model.id}:deploy"), "POST", body)
    return True


def deploy_elsewhere(machine: Machine, chance: Random) -> bool:
    """A model is deployed at an endpoint of somebody else's (Vertex AI)."""
    world = machine.world
    live = world.look()
    model = _pick(dict(live.models), chance)
    if model is None or world.api != "vertex" or live.expired(model.id):
        return False
    theirs = [e for e in live.endpoints.values() if not e.labels]
    if not theirs:
        world.rest(world.service.path("endpoints"), "POST", {"displayName": "theirs"})
        theirs = [e for e in world.look().endpoints.values() if not e.labels]
    if not theirs:
        return False
    body = {
        "deployedModel": {
            "model": world.service.path(f"models/{model.id}").removeprefix("/vertex/v1/"),
            "automaticResources": {"minReplicaCount": 1, "maxReplicaCount": 1},
        },
        "trafficSplit": {"0": 100, **dict.fromkeys(theirs[0].deployed, 0)},
    }
    world.rest(world.service.path(f"endpoints/{theirs[0].id}:deployModel"), "POST", body)
    return True


def traffic(machine: Machine, chance: Random) -> bool:
    """All traffic is taken from a deployment of ours (Vertex AI)."""
    world = machine.world
    ours = [e for e in world.look().endpoints.values() if e.labels and e.deployed]
    if not ours:
        return False
    endpoint = chance.choice(ours)
    path = world.service.path(f"endpoints/{endpoint.id}?updateMask=trafficSplit")
    world.rest(path, "PATCH", {"trafficSplit": {}})
    return True


def delete_endpoint(machine: Machine, chance: Random) -> bool:
    """An endpoint is deleted with what is deployed there (Vertex AI)."""
    world = machine.world
    endpoints = world.look().endpoints
    if not endpoints:
        return False
    endpoint = endpoints[chance.choice(list(endpoints))]
    for deployed in endpoint.deployed:
        _take_down(world, world.look().endpoints[endpoint.id], deployed)
    world.rest(world.service.path(f"endpoints/{endpoint.id}"), "DELETE")
    return True


def train(machine: Machine, chance: Random) -> bool:
    """A training is begun by hand."""
    world = machine.world
    dataset = _pick(dict(world.look().datasets), chance)
    if dataset is None:
        return False
    if world.api == "automl":
        body: dict[str, object] = {
            "displayName": "theirs",
            "datasetId": dataset.id,
            "imageClassificationModelMetadata": {"trainBudgetMilliNodeHours": "8000"},
        }
        world.rest(world.service.path("models"), "POST", body)
        return True
    home = "gs://google-cloud-aiplatform/schema/trainingjob/definition"
    body = {
        "displayName": "theirs",
        "inputDataConfig": {"datasetId": dataset.id},
        "trainingTaskDefinition": f"{home}/automl_image_classification_1.0.0.yaml",
        "trainingTaskInputs": {"modelType": "CLOUD", "budgetMilliNodeHours": "8000"},
        "modelToUpload": {"displayName": "theirs"},
    }
    world.rest(world.service.path("trainingPipelines"), "POST", body)
    return True


def cancel(machine: Machine, chance: Random) -> bool:
    """A training is cancelled."""
    world = machine.world
    running = [t for t in world.look().trainings.values() if t.outcome == "running"]
    if not running:
        return False
    collection = "operations" if world.api == "automl" else "trainingPipelines"
    path = world.service.path(f"{collection}/{running[0].operation}:cancel")
    world.rest(path, "POST", {})
    return True


def hours(machine: Machine, chance: Random) -> bool:
    """Trainings that run come to their end."""
    if not machine.world.service.training_runs():
        return False
    machine.world.pass_time(timedelta(hours=3) / machine.world.service.scale)
    return True


def days(machine: Machine, chance: Random) -> bool:
    """Days pass, or more than a model's life."""
    many = chance.choice((1, 10, 40, 40, 100, 200, 400, 560))
    machine.world.pass_time(timedelta(days=many))
    return True


OUTSIDE: dict[str, tuple[int, Outside]] = {
    "undeployed": (3, undeploy),
    "model deleted": (2, delete_model),
    "dataset deleted": (1, delete_dataset),
    "user's labels": (2, users_labels),
    "our labels": (2, our_labels),
    "other nodes": (2, other_nodes),
    "deployed elsewhere": (2, deploy_elsewhere),
    "traffic": (2, traffic),
    "endpoint deleted": (1, delete_endpoint),
    "trained by hand": (1, train),
    "training cancelled": (1, cancel),
    "hours": (4, hours),
    "days": (4, days),
}
"""By name: how often, and what."""
ONLY = {
    "automl": {"other nodes"},
    "vertex": {"deployed elsewhere", "traffic", "endpoint deleted"},
}
"""What only one API has."""

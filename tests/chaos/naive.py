"""What many write first: no intents, the state written in place, and a retry on every error."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import requests
import yaml

STATE = Path("state/naive.json")
SCHEMAS = "gs://google-cloud-aiplatform/schema"


def main() -> int:
    """Bring about what the configuration says; 0 when all is there."""
    config: Any = yaml.safe_load(Path("automl-plan.yaml").read_text())
    ((api, settings),) = config["provider"].items()
    parent = f"{settings['endpoint']}/v1/projects/{settings['project']}/locations/us-central1"
    STATE.parent.mkdir(exist_ok=True)
    try:
        state: Any = json.loads(STATE.read_text())
    except (OSError, ValueError):
        state = {}
    make_dataset, train, deploy = VERBS[api]
    try:
        for name, dataset in config["datasets"].items():
            if f"dataset.{name}" not in state:
                made = make_dataset(parent, name, dataset["sources"])
                record(state, f"dataset.{name}", made)
        for name, model in config["models"].items():
            if f"model.{name}" not in state:
                budget = model["image_classification"]["train_budget_milli_node_hours"]
                data = state[f"dataset.{model['dataset']}"]
                record(state, f"model.{name}", train(parent, name, data, budget))
            if "deploy" in model and f"deployment.{name}" not in state:
                nodes = model["deploy"]["node_count"]
                made = deploy(parent, name, state[f"model.{name}"], nodes)
                record(state, f"deployment.{name}", made)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        print(f"Error: {error!r}")
        return 1
    return 0


def automl_dataset(parent: str, name: str, uris: Any) -> str:
    body = {
        "displayName": name,
        "imageClassificationDatasetMetadata": {"classificationType": "MULTICLASS"},
    }
    made = done(parent, post(f"{parent}/datasets", body))
    data = {"inputConfig": {"gcsSource": {"inputUris": uris}}}
    done(parent, post(f"{parent}/datasets/{made}:importData", data))
    return made


def automl_train(parent: str, name: str, dataset: str, budget: int) -> str:
    body = {
        "displayName": name,
        "datasetId": dataset,
        "imageClassificationModelMetadata": {"trainBudgetMilliNodeHours": str(budget)},
    }
    return done(parent, post(f"{parent}/models", body))


def automl_deploy(parent: str, _name: str, model: str, nodes: int) -> str:
    body = {"imageClassificationModelDeploymentMetadata": {"nodeCount": str(nodes)}}
    done(parent, post(f"{parent}/models/{model}:deploy", body))
    return model


def vertex_dataset(parent: str, name: str, uris: Any) -> str:
    body = {
        "displayName": name,
        "metadataSchemaUri": f"{SCHEMAS}/dataset/metadata/image_1.0.0.yaml",
    }
    made = done(parent, post(f"{parent}/datasets", body))
    form = f"{SCHEMAS}/dataset/ioformat/image_classification_single_label_io_format_1.0.0.yaml"
    data = {"importConfigs": [{"gcsSource": {"uris": uris}, "importSchemaUri": form}]}
    done(parent, post(f"{parent}/datasets/{made}:import", data))
    return made


def vertex_train(parent: str, name: str, dataset: str, budget: int) -> str:
    task = f"{SCHEMAS}/trainingjob/definition/automl_image_classification_1.0.0.yaml"
    body = {
        "displayName": name,
        "trainingTaskDefinition": task,
        "trainingTaskInputs": {"modelType": "CLOUD", "budgetMilliNodeHours": str(budget)},
        "inputDataConfig": {"datasetId": dataset},
        "modelToUpload": {"displayName": name},
    }
    pipeline = post(f"{parent}/trainingPipelines", body)
    made = pipeline["name"].rpartition("/")[2]
    while pipeline.get("state") != "PIPELINE_STATE_SUCCEEDED":
        if pipeline.get("state") in ("PIPELINE_STATE_FAILED", "PIPELINE_STATE_CANCELLED"):
            raise RuntimeError(pipeline.get("error"))
        time.sleep(0.05)
        pipeline = get(f"{parent}/trainingPipelines/{made}")
    return str(pipeline["modelToUpload"]["name"]).rpartition("/")[2]


def vertex_deploy(parent: str, name: str, model: str, nodes: int) -> str:
    endpoint = done(parent, post(f"{parent}/endpoints", {"displayName": name}))
    deployed = {
        "model": f"{parent[parent.index('projects/') :]}/models/{model}",
        "automaticResources": {"minReplicaCount": nodes, "maxReplicaCount": nodes},
    }
    body = {"deployedModel": deployed, "trafficSplit": {"0": 100}}
    done(parent, post(f"{parent}/endpoints/{endpoint}:deployModel", body))
    return endpoint


VERBS: Any = {
    "automl": (automl_dataset, automl_train, automl_deploy),
    "vertex": (vertex_dataset, vertex_train, vertex_deploy),
}


def record(state: Any, address: str, made: str) -> None:
    state[address] = made
    STATE.write_text(json.dumps(state))


def post(url: str, body: object) -> Any:
    for attempt in range(3):
        try:
            answer = requests.post(url, json=body, timeout=10)
            answer.raise_for_status()
            return answer.json()
        except (requests.RequestException, ValueError):
            if attempt == 2:
                raise
            time.sleep(0.1)
    return None


def get(url: str) -> Any:
    try:
        return requests.get(url, timeout=10).json()
    except (requests.RequestException, ValueError):
        return {}


def done(parent: str, operation: Any) -> str:
    while not operation.get("done"):
        time.sleep(0.05)
        name = operation["name"].rpartition("/")[2]
        operation = {"name": operation["name"], **get(f"{parent}/operations/{name}")}
    if "error" in operation:
        raise RuntimeError(operation["error"])
    return str(operation["response"].get("name", "")).rpartition("/")[2]

"""What many write first: no intents, the state written in place, and a retry on every error."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import requests
import yaml

STATE = Path("state/naive.json")


def main() -> int:
    """Bring about what the configuration says; 0 when all is there."""
    config: Any = yaml.safe_load(Path("automl-plan.yaml").read_text())
    settings = config["provider"]["automl"]
    parent = f"{settings['endpoint']}/v1/projects/{settings['project']}/locations/us-central1"
    STATE.parent.mkdir(exist_ok=True)
    try:
        state: Any = json.loads(STATE.read_text())
    except (OSError, ValueError):
        state = {}
    try:
        for name, dataset in config["datasets"].items():
            if f"dataset.{name}" not in state:
                body = {
                    "displayName": name,
                    "imageClassificationDatasetMetadata": {"classificationType": "MULTICLASS"},
                }
                made = done(parent, post(f"{parent}/datasets", body))
                uris = {"inputConfig": {"gcsSource": {"inputUris": dataset["sources"]}}}
                done(parent, post(f"{parent}/datasets/{made}:importData", uris))
                record(state, f"dataset.{name}", made)
        for name, model in config["models"].items():
            if f"model.{name}" not in state:
                budget = model["image_classification"]["train_budget_milli_node_hours"]
                body = {
                    "displayName": name,
                    "datasetId": state[f"dataset.{model['dataset']}"],
                    "imageClassificationModelMetadata": {"trainBudgetMilliNodeHours": str(budget)},
                }
                record(state, f"model.{name}", done(parent, post(f"{parent}/models", body)))
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        print(f"Error: {error!r}")
        return 1
    return 0


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


def done(parent: str, operation: Any) -> str:
    while not operation.get("done"):
        time.sleep(0.05)
        name = operation["name"].rpartition("/")[2]
        try:
            operation = requests.get(f"{parent}/operations/{name}", timeout=10).json()
        except (requests.RequestException, ValueError):
            continue
        if "name" not in operation:
            operation = {"name": name}
    if "error" in operation:
        raise RuntimeError(operation["error"])
    return str(operation["response"].get("name", "")).rpartition("/")[2]

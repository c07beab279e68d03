"""One emulator with images in a bucket, and a project of its own for each schedule."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.apis import endpoint_of

TIME_SCALE = 18_000.0
"""A simulated hour passes in a fifth of a second: long enough to be cut off in its middle."""
DATASETS = {"cats": 12, "dogs": 16}
MODELS = {"cats": "cats", "dogs_small": "dogs", "dogs_large": "dogs"}
BUDGETS = {"cats": 8000, "dogs_small": 8000, "dogs_large": 9000}
DEPLOYED, NODES = "cats", 1
MAKE, NODES_CHANGE, SWAP, RETIRE = "make", "nodes change", "swap", "retire"
LATER = (NODES_CHANGE, SWAP, RETIRE)
"""What is declared after all was made: other nodes and a model less; another version in the place
of the one that serves; no deployment any more."""
GATE = {"au_prc": 0.1}
"""Met by what the simulated trainer makes up, so that each run goes through it."""


@dataclass(frozen=True)
class Truth:
    """What the service knows of one project, whoever asks."""

    trainings: dict[str, int]
    """How many were begun, by display name."""
    usd: float
    """What they are billed, in US dollars."""
    datasets: frozenset[str]
    models: frozenset[str]
    endpoints: frozenset[str]
    """At Vertex AI; AutoML v1 has none."""
    deployed: dict[str, int]
    """How many nodes run now, by the display name of what is deployed."""
    most_nodes: int
    """The most nodes that any one model was billed for at a time."""


def _models(stage: str) -> dict[str, Any]:
    models: dict[str, Any] = {
        name: {
            "dataset": dataset,
            "image_classification": {"train_budget_milli_node_hours": BUDGETS[name]},
        }
        for name, dataset in MODELS.items()
    }
    deployed = models[DEPLOYED]
    deployed |= {"deploy": {"node_count": NODES}, "require": GATE}
    if stage == NODES_CHANGE:
        deployed["deploy"] = {"node_count": NODES + 1}
        del models["dogs_large"]
    elif stage == SWAP:
        deployed["image_classification"] = {"train_budget_milli_node_hours": 10_000}
    elif stage == RETIRE:
        del deployed["deploy"]
    return models


class World:
    """The emulator's process, for clients of one API, and what is asked of it behind their back."""

    def __init__(self, directory: Path, api: str) -> None:
        self.api = api
        bucket = directory / "buckets" / "bucket"
        bucket.mkdir(parents=True)
        for name, many in DATASETS.items():
            with (bucket / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                rows = csv.writer(file)
                for i in range(many):
                    (bucket / f"{name}-{i}.png").write_bytes(f"{name} {i}".encode())
                    use = ("TRAIN", "TRAIN", "VALIDATION", "TEST")[i % 4]
                    rows.writerow([use, f"gs://bucket/{name}-{i}.png", f"kind{i // 4 % 2}"])
        command = [sys.executable, "-m", "automl_plan.emulator", "--trainer", "simulated"]
        command += ["--data-dir", str(directory / "emulator"), "--time-scale", str(TIME_SCALE)]
        command += ["--bucket-root", str(directory / "buckets")]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().split()[-1]

    def project(self, directory: Path, project: str, stage: str = MAKE) -> None:
        """Write a configuration for a project of its own."""
        (directory / "state").mkdir(parents=True, exist_ok=True)
        kind = {"image_classification": {"classification_type": "MULTICLASS"}}
        endpoint = endpoint_of(self.api, self.url)
        document = {
            "provider": {self.api: {"project": project, "endpoint": endpoint}},
            "state": {"local": {"path": "state/state.json"}},
            "datasets": {n: {**kind, "sources": [f"gs://bucket/{n}.csv"]} for n in DATASETS},
            "models": _models(stage),
        }
        (directory / "automl-plan.yaml").write_text(json.dumps(document), encoding="utf-8")

    def set_fault(self, spec: str) -> None:
        """Switch a fault on."""
        self._ask("/emulator/v1/faults", "POST", {"fault": spec})

    def clear_faults(self) -> None:
        """Switch all faults off."""
        self._ask("/emulator/v1/faults", "DELETE")

    def truth(self, project: str) -> Truth:
        """What was done in a project."""
        bill = self._ask("/emulator/v1/billing")
        begun = [charge for charge in bill["trainings"] if charge["project"] == project]
        nodes = [charge for charge in bill["deployments"] if charge["project"] == project]
        deployed: Counter[str] = Counter()
        for charge in nodes:
            if charge["ended"] is None:
                deployed[charge["display_name"]] += charge["nodes"]
        return Truth(
            dict(Counter(charge["display_name"] for charge in begun)),
            round(sum(charge["usd"] for charge in begun), 6),
            self._live(project, "datasets"),
            self._live(project, "models"),
            self._live(project, "endpoints") if self.api == "vertex" else frozenset(),
            dict(deployed),
            max((charge["nodes"] for charge in nodes), default=0),
        )

    def close(self) -> None:
        """End the emulator."""
        self._process.terminate()
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _live(self, project: str, collection: str) -> frozenset[str]:
        path = (
            endpoint_of(self.api, "") + f"/v1/projects/{project}/locations/us-central1/{collection}"
        )
        answer, key = self._ask(path), collection
        if self.api == "automl" and collection == "models":
            key = "model"  # proto: ListModelsResponse.model
        return frozenset(obj["name"].rpartition("/")[2] for obj in answer.get(key, []))

    def _ask(self, path: str, method: str = "GET", body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"{}")

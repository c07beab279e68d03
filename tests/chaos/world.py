"""One emulator with images in a bucket, and a project of its own for each schedule."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIME_SCALE = 18_000.0
"""A simulated hour passes in a fifth of a second: long enough to be cut off in its middle."""
DATASETS = {"cats": 12, "dogs": 16}
MODELS = {"cats": "cats", "dogs_small": "dogs", "dogs_large": "dogs"}
BUDGETS = {"cats": 8000, "dogs_small": 8000, "dogs_large": 9000}
DEPLOYED = "cats"
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


class World:
    """The emulator's process, and what is asked of it behind the tool's back."""

    def __init__(self, directory: Path) -> None:
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

    def project(self, directory: Path, project: str) -> None:
        """Write a configuration for a project of its own."""
        (directory / "state").mkdir(parents=True)
        kind = {"image_classification": {"classification_type": "MULTICLASS"}}
        document = {
            "provider": {"automl": {"project": project, "endpoint": self.url}},
            "state": {"local": {"path": "state/state.json"}},
            "datasets": {n: {**kind, "sources": [f"gs://bucket/{n}.csv"]} for n in DATASETS},
            "models": {
                name: {
                    "dataset": dataset,
                    "image_classification": {"train_budget_milli_node_hours": BUDGETS[name]},
                    **({"deploy": {}, "require": GATE} if name == DEPLOYED else {}),
                }
                for name, dataset in MODELS.items()
            },
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
        bill = [
            charge
            for charge in self._ask("/emulator/v1/billing")["trainings"]
            if charge["project"] == project
        ]
        trainings: dict[str, int] = {}
        for charge in bill:
            trainings[charge["display_name"]] = trainings.get(charge["display_name"], 0) + 1
        parent = f"/v1/projects/{project}/locations/us-central1"
        return Truth(
            trainings,
            round(sum(charge["usd"] for charge in bill), 6),
            frozenset(self._ids(self._ask(f"{parent}/datasets").get("datasets", []))),
            frozenset(self._ids(self._ask(f"{parent}/models").get("model", []))),
        )

    def close(self) -> None:
        """End the emulator."""
        self._process.terminate()
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()

    @staticmethod
    def _ids(objects: list[dict[str, Any]]) -> list[str]:
        return [obj["name"].rpartition("/")[2] for obj in objects]

    def _ask(self, path: str, method: str = "GET", body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"{}")

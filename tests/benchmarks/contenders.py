"""The two that are compared, each with the same number of resources: half datasets, half models.

Ours works on the embedded service with simulated trainings, over real HTTP, and all its datasets
have the same small import file. Terraform has its built-in `terraform_data`, which does nothing.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import uuid
from pathlib import Path
from typing import Any, Protocol

import requests

from tests.benchmarks.measuring import Taken, run
from tests.project import png

PER_FILE = 500
"""Resources of one file of a configuration."""
_LABELS, _SETS = ("a", "b"), ("TRAIN", "VALIDATION", "TEST")
_IMAGES = 12


class Contender(Protocol):
    """One directory with a configuration of so many resources."""

    name: str

    def write(self, *, changed: bool) -> None:
        """Write the configuration; `changed`: of each hundredth dataset a label is another."""

    def plan(self) -> Taken: ...

    def apply(self) -> Taken: ...

    def close(self) -> None: ...


def halves(size: int) -> tuple[int, int]:
    """How many datasets and models so many resources are."""
    models = size // 2
    return size - models, models


class Ours:
    """automl-plan, as it is installed at `command`."""

    name = "automl-plan"

    def __init__(self, directory: Path, size: int, command: str) -> None:
        self.command = command
        self._directory = directory
        self._size = size
        directory.mkdir(parents=True)
        self._cache = directory / "cache"
        self.environ = {
            # Python keeps what it compiled, as it does wherever a tool is used twice.
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("PYTHON", "AUTOML_PLAN"))
        } | {"XDG_CACHE_HOME": str(self._cache)}
        (directory / "data").mkdir()
        rows = []
        for number in range(_IMAGES):
            (directory / "data" / f"{number}.png").write_bytes(png(str(number)))
            label, use = _LABELS[number // len(_SETS) % 2], _SETS[number % len(_SETS)]
            rows.append(f"{use},data/{number}.png,{label}\n")
        (directory / "data" / "rows.csv").write_text("".join(rows), encoding="utf-8")
        provider = "provider: {local: {trainer: simulated, time_scale: 36000000}}\n"
        (directory / "provider.automl.yaml").write_text(provider, encoding="utf-8")
        self.write(changed=False)
        # The service starts before anything is measured.
        run([self.command, "plan", "--no-lint"], directory, self.environ)

    def write(self, *, changed: bool) -> None:
        """Write the configuration."""
        datasets, models = halves(self._size)
        for first in range(0, datasets, PER_FILE // 2):
            numbers = range(first, min(first + PER_FILE // 2, datasets))
            lines = ["datasets:\n"]
            for number in numbers:
                team = "b" if changed and number % 100 == 0 else "a"
                lines += [
                    f"  d{number:05d}:\n",
                    "    image_classification: {classification_type: MULTICLASS}\n",
                    "    sources: [data/rows.csv]\n",
                    f"    labels: {{team: {team}}}\n",
                ]
            trained = [number for number in numbers if number < models]
            lines += ["models:\n"] if trained else []
            for number in trained:
                lines += [
                    f"  m{number:05d}:\n",
                    f"    dataset: d{number:05d}\n",
                    "    image_classification: {train_budget_milli_node_hours: 8000}\n",
                    "    labels: {team: a}\n",
                ]
            path = self._directory / f"resources-{first:05d}.automl.yaml"
            text = "".join(lines)
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")

    def forget(self) -> None:
        """Lose what was kept of configurations that were read before."""
        shutil.rmtree(self._cache, ignore_errors=True)

    def plan(self) -> Taken:
        """Plan."""
        return run([self.command, "plan"], self._directory, self.environ)

    def apply(self) -> Taken:
        """Apply."""
        command = [self.command, "apply", "--auto-approve"]
        return run(command, self._directory, self.environ)

    def requests(self) -> dict[str, int]:
        """How often each method of the service was called."""
        note = self._directory / ".automl-plan" / "emulator" / "server.json"
        url = json.loads(note.read_text(encoding="utf-8"))["url"]
        calls: dict[str, int] = requests.get(f"{url}/emulator/v1/calls", timeout=30).json()["calls"]
        return calls

    def close(self) -> None:
        """Stop the service."""
        run([self.command, "emulator", "stop"], self._directory, self.environ)
        shutil.rmtree(self._directory)


class Terraform:
    """Terraform, as it is found on PATH."""

    name = "terraform"

    def __init__(self, directory: Path, size: int, state_of: Path | None = None) -> None:
        """`state_of`: take over the state of a smaller apply, made larger, in place of applying."""
        self._directory = directory
        self._size = size
        self.environ = {**os.environ, "CHECKPOINT_DISABLE": "1"}
        directory.mkdir(parents=True)
        self.write(changed=False)
        run(["terraform", "init", "-input=false"], directory, self.environ)
        if state_of is not None:
            state = json.loads((state_of / "terraform.tfstate").read_text(encoding="utf-8"))
            larger = json.dumps(_larger(state, size), indent=2)
            (directory / "terraform.tfstate").write_text(larger, encoding="utf-8")

    def write(self, *, changed: bool) -> None:
        """Write the configuration."""
        datasets, models = halves(self._size)
        for first in range(0, datasets, PER_FILE // 2):
            blocks = []
            for number in range(first, min(first + PER_FILE // 2, datasets)):
                team = "b" if changed and number % 100 == 0 else "a"
                blocks.append(
                    f'resource "terraform_data" "d{number:05d}" {{\n  input = {{\n'
                    '    classification_type = "MULTICLASS"\n    sources = ["data/rows.csv"]\n'
                    f'    team = "{team}"\n  }}\n}}\n'
                )
                if number < models:
                    blocks.append(
                        f'resource "terraform_data" "m{number:05d}" {{\n  input = {{\n'
                        f"    dataset = terraform_data.d{number:05d}.id\n"
                        '    budget = 8000\n    team = "a"\n  }\n}\n'
                    )
            path = self._directory / f"resources-{first:05d}.tf"
            path.write_text("\n".join(blocks), encoding="utf-8")

    def plan(self) -> Taken:
        """Plan."""
        return run(["terraform", "plan", "-input=false"], self._directory, self.environ)

    def apply(self) -> Taken:
        """Apply."""
        command = ["terraform", "apply", "-input=false", "-auto-approve"]
        return run(command, self._directory, self.environ)

    @property
    def directory(self) -> Path:
        """Where its state lies."""
        return self._directory

    def close(self) -> None:
        """Remove it."""
        shutil.rmtree(self._directory)


def _larger(state: dict[str, Any], size: int) -> dict[str, Any]:
    """A state with so many resources, each as one that was applied."""
    by_name = {each["name"]: each for each in state["resources"]}
    datasets, models = halves(size)
    resources = []
    for number in range(datasets):
        dataset = copy.deepcopy(by_name["d00001"])
        dataset["name"] = f"d{number:05d}"
        made = str(uuid.uuid4())
        dataset["instances"][0]["attributes"]["id"] = made
        resources.append(dataset)
        if number < models:
            model = copy.deepcopy(by_name["m00001"])
            model["name"] = f"m{number:05d}"
            instance = model["instances"][0]
            instance["attributes"]["id"] = str(uuid.uuid4())
            for key in ("input", "output"):
                instance["attributes"][key]["value"]["dataset"] = made
            instance["dependencies"] = [f"terraform_data.d{number:05d}"]
            resources.append(model)
    return {**state, "resources": sorted(resources, key=lambda each: str(each["name"]))}

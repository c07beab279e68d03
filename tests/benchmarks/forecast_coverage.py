"""Measures how often 80 % intervals hold: `python -m tests.benchmarks.forecast_coverage DIR`.

Trains models on the embedded service in its own process, whose simulated trainer takes half to
all of a budget's time by the service's clock, through the tool as users have it: each wave is a
configuration that is planned and applied over HTTP, and the history is what the applier left in
the state. Writes DIR/history.jsonl and backtests it with the command. Not part of the suite: the
2,000 trainings take some ten minutes.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from automl_plan.providers.local import process
from tests.project import Project

AT_ONCE = 5
"""What the service trains at the same time: none waits for its turn."""
WAVES = 20
"""Of one state."""
TIME_SCALE = 36_000.0
"""An hour of training passes in a tenth of a second."""
BUDGETS = {"cloud": (8_000, 160_000), "mobile-versatile-1": (1_000, 20_000)}
"""Milli node hours that are drawn: an hour to twenty of wall time."""


def main() -> None:
    """Train, write the history, and print what the command says of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--trainings", type=int, default=2_000)
    parser.add_argument("--seed", default="forecast")
    arguments = parser.parse_args()
    chance, began, entries = random.Random(arguments.seed), time.monotonic(), []
    history: Path = arguments.directory / "history.jsonl"
    states = -(-arguments.trainings // (AT_ONCE * WAVES))
    for number in range(states):
        directory = arguments.directory / f"state-{number}"
        directory.mkdir(parents=True)
        waves = min(WAVES, -(-arguments.trainings // AT_ONCE) - number * WAVES)
        entries += _trained(directory, f"s{number}", waves, chance)
        history.write_text("".join(f"{json.dumps(e)}\n" for e in entries), encoding="utf-8")
        print(f"{len(entries):,} operations, {time.monotonic() - began:.0f} s", file=sys.stderr)
    command = ["operations", "backtest", str(history)]
    subprocess.run([sys.executable, "-m", "automl_plan", *command], check=True)
    subprocess.run([sys.executable, "-m", "automl_plan", *command, "--json"], check=True)


def _trained(directory: Path, name: str, waves: int, chance: random.Random) -> list[dict[str, Any]]:
    """The history of one state, after so many waves of trainings."""
    project = Project(directory, TIME_SCALE)
    project.write_data("d.csv", {"cat": 8, "dog": chance.randrange(8, 40)})
    kind = {"classification_type": "MULTICLASS"}
    datasets = {name: {"image_classification": kind, "sources": ["d.csv"]}}
    models: dict[str, Any] = {}
    try:
        for wave in range(waves):
            for i in range(AT_ONCE):
                models[f"{name}_{wave}_{i}"] = {"dataset": name, **_drawn(chance)}
            project.write(datasets, models)
            result = project.apply()
            assert not result.failed, result.failed[0].error
    finally:
        process.stop(directory / ".automl-plan" / "emulator")
    document = json.loads((directory / "state.json").read_bytes())
    return [
        {"step": step, **entry}
        for step, kept in document["history"].items()
        for entry in kept.values()
    ]


def _drawn(chance: random.Random) -> dict[str, Any]:
    model_type = chance.choice(sorted(BUDGETS))
    budget = chance.randint(*BUDGETS[model_type])
    spec = {"model_type": model_type, "train_budget_milli_node_hours": budget}
    return {"image_classification": spec}


if __name__ == "__main__":
    main()

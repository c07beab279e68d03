"""Migrations that are struck: each makes one copy of everything, and the next plan is empty."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.schedules import Blow, Schedule, at_every_boundary
from tests.chaos.world import DATASETS, DEPLOYED, MODELS, World
from tests.chaos.zygote import Command, Outcome, Zygote

MOST_RUNS = 4
"""Undisturbed runs after which a migration must be complete."""
FAULTS = (
    *(
        f"migratableResources.batchMigrate:{effect}"
        for effect in (
            *("drop-before:1", "drop-after:1", "truncate:1", "429=1:1", "500:1", "500-after:1"),
            *("503-after:2", "delay-after=0.3:1", "fail=13:1", "drop-after:1-3"),
        )
    ),
    *("endpoints.deployModel:drop-after:1", "endpoints.create:drop-after:1"),
    *("endpoints.deployModel:500-after:1", "models.patch:drop-after:1-3"),
    *("operations.list:503:1-2", "operations.get:drop-after:1-3", "datasets.list:truncate:1"),
)
"""What the service does wrong while a migration runs."""


@dataclass(frozen=True)
class There:
    """What lives at Vertex AI in one project."""

    datasets: dict[str, str]
    """Display names by id."""
    models: dict[str, str]
    deployed: tuple[str, ...]
    """The ids of models at endpoints."""


class Mover:
    """Migrates projects on one emulator, and judges by what the service and the disk hold."""

    def __init__(
        self, world: World, zygote: Zygote, directory: Path, *, delete: bool = False
    ) -> None:
        self._flags = ("--delete-originals",) if delete else ()
        self._left = (0, 0) if delete else (len(DATASETS), len(MODELS))
        self._world = world
        self._zygote = zygote
        self._directory = directory
        self._number = 0
        self.boundaries = self.writes = 0

    def measure(self) -> None:
        """An undisturbed migration: how many boundaries it passes."""
        directory, project = self._fresh()
        outcome = self._migrate(directory, Blow())
        assert outcome.code == 0, outcome.output
        assert self._wrong(directory, project, [outcome]) == []
        self.boundaries, self.writes = outcome.boundaries, outcome.writes

    def run(self, schedule: Schedule) -> tuple[bool, list[str]]:
        """Whether a run was struck, and what is wrong in the end."""
        directory, project = self._fresh()
        told: list[Outcome] = []
        try:
            for fault in schedule.faults:
                self._world.set_fault(fault)
            told += [self._migrate(directory, blow) for blow in schedule.blows]
        finally:
            self._world.clear_faults()
        for _ in range(MOST_RUNS):
            if told[-1].code == 0:
                break
            told.append(self._migrate(directory, Blow()))
        struck = any(outcome.code for outcome in told)
        return struck, [f"{schedule}: {w}" for w in self._wrong(directory, project, told)]

    def _wrong(self, directory: Path, project: str, told: list[Outcome]) -> list[str]:
        there, truth = self._there(project), self._world.truth(project)
        state = json.loads((directory / "state" / "state.json").read_text())
        recorded = {
            address: [o["id"] for o in [record["current"], *record.get("others", ())]]
            for address, record in state["resources"].items()
        }
        plan = self._zygote.run(Command(("plan", "--detailed-exitcode"), str(directory)))
        current = state["resources"][f"model.{DEPLOYED}"]["current"]["id"]
        found = {
            "it does not end": told[-1].code == 0,
            "a traceback": not any("Traceback" in outcome.output for outcome in told),
            "a bug": not any("this is a bug" in outcome.output for outcome in told),
            "datasets": sorted(there.datasets.values()) == sorted(DATASETS),
            "models": sorted(there.models.values()) == sorted(MODELS),
            "recorded": sorted(i for ids in recorded.values() for i in ids)
            == sorted([*there.datasets, *there.models]),
            "deployed": there.deployed == (current,),
            "trainings": truth.trainings == dict.fromkeys(MODELS, 1),
            "originals": (len(truth.datasets), len(truth.models)) == self._left,
            "left over": not list((directory / "state").glob("*.migrating*")),
            "plan": plan.code == 0,
        }
        bad = [what for what, right in found.items() if not right]
        return [f"{bad} {there} {recorded} {told[-1].output[-1500:]} {plan.output}"] if bad else []

    def _migrate(self, directory: Path, blow: Blow) -> Outcome:
        arguments = ("migrate", "--to", "vertex", "--auto-approve")
        endpoint = ("--endpoint", f"{self._world.url}/vertex")
        return self._zygote.run(
            Command(
                (*arguments, *endpoint, *self._flags), str(directory), False, blow.action, blow.at
            )
        )

    def _fresh(self) -> tuple[Path, str]:
        self._number += 1
        project = f"{self._directory.name}-{self._number}"
        directory = self._directory / project
        self._world.project(directory, project)
        outcome = self._zygote.run(Command(("apply", "--auto-approve"), str(directory)))
        assert outcome.code == 0, outcome.output
        return directory, project

    def _there(self, project: str) -> There:
        parent = f"{self._world.url}/vertex/v1/projects/{project}/locations/us-central1"

        def listed(collection: str) -> list[dict[str, Any]]:
            with urllib.request.urlopen(f"{parent}/{collection}", timeout=30) as answer:
                found: list[dict[str, Any]] = json.loads(answer.read()).get(collection, [])
                return found

        def named(collection: str) -> dict[str, str]:
            return {o["name"].rpartition("/")[2]: o["displayName"] for o in listed(collection)}

        deployed = [d for e in listed("endpoints") for d in e.get("deployedModels", ())]
        at_endpoints = tuple(d["model"].rpartition("/")[2] for d in deployed)
        return There(named("datasets"), named("models"), at_endpoints)


def run_share(share: int, shares: int, step: int) -> tuple[int, int, list[str]]:
    """Every so-many-th schedule on an emulator of its own: how many, struck, and what is wrong."""
    wrong: list[str] = []
    many = struck = 0
    with tempfile.TemporaryDirectory() as folder:
        world, zygote = World(Path(folder), "automl"), Zygote()
        try:
            for name, delete in (("kept", False), ("deleted", True)):
                mover = Mover(world, zygote, Path(folder) / name, delete=delete)
                mover.measure()
                for schedule in schedules_of(mover, step)[share::shares]:
                    hurt, found = mover.run(schedule)
                    many, struck = many + 1, struck + hurt
                    wrong += found
        finally:
            zygote.close()
            world.close()
    return many, struck, wrong


def schedules_of(mover: Mover, step: int) -> list[Schedule]:
    """A blow at each boundary, and each fault alone."""
    faults = [Schedule(fault, (Blow(),), (fault,)) for fault in FAULTS[:: max(step // 8, 1)]]
    return [*at_every_boundary(mover.boundaries, mover.writes, step), *faults]


def main() -> int:
    """0 when every migration was right in the end."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.migrations")
    parser.add_argument("--share", default="0/1", help="only every so-many-th schedule: 0/4")
    parser.add_argument("--step", type=int, default=1, help="only every so-many-th boundary")
    given = parser.parse_args()
    share, shares = map(int, given.share.split("/"))
    schedules, struck, wrong = run_share(share, shares, given.step)
    for line in wrong:
        print(line)
    print(f"migrations {schedules} ({struck} struck) · not right in the end {len(wrong)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""Runs a schedule with the tool, or with the naive client, and judges by what the service knows."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.schedules import Blow, Schedule
from tests.chaos.world import (
    DEPLOYED,
    LATER,
    MAKE,
    MODELS,
    NODES,
    NODES_CHANGE,
    RETIRE,
    SWAP,
    Truth,
    World,
)
from tests.chaos.zygote import Command, Outcome, Zygote

MOST_RUNS = 6
"""Undisturbed runs after which a configuration must have been brought about."""
_PUSH = re.compile(r"automl-plan state push (\S+)")


@dataclass
class Score:
    """What schedules have cost, all together."""

    schedules: int = 0
    duplicates: int = 0
    """Trainings begun, and nodes billed at a time, beyond those of an undisturbed run."""
    orphans: int = 0
    """Live objects that the state doesn't know, and recorded ones that don't live; endpoints
    beyond those of an undisturbed run."""
    wasted_usd: float = 0.0
    """Billed beyond what an undisturbed run is billed."""
    unfinished: int = 0
    """Schedules that did not come to their end."""
    struck: int = 0
    """Schedules in which a run ended otherwise than well."""
    faulty: list[str] = field(default_factory=list)
    """The schedules that weren't right, and why."""

    def add(self, other: Score) -> None:
        """Take another score into this one."""
        self.schedules += other.schedules
        self.duplicates += other.duplicates
        self.orphans += other.orphans
        self.wasted_usd += other.wasted_usd
        self.unfinished += other.unfinished
        self.struck += other.struck
        self.faulty += other.faulty


class Arm:
    """One client on one emulator."""

    def __init__(self, world: World, zygote: Zygote, directory: Path, *, naive: bool) -> None:
        self._world = world
        self._zygote = zygote
        self._directory = directory
        self._naive = naive
        self._number = 0
        self.writes = 0
        self.boundaries: dict[str, int] = {}
        """By stage. Only the tool comes beyond the first: the naive client can't change a thing."""
        self._usual: dict[str, Truth] = {}

    def measure(self) -> None:
        """Undisturbed runs: how many boundaries they pass, and what they leave and are billed."""
        for stage in (MAKE,) if self._naive else (MAKE, *LATER):
            directory, project = self._fresh(stage)
            outcome = self._run(directory, Blow())
            assert outcome.code == 0, outcome.output
            self.boundaries[stage] = outcome.boundaries
            self._usual[stage] = self._world.truth(project)
            if stage == MAKE:
                self.writes = outcome.writes
        assert self._usual[MAKE].trainings == dict.fromkeys(MODELS, 1), self._usual
        assert self._usual[MAKE].deployed == {DEPLOYED: NODES}, self._usual
        if not self._naive:
            assert self._usual[NODES_CHANGE].deployed == {DEPLOYED: NODES + 1}, self._usual
            assert self._usual[SWAP].trainings[DEPLOYED] == 2, self._usual
            assert not self._usual[RETIRE].endpoints, self._usual

    def run(self, schedule: Schedule) -> Score:
        """Run a schedule to its end, and judge it."""
        directory, project = self._fresh(schedule.stage)
        told: list[Outcome] = []
        try:
            for fault in schedule.faults:
                self._world.set_fault(fault)
            told += [self._run(directory, blow) for blow in schedule.blows]
        finally:
            self._world.clear_faults()
        finished = False
        for _ in range(MOST_RUNS):
            told.append(self._run(directory, Blow()))
            if told[-1].code == 0 and (self._naive or self._is_empty(directory)):
                finished = True
                break
        return self._judge(schedule, directory, project, finished=finished, told=told)

    def _judge(
        self,
        schedule: Schedule,
        directory: Path,
        project: str,
        *,
        finished: bool,
        told: list[Outcome],
    ) -> Score:
        truth, usual = self._world.truth(project), self._usual[schedule.stage]
        datasets, models = self._recorded(directory)
        score = Score(
            schedules=1,
            duplicates=(Counter(truth.trainings) - Counter(usual.trainings)).total()
            + max(truth.most_nodes - usual.most_nodes, 0),
            orphans=len(truth.datasets ^ datasets)
            + len(truth.models ^ models)
            + max(len(truth.endpoints) - len(usual.endpoints), 0),
            wasted_usd=max(round(truth.usd - usual.usd, 6), 0.0),
            unfinished=0 if finished else 1,
            struck=1 if any(outcome.code for outcome in told) else 0,
        )
        traceback = any("Traceback" in outcome.output for outcome in told)
        missing = (
            Counter(usual.trainings) - Counter(truth.trainings) or truth.deployed != usual.deployed
        )
        if score.duplicates or score.orphans or not finished or traceback or missing:
            last = told[-1].output[-1500:] if not finished or traceback else ""
            told_of = f"{self._world.api}: {schedule}: {score.duplicates=} {score.orphans=}"
            score.faulty.append(f"{told_of} {truth} {last}")
        return score

    def _recorded(self, directory: Path) -> tuple[frozenset[str], frozenset[str]]:
        ids: dict[str, set[str]] = {"dataset": set(), "model": set()}
        try:
            if self._naive:
                state = json.loads((directory / "state" / "naive.json").read_text())
                for address, object_id in state.items():
                    ids.setdefault(address.partition(".")[0], set()).add(object_id)
            else:
                state = json.loads((directory / "state" / "state.json").read_text())
                for address, record in state["resources"].items():
                    objects = [record.get("current"), *record.get("others", [])]
                    ids[address.partition(".")[0]] |= {obj["id"] for obj in objects if obj}
        except (OSError, ValueError):
            pass  # nothing is recorded, then
        return frozenset(ids["dataset"]), frozenset(ids["model"])

    def _is_empty(self, directory: Path) -> bool:
        command = Command(("plan", "--detailed-exitcode"), str(directory))
        return self._zygote.run(command).code == 0

    def _run(self, directory: Path, blow: Blow) -> Outcome:
        command = Command(
            ("apply", "--auto-approve"), str(directory), self._naive, blow.action, blow.at
        )
        outcome = self._zygote.run(command)
        pushed = _PUSH.search(outcome.output)
        if pushed and "FILE" not in pushed[1]:  # do what the message says
            self._zygote.run(Command(("state", "push", pushed[1]), str(directory)))
        return outcome

    def _fresh(self, stage: str) -> tuple[Path, str]:
        """A directory and a project of their own, in which only what is now declared is to do."""
        self._number += 1
        project = f"{'naive' if self._naive else 'tool'}-{self._number}"
        directory = self._directory / project
        self._world.project(directory, project)
        if stage != MAKE:
            made = self._run(directory, Blow())
            assert made.code == 0, made.output
            self._world.project(directory, project, stage)
        return directory, project

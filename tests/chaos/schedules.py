"""The schedules: what befalls a run, and the run after it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from tests.chaos.boundaries import FULL, INTERRUPT, KILL
from tests.chaos.world import MAKE

_PAID = {
    "automl": ("datasets.create", "datasets.importData", "models.create", "models.deploy"),
    "vertex": (
        *("datasets.create", "datasets.import", "trainingPipelines.create"),
        *("endpoints.create", "endpoints.deployModel"),
    ),
}
"""The calls of a run that make something."""
_LISTS = {
    "automl": ("operations.list:late=1", "operations.list:blind", "models.list:early"),
    "vertex": (
        *("operations.list:late=1", "trainingPipelines.list:late=1", "models.list:early"),
        *("trainingPipelines.get:503:1-3", "trainingPipelines.get:drop-after:1-3"),
    ),
}
"""What lists, and trainings that are asked for, don't tell in time."""


_LATER = {
    "automl": ("models.deploy", "models.undeploy", "models.delete"),
    "vertex": (
        *("endpoints.deployModel", "endpoints.undeployModel", "endpoints.patch"),
        *("endpoints.delete", "models.delete"),
    ),
}
"""The calls of runs that change what is there."""
_LOST = ("drop-before", "drop-after", "truncate", "500-after", "503")


def faults_of(api: str) -> tuple[str, ...]:
    """What the service does wrong. A specification that ends with @ is given a seed."""
    return (
        *(
            f"{method}:{effect}:1"
            for method in _PAID[api]
            for effect in (
                *("drop-before", "drop-after", "truncate", "429=1", "500", "500-after", "503"),
                *("503-after", "delay-before=0.5", "delay-after=0.5"),
            )
        ),
        *(f"*:{effect}:p0.15@" for effect in ("drop-after", "drop-before", "503", "500-after")),
        *(f"operations.get:{effect}:1-3" for effect in ("drop-after", "503", "truncate", "429=1")),
        *_LISTS[api],
    )


@dataclass(frozen=True)
class Blow:
    """What befalls one run."""

    action: str | None = None
    at: int = 0


@dataclass(frozen=True)
class Schedule:
    """What befalls the first runs, while which faults are on. After it all goes well."""

    name: str
    blows: tuple[Blow, ...] = (Blow(),)
    faults: tuple[str, ...] = ()
    stage: str = MAKE
    """What is declared; what goes before it has been brought about undisturbed."""


def at_every_boundary(boundaries: int, writes: int, step: int = 1) -> Iterator[Schedule]:
    """A kill and an interrupt at each boundary, two kills, a disk that is full from a write on."""
    for at in range(1, boundaries + 1, step):
        yield Schedule(f"kill at {at}", (Blow(KILL, at),))
        yield Schedule(f"interrupt at {at}", (Blow(INTERRUPT, at),))
    for at in range(1, boundaries + 1, step * 5):
        yield Schedule(f"kill at {at}, then early", (Blow(KILL, at), Blow(KILL, 1 + at % 30)))
    for at in range(1, writes + 1, step):
        yield Schedule(f"disk full at write {at}", (Blow(FULL, at),))


def of_a_later_stage(api: str, stage: str, boundaries: int, step: int = 1) -> Iterator[Schedule]:
    """Kills and interrupts in turn, and what goes wrong with the calls that only come later."""
    for number, at in enumerate(range(1, boundaries + 1, step)):
        action = (KILL, INTERRUPT)[number % 2]
        yield Schedule(f"{stage}, {action} at {at}", (Blow(action, at),), stage=stage)
    faults = [f"{method}:{effect}:1" for method in _LATER[api] for effect in _LOST]
    for fault in faults[::step]:
        yield Schedule(f"{stage}, {fault}", (Blow(),), (fault,), stage)


def with_faults(api: str, boundaries: int, step: int = 1) -> Iterator[Schedule]:
    """Each fault alone, and with a kill somewhere."""
    chance = random.Random(1998)
    for number, spec in enumerate(faults_of(api)[::step]):
        fault = f"{spec}{number}" if spec.endswith("@") else spec
        yield Schedule(fault, (Blow(),), (fault,))
        at = chance.randint(1, boundaries)
        yield Schedule(f"{fault}, kill at {at}", (Blow(KILL, at),), (fault,))


def by_seed(api: str, seed: int, boundaries: int, writes: int) -> Schedule:
    """One to three blows in a row, with up to two faults, drawn by a seed."""
    chance = random.Random(seed)
    blows = []
    for _ in range(chance.randint(1, 3)):
        action = chance.choice((KILL, KILL, INTERRUPT, FULL) if writes else (KILL, INTERRUPT))
        blows.append(Blow(action, chance.randint(1, writes if action == FULL else boundaries)))
    faults = [
        f"{spec}{seed}" if spec.endswith("@") else spec
        for spec in chance.sample(faults_of(api), chance.randint(0, 2))
    ]
    return Schedule(f"seed {seed}", tuple(blows), tuple(faults))

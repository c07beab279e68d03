"""One sequence: a world of its own, steps by a seed, and what came of it."""

from __future__ import annotations

import json
import tempfile
import traceback
from pathlib import Path
from random import Random

from tests.life.commands import COMMANDS
from tests.life.edits import EDITS, declare_dataset, declare_model
from tests.life.effects import Violation
from tests.life.machine import Machine
from tests.life.outside import ONLY, OUTSIDE
from tests.life.report import Report, script
from tests.life.shown import from_json
from tests.life.states import STATES
from tests.life.world import World
from tests.life.zygote import Zygote

_SHARES = {"edit": 40, "command": 45, "outside": 15}
_SECOND = 0.3
"""How often work is done in the second checkout, where there is one."""
_SCALES = (1.0, 1.0, 1.0, 1.0, 1.0, 60.0)


def run(
    api: str, seed: int, steps: int, zygote: Zygote, passed_over: frozenset[str] = frozenset()
) -> Report:
    """Run a sequence; a violation ends it."""
    chance = Random(f"{api} {seed}")
    report = Report(sequences=1)
    with tempfile.TemporaryDirectory(prefix="life-") as folder:
        world = World(Path(folder), api, chance.choice(_SCALES), zygote)
        machine = Machine(world, passed_over)
        try:
            _begin(machine, chance)
            for _ in range(steps):
                report.steps[_step(machine, chance)] += 1
        except (Violation, AssertionError, LookupError, TypeError, ValueError) as violation:
            if not isinstance(violation, Violation):  # the machine is wrong, or an answer is new
                world.log.append(traceback.format_exc())
            title = f"{api}, seed {seed}, {steps} steps: {violation}"
            again = script(title, api, world.service.scale, world.log, world.ids)
            report.violations.append(f"{title}\n{again}\n# it said:\n{_said(world)}")
        finally:
            report.commands, report.kills = machine.commands, machine.kills
            report.interrupts, report.stopped = machine.interrupts, machine.stopped
            report.refusals, report.effects = machine.refusals, machine.effects
            report.trainings = len(machine.ledger.begun)
            report.days = world.service.seconds_advanced / 86_400
            world.close()
    return report


def _said(world: World) -> str:
    """What the last command said, of a plan's JSON only what is done and why not."""
    if world.last is None:
        return ""
    shown = from_json(world.last.stdout)
    if shown is None:
        return world.last.text
    kept = ("changes", "cost", "drift", "notes", "refused")
    return json.dumps({key: shown.whole[key] for key in kept}, indent=1)


def _begin(machine: Machine, chance: Random) -> None:
    here = machine.world.checkouts["a"]
    declare_dataset(machine.world, here, chance)
    for _ in range(chance.choice((1, 2))):
        declare_model(machine.world, here, chance)
    machine.edited(here)
    machine.apply(here)


def _step(machine: Machine, chance: Random) -> str:
    """Take one step; its name."""
    world = machine.world
    while True:
        here = world.checkouts["a"]
        if "b" in world.checkouts and chance.random() < _SECOND:
            here = world.checkouts["b"]
        sort = chance.choices(list(_SHARES), list(_SHARES.values()))[0]
        if sort == "edit":
            names = list(EDITS)
            name = chance.choices(names, [EDITS[n][0] for n in names])[0]
            world.log.append(f"# {name}")
            if EDITS[name][1](world, here, chance):
                machine.edited(here)
                return f"edit: {name}"
        elif sort == "command":
            commands = {**COMMANDS, **STATES}
            names = list(commands)
            name = chance.choices(names, [commands[n][0] for n in names])[0]
            world.log.append(f"# {name}")
            if commands[name][1](machine, here, chance):
                return f"command: {name}"
        else:
            others = {n for api, only in ONLY.items() if api != world.api for n in only}
            names = [n for n in OUTSIDE if n not in others]
            name = chance.choices(names, [OUTSIDE[n][0] for n in names])[0]
            world.log.append(f"# {name}")
            if OUTSIDE[name][1](machine, chance):
                return f"outside: {name}"
        world.log.pop()

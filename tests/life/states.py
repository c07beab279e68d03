"""What befalls states: locks, older copies, losses, a second checkout. Each is a kind of step."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable
from random import Random

from tests.life.effects import Violation
from tests.life.machine import Machine
from tests.life.world import Checkout
from tests.life.zygote import STOP, STOPPED

Step = Callable[[Machine, Checkout, Random], bool]


def lost_lock(machine: Machine, here: Checkout, chance: Random) -> bool:
    """A run is stopped, its lock is taken from it, another one runs; then it goes on."""
    at = chance.randint(1, 5)
    outcome = machine.apply(here, only=("--parallelism", "1"), strike=at, action=STOP)
    if outcome.code != STOPPED:
        return True
    machine.command(here, "force-unlock", "--auto-approve")
    machine.apply(here)
    state = here.state()
    machine.command(here, "the stopped apply", goes_on=True)
    if here.state() != state:
        raise Violation("lock", "a run that lost its lock wrote the state")
    machine.stopped += 1
    return True


def state_rm(machine: Machine, here: Checkout, chance: Random) -> bool:
    """Forget a resource."""
    recorded = sorted(here.recorded())
    if not recorded:
        return False
    machine.by_hand(here, "state", "rm", chance.choice(recorded), "--auto-approve")
    return True


def state_mv(machine: Machine, here: Checkout, chance: Random) -> bool:
    """Another address, recorded by hand and renamed in the configuration."""
    models = [a for a in sorted(here.recorded()) if a.startswith("model.")]
    if not models:
        return False
    old = chance.choice(models)
    name, new = old.partition(".")[2], machine.world.new_name("m")
    outcome = machine.by_hand(here, "state", "mv", old, f"model.{new}", "--auto-approve")
    if outcome.code == 0 and name in here.models:
        here.models[new] = here.models.pop(name)
        machine.edited(here)
    return True


def locked(machine: Machine, here: Checkout, chance: Random) -> bool:
    """Somebody holds the lock: nothing is done; then it is taken away."""
    path = here.directory / "state" / "state.json.lock"
    if not path.exists():
        return False
    machine.world.log.append(f"# the lock of {here.name} is held by another process:")
    with path.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        json.dump({"who": "me", "pid": 1, "command": "apply", "since": "now"}, file)
        file.flush()
        outcome = machine.command(here, "apply", "--auto-approve")
        if outcome.code == 0 and machine.plan(here).changes:
            raise Violation("lock", "the state is locked, and apply ended with 0")
        if chance.random() < 0.5:
            machine.command(here, "force-unlock", "--auto-approve")
            machine.apply(here)
    return True


def keep_state(machine: Machine, here: Checkout, chance: Random) -> bool:
    """A copy of the state."""
    if not here.recorded():
        return False
    machine.world.keep_state(here)
    return True


def restore_state(machine: Machine, here: Checkout, chance: Random) -> bool:
    """An older state comes back, as a state of git does when nobody committed the newer one."""
    if not here.copies:
        return False
    machine.world.restore_state(here, chance.choice(here.copies))
    here.settled = False
    return True


def lose_state(machine: Machine, here: Checkout, chance: Random) -> bool:
    """The state is lost: nothing is paid; then it is rebuilt from the labels."""
    if not here.recorded():
        return False
    machine.world.lose_state(here)
    here.settled = False
    machine.apply(here)
    machine.command(here, "state", "rebuild")
    return True


def second_checkout(machine: Machine, here: Checkout, chance: Random) -> bool:
    """Somebody else works with a copy of the directory."""
    if here.name != "a" or not here.recorded():
        return False
    machine.world.clone(here, "b")
    return True


STATES: dict[str, tuple[int, Step]] = {
    "lost lock": (2, lost_lock),
    "state rm": (1, state_rm),
    "state mv": (1, state_mv),
    "locked": (1, locked),
    "keep state": (2, keep_state),
    "restore state": (1, restore_state),
    "lose state": (1, lose_state),
    "second checkout": (1, second_checkout),
}
"""By name: how often, and what."""

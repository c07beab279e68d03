"""Commands: each is a kind of step, and each is judged by what the service and the state tell."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

from tests.chaos.boundaries import INTERRUPT
from tests.life.effects import Violation
from tests.life.machine import Machine
from tests.life.shown import Said, Shown, from_json
from tests.life.trainings import CENT
from tests.life.world import BUDGET, Checkout, budget_of

Command = Callable[[Machine, Checkout, Random], bool]
_MOST_DETACHED = 6
_LATEST_STRIKE = 30
_ONE_BY_ONE = ("--parallelism", "1")
_IN_PLACE = ("update", "deploy", "undeploy")
LARGE = "--allow-large-change"


def _some_address(here: Checkout, chance: Random) -> str | None:
    found = [f"model.{n}" for n in here.models] + [f"dataset.{n}" for n in here.datasets]
    found += [a for a in here.recorded() if a not in found]
    return chance.choice(found) if found else None


def _selection(here: Checkout, chance: Random) -> tuple[str, ...]:
    """Flags that narrow or widen a plan."""
    flags: list[str] = []
    for flag, often in (("--target", 0.5), ("--exclude", 0.4), ("--replace", 0.3)):
        address = _some_address(here, chance)
        if address is not None and chance.random() < often:
            flags += [flag, address]
    return tuple(flags)


def plan(machine: Machine, here: Checkout, chance: Random) -> bool:
    """A plan; it changes nothing."""
    flags = _selection(here, chance) if chance.random() < 0.5 else ()
    machine.plan(here, *flags)
    return True


def apply(machine: Machine, here: Checkout, chance: Random) -> bool:
    """A whole apply. After one that succeeds, nothing is left to do."""
    outcome = machine.apply(here)
    if outcome.code == 0:
        machine.nothing_is_left(here, outcome)
    return True


def apply_part(machine: Machine, here: Checkout, chance: Random) -> bool:
    """With --target, --exclude, --replace."""
    flags = _selection(here, chance)
    if not flags:
        return False
    machine.apply(here, *flags)
    return True


def detach(machine: Machine, here: Checkout, chance: Random) -> bool:
    """`apply --detach`, again until a training runs."""
    for _ in range(_MOST_DETACHED):
        outcome = machine.apply(here, only=("--detach",), patient=False)
        if outcome.code != 5 or machine.world.service.training_runs():
            break
    return True


def by_variable(machine: Machine, here: Checkout, chance: Random) -> bool:
    """A training is begun with --var and left; `wait`, without it, makes it the current one."""
    if not here.models:
        return False
    name = chance.choice(list(here.models))
    kind, was = here.models[name]["image_classification"], budget_of(here, name)
    if here.models[name].get("lifecycle", {}).get("ignore_changes"):
        return False
    here.given = was + 1000
    here.document["variables"] = {"budget": {"type": "integer", "default": was}}
    kind[BUDGET] = "${var.budget}"
    machine.edited(here)
    flags, before = ("--var", f"budget={here.given}"), len(machine.ledger.begun)
    for _ in range(_MOST_DETACHED):
        outcome = machine.apply(here, *flags, only=("--detach",), patient=False)
        if outcome.code != 5 or len(machine.ledger.begun) > before:
            break
    begun = [b for b in machine.ledger.begun[before:] if b.address == f"model.{name}"]
    if begun:
        machine.world.pass_time(timedelta(hours=3) / machine.world.service.scale)
        outcome = machine.by_hand(here, "wait", "--auto-approve")
        current = (here.recorded().get(f"model.{name}") or {}).get("current") or {}
        gated = "require" in here.models[name]
        if outcome.code == 0 and not gated and current.get("id") != begun[0].model:
            raise Violation("variables", f"{begun[0].model} was paid for, and is thrown aside")
    del here.document["variables"]
    kind[BUDGET] = here.given
    machine.edited(here)
    return True


def apply_killed(machine: Machine, here: Checkout, chance: Random) -> bool:
    """An apply that is killed at one of its requests or writes."""
    strike = chance.randint(1, _LATEST_STRIKE)
    machine.apply(here, only=_ONE_BY_ONE, strike=strike)
    return True


def interrupted(machine: Machine, here: Checkout, chance: Random) -> bool:
    """Ctrl-C; trainings are left, or cancelled."""
    flags = (*_ONE_BY_ONE, "--on-interrupt", chance.choice(("leave", "cancel")))
    machine.apply(here, only=flags, strike=chance.randint(1, _LATEST_STRIKE), action=INTERRUPT)
    return True


def wait_killed(machine: Machine, here: Checkout, chance: Random) -> bool:
    """`wait` is killed."""
    machine.by_hand(here, "wait", "--auto-approve", strike=chance.randint(1, 12))
    return True


def versions(machine: Machine, here: Checkout, chance: Random) -> bool:
    """What versions cost, as told and as billed."""
    names = [a.partition(".")[2] for a in sorted(here.recorded()) if a.startswith("model.")]
    if not names:
        return False
    outcome = machine.command(here, "models", "versions", chance.choice(names), "--json")
    billed = {t.model: t.usd for t in machine.world.look().trainings.values()}
    for each in json.loads(outcome.stdout).get("versions", ()):
        usd = each["train_cost_usd"]
        if usd is not None and usd < billed.get(each["id"], 0.0) - CENT:
            raise Violation("money", f"{each['id']} cost ${billed[each['id']]}, and ${usd} is told")
    return True


def wait(machine: Machine, here: Checkout, chance: Random) -> bool:
    """Follow what runs."""
    machine.by_hand(here, "wait", "--auto-approve")
    return True


def save_plan(machine: Machine, here: Checkout, chance: Random) -> bool:
    """A plan into a file."""
    file = f"plan-{len(here.plans) + 1}.json"
    shown = machine.plan(here, "--out", file)
    if shown.whole:
        here.plans.append(file)
    return True


def apply_saved(machine: Machine, here: Checkout, chance: Random) -> bool:
    """A saved plan, whatever has happened since."""
    if not here.plans:
        return False
    saved = here.plans[-1] if chance.random() < 0.7 else chance.choice(here.plans)
    shown = from_json((here.directory / saved).read_text(encoding="utf-8"))
    assert shown is not None
    if shown.refused:
        shown = Shown()
    arguments = ("apply", saved)
    machine.command(here, *arguments, shown=shown, patient=True, stale=True)
    return True


def cancel(machine: Machine, here: Checkout, chance: Random) -> bool:
    """`operations cancel` of a training that runs. What was said to be used is billed at most."""
    live = machine.world.look()
    running = [t for t in live.trainings.values() if t.outcome == "running"]
    if not running:
        return False
    training = running[0]
    operation = training.operation
    if machine.world.api == "vertex":
        operation = f"trainingPipelines/{operation}"
    said = Said("cancel", "", training.operation)
    shown = replace(machine.plan(here), changes=(said,))  # the money is that of a plan
    machine.command(here, "operations", "cancel", operation, shown=shown)
    return True


def promote(machine: Machine, here: Checkout, chance: Random) -> bool:
    """Another version by hand."""
    found = [
        (address, other["version"])
        for address, record in here.recorded().items()
        for other in record.get("others", ())
        if address.startswith("model.") and other.get("version")
    ]
    if not found:
        return False
    address, version = chance.choice(found)
    name = address.partition(".")[2]
    machine.by_hand(here, "models", "promote", name, str(version), "--auto-approve")
    return True


def rollback(machine: Machine, here: Checkout, chance: Random) -> bool:
    """Back to the version before."""
    names = [a.partition(".")[2] for a, r in here.recorded().items() if r.get("others")]
    names = [n for n in names if n in here.models]
    if not names:
        return False
    machine.by_hand(here, "models", "rollback", chance.choice(names), "--auto-approve")
    return True


def delete_model(machine: Machine, here: Checkout, chance: Random) -> bool:
    """`models delete` of one that lives, whosever it is."""
    models = machine.world.look().models
    if not models:
        return False
    model = models[chance.choice(list(models))]
    said = tuple(Said(a, f"model.{model.name}", model.id) for a in ("undeploy", "delete"))
    arguments = ("models", "delete", model.id, "--auto-approve")
    machine.command(here, *arguments, shown=Shown(said))
    return True


def import_(machine: Machine, here: Checkout, chance: Random) -> bool:
    """`import` of a model that lives, whosever it is."""
    models = machine.world.look().models
    if not models or not here.models:
        return False
    name, object_id = chance.choice(list(here.models)), chance.choice(list(models))
    machine.by_hand(here, "import", f"model.{name}", object_id, "--auto-approve")
    return True


def drift(machine: Machine, here: Checkout, chance: Random) -> bool:
    """What others changed: all that the plan would change in place because of them is there."""
    outcome = machine.command(here, "drift", "--json")
    if outcome.code not in (0, 2):
        return True
    document = json.loads(outcome.stdout)
    told = {each["address"] for each in document["drift"]}
    in_images = any(
        each["added"] or each["removed"] or each["relabelled"] or each["unknown"]
        for each in document["images"]  # only of those whose number differs
    )
    if bool(told or document.get("unrecorded") or in_images) != (outcome.code == 2):
        raise Violation("drift", f"exit code {outcome.code}, and drift of {sorted(told)}")
    if here.settled:
        shown = machine.plan(here)
        missing = {c.address for c in shown.of(*_IN_PLACE)} - told
        anew = {c.address for c in shown.changes if c.action in ("train", "retrain", "create")}
        if missing - anew:
            raise Violation("drift", f"the plan changes {missing - anew}, and drift says {told}")
    return True


def cost(machine: Machine, here: Checkout, chance: Random) -> bool:
    """The money."""
    machine.command(here, "cost", "--json")
    return True


def why(machine: Machine, here: Checkout, chance: Random) -> bool:
    """All about an address."""
    address = _some_address(here, chance)
    if address is None:
        return False
    machine.command(here, "why", address)
    return True


def watch(machine: Machine, here: Checkout, chance: Random) -> bool:
    """Look once; it changes nothing at the service."""
    machine.command(here, "watch", "--once")
    return True


def refresh(machine: Machine, here: Checkout, chance: Random) -> bool:
    """Accept what others changed."""
    machine.command(here, "apply", "--refresh-only", "--auto-approve")
    here.settled = False
    return True


def destroy(machine: Machine, here: Checkout, chance: Random) -> bool:
    """Delete everything that is recorded."""
    flags = ("--target", chance.choice(sorted(here.recorded()))) if here.recorded() else ()
    if chance.random() < 0.5:
        flags = ()
    shown = machine.plan(here, "--destroy", *flags)
    if shown.refused:
        shown = Shown()
    arguments = ("destroy", "--auto-approve", *flags, LARGE)
    machine.command(here, *arguments, shown=shown, patient=True)
    here.settled = False
    return True


COMMANDS: dict[str, tuple[int, Command]] = {
    "plan": (3, plan),
    "apply": (14, apply),
    "apply a part": (5, apply_part),
    "detach": (4, detach),
    "by variable": (1, by_variable),
    "killed": (4, apply_killed),
    "interrupted": (2, interrupted),
    "wait killed": (1, wait_killed),
    "wait": (4, wait),
    "save plan": (2, save_plan),
    "apply saved": (2, apply_saved),
    "cancel": (3, cancel),
    "promote": (2, promote),
    "rollback": (2, rollback),
    "models delete": (1, delete_model),
    "import": (1, import_),
    "drift": (4, drift),
    "cost": (1, cost),
    "why": (1, why),
    "versions": (1, versions),
    "watch": (2, watch),
    "refresh only": (1, refresh),
    "destroy": (1, destroy),
}
"""By name: how often, and what."""

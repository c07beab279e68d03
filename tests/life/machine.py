"""The machine: it takes steps by chance, and has each command judged."""

from __future__ import annotations

import re
import time
from collections import Counter
from itertools import pairwise

from tests.life.checks import Act, Effects, Judge, Violation
from tests.life.service import USD_PER_NODE_HOUR, Live, Training
from tests.life.shown import Shown, from_json, from_text
from tests.life.world import Checkout, World
from tests.life.zygote import Outcome

REFUSALS = {
    "protected": r"prevent_destroy",
    "policy": r"\(policy ",
    "lint": r"label-syntax|the label '",
    "older state": r"made by this state, which does not know|Was the state lost",
    "not adoptable": r"can't be adopted|is managed|belongs to another state|is being made",
    "stale plan": r"after the plan was made|was made for|The plan is",
    "locked": r"state is locked",
    "gate": r"does not meet what is required",
    "version": r"[Vv]ersion",
    "operation open": r"[Oo]peration",
    "configuration": r"The configuration has",
}
"""By kind: what a refused or failed command says."""
OTHER = "other"
_USD_PER_HOUR = 8 * USD_PER_NODE_HOUR["train"]
"""What a training with all its nodes costs."""


class Machine:
    """What all steps of a sequence share."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.judge = Judge(world)
        self.refusals: Counter[str] = Counter()
        self.effects: Counter[str] = Counter()
        self.commands = 0
        self.kills = 0

    def edited(self, here: Checkout) -> None:
        """The configuration or the data is another one."""
        self.world.write(here)
        for checkout in self.world.checkouts.values():
            checkout.settled = False

    def command(
        self,
        here: Checkout,
        *arguments: str,
        shown: Shown | None = None,
        patient: bool = False,
        strike: int = 0,
        says: bool = False,
        stale: bool = False,
    ) -> Outcome:
        """Run a command and have it judged by what was shown: nothing, where nothing is given.

        `says`: what it shows itself is what was shown.
        """
        before, recorded = self.world.look(), here.recorded()
        outcome = self.world.run(here, *arguments, patient=patient, strike=strike)
        self.commands += 1
        if says:
            shown = from_text(outcome.stdout)
        killed = outcome.code == -9
        self.kills += killed
        asked = [word for flag, word in pairwise(arguments) if flag == "--replace"]
        act = Act(
            here,
            arguments,
            outcome,
            shown or Shown(),
            before,
            self.world.look(),
            recorded,
            killed,
            stale,
            frozenset(asked),
        )
        effects = self.judge.judge(act)
        self._count(outcome, effects)
        return outcome

    def plan(self, here: Checkout, *flags: str) -> Shown:
        """What a plan shows; nothing where none can be made."""
        outcome = self.command(here, "plan", "--json", *flags)
        return from_json(outcome.stdout) or Shown()

    def apply(self, here: Checkout, *flags: str, patient: bool = True, strike: int = 0) -> Outcome:
        """Plan, then apply; what the plan showed is what may be done."""
        of_plan = [f for f in flags if f not in ("--detach", "--parallelism", "1")]
        shown = self.plan(here, *of_plan)
        if shown.refused:
            shown = Shown()
        arguments = ("apply", "--auto-approve", *flags)
        here.settled = False
        return self.command(here, *arguments, shown=shown, patient=patient, strike=strike)

    def by_hand(self, here: Checkout, *arguments: str) -> Outcome:
        """A command that shows by itself what it is about to do."""
        here.settled = False
        return self.command(here, *arguments, says=True, patient=True)

    def nothing_is_left(self, here: Checkout) -> None:
        """After a whole apply that succeeded a whole plan is empty."""
        shown = self.plan(here)
        if shown.changes:
            told = ", ".join(f"{c.address} {c.action}" for c in shown.changes)
            raise Violation("nothing is left", f"a plan after a whole apply says: {told}")
        here.settled = bool(shown.whole)

    def remember_use(self, here: Checkout, training: Training) -> None:
        """What a training is said to have used so far, before it is cancelled."""
        began = time.monotonic()
        shown = self.plan(here)
        address = f"model.{Live('', '', training.labels, '').address_name}"
        said = shown.running_usd(address, "running_spent") if shown.whole else 0.0
        if said:
            passed = time.monotonic() - began + 2.0
            slack = passed * self.world.service.scale / 3600 * _USD_PER_HOUR
            self.judge.used[training.operation] = said + slack

    def _count(self, outcome: Outcome, effects: Effects) -> None:
        if outcome.code in (1, 3, 4):
            text = outcome.text
            kinds = [kind for kind, said in REFUSALS.items() if re.search(said, text)]
            self.refusals[kinds[0] if kinds else OTHER] += 1
        for name in effects.__dataclass_fields__:
            self.effects[name] += len(getattr(effects, name))

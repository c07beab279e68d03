"""The machine: it takes steps by chance, and has each command judged."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from itertools import pairwise
from typing import Any

from tests.chaos.boundaries import KILL
from tests.life.checks import Judge
from tests.life.effects import Act, Effects, Violation
from tests.life.settled import check_settled
from tests.life.shown import Shown, from_json, from_text
from tests.life.trainings import Ledger
from tests.life.world import Checkout, World
from tests.life.zygote import KILLED, STOPPED, Outcome

REFUSALS = {
    "older state": r"ownership labels but is not recorded",
    "protected": r"prevent_destroy",
    "policy": r"\(policy ",
    "lint": r"label-syntax|the label '",
    "not adoptable": r"can't be adopted|is managed|belongs to another state|is being created",
    "stale plan": r"after the plan was made|was made (?:for|from|by)|The plan is",
    "locked": r"state is locked",
    "gate": r"does not meet the requirements",
    "version": r"[Vv]ersion",
    "operation open": r"[Oo]peration",
    "configuration": r"The configuration has",
}
"""By kind: what a refused or failed command says."""
OTHER = "other"
_FOR_THE_NEXT = re.compile(
    r"^(\S+): (?:cancelled too late: it had finished|finished \(it was never received)",
    re.MULTILINE,
)
"""What an apply says where the next one goes on."""


class Machine:
    """What all steps of a sequence share."""

    def __init__(self, world: World, passed_over: frozenset[str] = frozenset()) -> None:
        self.world = world
        self.ledger = Ledger(world)
        self.judge = Judge(world, self.ledger, passed_over)
        self.refusals: Counter[str] = Counter()
        self.effects: Counter[str] = Counter()
        self.commands = 0
        self.kills = 0
        self.interrupts = 0
        self.stopped = 0

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
        action: str = KILL,
        says: bool = False,
        stale: bool = False,
        goes_on: bool = False,
    ) -> Outcome:
        """Run a command and have it judged by what was shown: nothing, where nothing is given.

        `says`: what it shows itself is what was shown.
        """
        before, state, unsure = self.world.look(), here.state(), here.journalled
        if goes_on:
            outcome = self.world.go_on(here)
        else:
            told: dict[str, Any] = {"patient": patient, "strike": strike, "action": action}
            outcome = self.world.run(here, *arguments, **told)
        self.commands += 1
        if says:
            shown = from_text(outcome.stdout)
        killed = outcome.code in (KILLED, STOPPED)
        self.kills += outcome.code == KILLED
        self.interrupts += outcome.code == 130
        act = Act(
            here,
            arguments,
            outcome,
            shown or Shown(),
            before,
            self.world.look(),
            state,
            here.state(),
            killed,
            stale,
            unsure,
        )
        effects = self.judge.judge(act)
        self._count(outcome, effects)
        return outcome

    def plan(self, here: Checkout, *flags: str) -> Shown:
        """What a plan shows; nothing where none can be made."""
        outcome = self.command(here, "plan", "--json", *flags)
        shown = from_json(outcome.stdout) or Shown()
        asked = {value for flag, value in pairwise(flags) if flag == "--replace"}
        if outcome.code == 0 and asked - shown.addresses:
            left = ", ".join(sorted(asked - shown.addresses))
            raise Violation("asked for", f"plan {' '.join(flags)}: nothing is said of {left}")
        return shown

    def apply(
        self,
        here: Checkout,
        *flags: str,
        patient: bool = True,
        strike: int = 0,
        action: str = KILL,
        only: Sequence[str] = (),
    ) -> Outcome:
        """Plan, then apply; what the plan showed is what may be done.

        `only` are flags that a plan does not take.
        """
        shown = self.plan(here, *flags)
        if shown.refused:
            shown = Shown()
        arguments = ("apply", "--auto-approve", *flags, *only)
        here.settled = False
        told: dict[str, Any] = {"patient": patient, "strike": strike, "action": action}
        return self.command(here, *arguments, shown=shown, **told)

    def by_hand(self, here: Checkout, *arguments: str, strike: int = 0) -> Outcome:
        """A command that shows by itself what it is about to do."""
        here.settled = False
        return self.command(here, *arguments, says=True, patient=True, strike=strike)

    def nothing_is_left(self, here: Checkout, outcome: Outcome) -> None:
        """After a whole apply that succeeded a whole plan is empty, but for what it has named."""
        shown, named = self.plan(here), set(_FOR_THE_NEXT.findall(outcome.stdout))
        left = [change for change in shown.changes if change.address not in named]
        if left:
            told = ", ".join(f"{c.address} {c.action}" for c in left)
            raise Violation("nothing is left", f"a plan after a whole apply says: {told}")
        if shown.whole and not shown.changes:
            check_settled(self.world, self.ledger, here, shown)
        here.settled = bool(shown.whole) and not shown.changes

    def _count(self, outcome: Outcome, effects: Effects) -> None:
        if outcome.code in (1, 3, 4):
            text = outcome.text
            kinds = [kind for kind, said in REFUSALS.items() if re.search(said, text)]
            self.refusals[kinds[0] if kinds else OTHER] += 1
        for each in fields(effects):
            self.effects[each.name] += len(getattr(effects, each.name))

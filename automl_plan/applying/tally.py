"""What came of the changes of one run."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, field

from automl_plan.applying.events import ApplyResult, Failure, Left
from automl_plan.applying.running import Running
from automl_plan.errors import GateRejected
from automl_plan.planning.plan import Change


class Tally(Struct):
    """The changes that were done, and those that failed."""

    done: list[Change] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)

    def why_skipped(self) -> str:
        """Why the others were not begun."""
        if self.failed and all(isinstance(each.error, GateRejected) for each in self.failed):
            return "the new version does not meet what is required"
        if self.failed:
            return "a change that it needs failed"
        return "a change that it needs goes on at the service"

    def result(self, *, skipped: Iterable[Change], left: Iterable[Running]) -> ApplyResult:
        """How the run ended; `left` is what goes on at the service."""
        return ApplyResult(
            done=tuple(self.done),
            failed=tuple(self.failed),
            skipped=tuple(skipped),
            left=tuple(_left(running) for running in left),
        )


def _left(running: Running) -> Left:
    operation = running.operation
    if operation is None:
        return Left(running.change)
    return Left(running.change, operation.step, operation.id)

"""The lines that a run writes for programs: its version, events, its result."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from msgspec import UNSET, Meta, UnsetType

from automl_plan import __version__
from automl_plan.execution.events import ApplyResult, Event, EventType
from automl_plan.model.address import Address
from automl_plan.model.recorded import Step
from automl_plan.output.documents.base import Document, GateRow, Part, Simulated
from automl_plan.planning.gate import GateReport
from automl_plan.planning.plan import Action

Command = Literal[
    "apply",
    "destroy",
    "wait",
    "models rollback",
    "models promote",
    "state mv",
    "state rm",
    "watch",
]


class RunVersion(Document, frozen=True):
    """Always the first line: which version of automl-plan writes the lines."""

    command: Command
    type: Literal["version"] = "version"
    tool: Literal["automl-plan"] = "automl-plan"
    tool_version: str = __version__


class Forecast(
    Part,
    rename={"median": "median_seconds", "low": "low_seconds", "high": "high_seconds"},
    frozen=True,
):
    """How much longer something will take, by how long similar operations took."""

    median: Annotated[float, Meta(ge=0)]
    low: float | None
    """Lower bound of the 80 % interval; null: too little history."""
    high: float | None
    operations: Annotated[int, Meta(ge=1)]
    """Former operations that it is made of."""
    step: Step
    alike: bool
    """False: they were trainings of other model types."""


class ChangeEvent(Document, frozen=True):
    """What happened to one change."""

    type: EventType
    address: Address
    action: Action
    key: str
    elapsed_seconds: Annotated[float, Meta(ge=0)]
    operation_id: str | None
    message: str | None
    left: Forecast | None
    """How much longer it will take; null: no history yet."""

    @classmethod
    def of(cls, event: Event) -> Self:
        """Return the document of an event."""
        return cls.filled(
            event,
            event.change,
            elapsed_seconds=round(event.elapsed, 3),
            left=None if event.left is None else Forecast.filled(event.left),
        )


class FailedChange(Part, frozen=True):
    """A change that failed."""

    key: str
    type: str
    """The kind of error."""
    message: str


class OpenOperation(Part, frozen=True):
    """An operation that is still running."""

    key: str
    step: Step | None
    """Null: a call that opens no operation and was not answered in time."""
    operation_id: str | None
    started: bool
    """False: an earlier run started it."""


class Gate(Part, frozen=True):
    """What a gate decided on a version."""

    address: Address
    version: int | None
    passed: bool
    confidence: float | None
    rows: tuple[GateRow, ...]
    caveat: str | None
    simulated: Simulated | UnsetType = UNSET
    guessing: str | UnsetType = UNSET
    """That the model is no better than guessing, and how that is known."""

    @classmethod
    def of(cls, address: Address, version: int | None, report: GateReport) -> Self:
        """Return the document of a gate's report."""
        return cls.filled(
            report,
            address=address,
            version=version,
            rows=tuple(GateRow.filled(**row.to_json()) for row in report.rows),
            simulated=report.simulated or UNSET,
            guessing=report.guessing or UNSET,
        )


class Result(Document, frozen=True):
    """How it ended; changes by their keys."""

    done: tuple[str, ...]
    failed: tuple[FailedChange, ...] = ()
    skipped: tuple[str, ...] = ()
    running: tuple[str, ...] = ()
    gates: tuple[Gate, ...] = ()
    operations: tuple[OpenOperation, ...] | UnsetType = UNSET
    """Of the changes in `running`. The exit code is 5 where nothing failed, and no error
    follows."""
    follow: str | UnsetType | None = UNSET
    """The command that follows what runs; … is the text of a variable."""
    type: Literal["result"] = "result"

    @classmethod
    def of(cls, result: ApplyResult, follow: str) -> Self:
        """Return the document of a result; `follow` is the command that follows what runs."""
        return cls(
            done=tuple(change.key for change in result.done),
            failed=tuple(
                FailedChange(each.change.key, type(each.error).__name__, each.error.message)
                for each in result.failed
            ),
            skipped=tuple(change.key for change in result.skipped),
            running=tuple(change.key for change in result.running),
            gates=tuple(Gate.of(*each) for each in result.gates),
            operations=tuple(
                OpenOperation.filled(left, key=left.change.key) for left in result.left
            ),
            follow=follow if result.left else None,
        )

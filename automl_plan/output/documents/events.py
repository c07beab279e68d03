"""The lines that a run or a watch writes for programs: its version, events, its result."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import asdict

from automl_plan import __version__
from automl_plan.execution.events import ApplyResult, Event, EventType
from automl_plan.model.address import Address
from automl_plan.model.recorded import Step
from automl_plan.output.documents.base import FORMAT_VERSION, OutputDocument, Part
from automl_plan.planning.forecast import Forecast
from automl_plan.planning.plan import Action
from automl_plan.watch.snapshot import WatchEvent, WatchEventType, WatchResult
from automl_plan.workspace.plan_entries import GateEntry

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


class RunVersion(OutputDocument, frozen=True):
    """Always the first line: which version of automl-plan writes the lines."""

    command: Command
    type: Literal["version"] = "version"
    tool: Literal["automl-plan"] = "automl-plan"
    tool_version: str = __version__


class ChangeEvent(OutputDocument, frozen=True):
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


class Gate(GateEntry, frozen=True, kw_only=True):
    """What a gate decided on a version."""

    address: Address
    version: int | None


class Result(OutputDocument, frozen=True):
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
            gates=tuple(
                Gate(**asdict(GateEntry.of(report)), address=address, version=version)
                for address, version, report in result.gates
            ),
            operations=tuple(
                OpenOperation.filled(left, key=left.change.key) for left in result.left
            ),
            follow=follow if result.left else None,
        )


class Watched(OutputDocument, frozen=True):
    """What a watch saw or did."""

    event: WatchEventType
    address: str | None
    operation_id: str | None
    receiver: str | None
    """Of `notify`."""
    notice_id: str | None
    message: str
    """For people."""
    type: Literal["watched"] = "watched"

    @classmethod
    def of(cls, event: WatchEvent) -> Self:
        """Return the document of an event."""
        return cls.filled(event, event=event.type, type="watched")


class WatchEnd(WatchResult, tag_field="format_version", tag=FORMAT_VERSION, frozen=True):
    """What was open when a watch ended."""

    type: Literal["watch-result"] = "watch-result"

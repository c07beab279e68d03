"""What an apply or a watch is doing: lines for logs, a live view for terminals."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from automl_plan.errors import GateRejected, GateUndecided, StartedOtherwise
from automl_plan.execution.events import NOUNS, ApplyResult, Event, EventType, left_text
from automl_plan.model.json import Json
from automl_plan.model.model_types import Problem
from automl_plan.output.actions import WORDS
from automl_plan.output.operations import left
from automl_plan.output.plan import summary
from automl_plan.output.style import Style, clean, counted, duration, harmless
from automl_plan.planning.drift import acceptable
from automl_plan.planning.options import PlanMode
from automl_plan.planning.plan import Difference, DifferingOperation
from automl_plan.watch.snapshot import WatchEvent, WatchEventType, WatchResult
from automl_plan.workspace.bound_plan import BoundPlan

if TYPE_CHECKING:
    from rich.console import RenderableType


_CONTENT = ("data", "trained_on.data")
"""Fingerprints, of which the beginning tells two apart."""
_DIGITS = 12


def otherwise_text(otherwise: Sequence[DifferingOperation]) -> str:
    """Return the warning before waiting for differing operations."""
    lines = "".join(f"Warning: {clean(_sentence(each))}.\n" for each in otherwise)
    return f"{lines}It is followed to its end and recorded; nothing continues from it.\n"


def started_otherwise_error(otherwise: Sequence[DifferingOperation]) -> StartedOtherwise:
    """Return the error after differing operations have ended."""
    names = ", ".join(
        sorted({name for each in otherwise for name in (*each.missing, *each.changed)})
    )
    before = f" as before ({names})" if names else ""
    return StartedOtherwise(
        "\n".join(
            ["A running operation differs from the configuration.", *map(_sentence, otherwise)]
        ),
        hint=f"Its result is recorded. Use the same variables{before} or change the configuration, "
        "then run `automl-plan apply`. `automl-plan plan` shows what the current configuration "
        "would do with it.",
    )


def _sentence(each: DifferingOperation) -> str:
    which = "" if each.operation_id is None else f" {each.operation_id}"
    started = f"{each.address}: the {NOUNS[each.step]}{which} was started"
    if not each.declared:
        return f"{started}, but {each.address} is no longer declared"
    if each.differences:
        before = ", ".join(f"{_name(d)} {_value(d, d.before)}" for d in each.differences)
        now = ", ".join(_value(d, d.after) for d in each.differences)
        return f"{started} with {before}, but the configuration now has {now}"
    if each.changed:
        values = "another value" if len(each.changed) == 1 else "other values"
        return f"{started} with {values} of {', '.join(each.changed)} than is given now"
    names = ", ".join(each.missing)
    value = "a value for the variable" if len(each.missing) == 1 else "values for the variables"
    return f"{started} with {value} {names}, but none is given now"


def _name(difference: Difference) -> str:
    if difference.path in _CONTENT:
        return "source content"
    path = difference.path
    for problem in Problem:
        path = path.removeprefix(f"{problem}.")
    return path


def _value(difference: Difference, value: Json) -> str:
    if value is None:
        return "nothing"
    if difference.path in _CONTENT:
        return str(value)[:_DIGITS]
    return json.dumps(value, ensure_ascii=False)


LINE_EVERY = 30.0
"""Seconds between two lines of a running operation."""


class Progress(Protocol):
    """Follows an apply; used as a context manager around it."""

    def __call__(self, event: Event) -> None:
        """Take one event."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class LineProgress:
    """A line for each start and end, and every 30 seconds for what is running."""

    def __init__(self, write: Callable[[str], object], style: Style) -> None:
        self._write = write
        self._style = style
        self._written: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, event: Event) -> None:
        """Write a line, unless a running operation had one less than 30 seconds ago."""
        key = event.change.key
        if event.type is EventType.WAITING:
            if event.elapsed - self._written.get(key, 0.0) < LINE_EVERY:
                return
            self._written[key] = event.elapsed
        self._write(event_line(event, self._style) + "\n")


class LiveProgress:
    """Lines for what ended, and below them a live view of what is running."""

    def __init__(self, style: Style) -> None:
        from rich.console import Console
        from rich.live import Live

        self._style = style
        self._running: dict[str, tuple[Event, float]] = {}
        self._console = Console(highlight=False, soft_wrap=True, no_color=not style.colour)
        self._live = Live(
            console=self._console,
            get_renderable=self._view,
            refresh_per_second=4,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.clear()
        self._live.stop()

    def __call__(self, event: Event) -> None:
        """Take one event into the view."""
        key = event.change.key
        if event.type in (EventType.STARTED, EventType.WAITING):
            self._running[key] = (event, time.monotonic() - event.elapsed)
            return
        self._running.pop(key, None)
        from rich.text import Text

        self._console.print(Text.from_ansi(harmless(event_line(event, self._style))))

    def _view(self) -> RenderableType:
        from rich.text import Text

        lines = []
        for event, begun in list(self._running.values()):
            elapsed = duration(time.monotonic() - begun)
            operation = f", operation {clean(event.operation_id)}" if event.operation_id else ""
            said = f" {clean(event.message)}" if event.message else ""
            doing = WORDS[event.change.action].doing
            still = f", {left(event.left)}" if event.left is not None else ""
            lines.append(f"{event.change.address}: {doing}… [{elapsed}{still}{operation}]{said}")
        return Text("\n".join(lines), no_wrap=True, overflow="ellipsis")


def event_line(event: Event, style: Style) -> str:
    """`model.digits: trained ICN1 in 4.2s`."""
    change, address = event.change, style.bold(str(event.change.address))
    words = WORDS[change.action]
    operation = f", operation {clean(event.operation_id)}" if event.operation_id else ""
    said = clean(event.message) if event.message else ""
    match event.type:
        case EventType.STARTED:
            return f"{address}: {words.doing}…"
        case EventType.WAITING:
            still = f", {left(event.left)}" if event.left is not None else ""
            told = f"{duration(event.elapsed)}{still}{operation}"
            doing = f"{address}: {words.doing}… [{told}]"
            return f"{doing} {said}".rstrip()
        case EventType.DONE:
            done = style.green(words.done)
            return f"{address}: {' '.join(filter(None, (done, said)))} in {duration(event.elapsed)}"
        case EventType.FAILED:
            said = said.removeprefix(f"{change.action} failed: ")  # operations say it themselves
            return f"{address}: {style.red(f'{change.action} failed')}: {said}"
        case EventType.SKIPPED:
            return f"{address}: {style.yellow(f'{change.action} not done')}: {said}"
        case EventType.DETACHED:
            going = f"{words.doing} continues at the service"
            return f"{address}: {style.yellow(going)} [{duration(event.elapsed)}{operation}]"


def result_text(planned: BoundPlan, result: ApplyResult, style: Style, follow: str) -> str:
    """The last line of an apply; `follow` is the command that follows what it left running."""
    done = summary(result.done, done=True)
    running = clean(left_text(result.left))
    rejected = sum(isinstance(f.error, GateRejected) for f in result.failed)
    undecided = sum(isinstance(f.error, GateUndecided) for f in result.failed)
    if result.failed and rejected + undecided == len(result.failed):
        what = ", ".join(
            f"{counted(count, 'version')} {how} {'its gate' if count == 1 else 'their gates'}"
            for count, how in ((rejected, "rejected by"), (undecided, "undecided by"))
            if count
        )
        label = style.yellow("Held back:")
    elif result.failed:
        what = f"{counted(len(result.failed), 'change')} failed"
        label = style.red("Apply incomplete:")
    elif result.left:
        what, label = "", style.yellow("Detached:")
    else:
        destroyed = planned.mode is PlanMode.DESTROY
        what, label = "", style.green("Destroy complete:" if destroyed else "Apply complete:")
        if planned.mode is PlanMode.REFRESH_ONLY:
            done = f"{counted(acceptable(planned.plan.drift), 'change')} accepted into the state"
    done = done or ("" if running else f"nothing {'else ' if what else ''}was done")
    said = "; ".join(filter(None, (what, running, done)))
    next_ = f" Follow it with `{clean(follow)}`." if running else ""
    return f"{style.bold(label)} {said}.{next_}\n"


_BAD = (WatchEventType.FAILED,)
_UNEASY = (
    WatchEventType.LEFT,
    WatchEventType.FOUND,
    WatchEventType.NOT_SENT,
    WatchEventType.TROUBLE,
)


def watched_line(event: WatchEvent, style: Style) -> str:
    """`model.digits: train ended: ICN1`."""
    said = " ".join(clean(line) for line in event.message.splitlines())
    if event.type in _BAD:
        return style.red(said) + "\n"
    if event.type in _UNEASY:
        return style.yellow(said) + "\n"
    if event.type is WatchEventType.BUSY:
        return f"{said} That run records and sends messages; watch checks again when it ends.\n"
    return style.green(said) + "\n" if event.type is WatchEventType.ENDED else said + "\n"


def watch_result_text(result: WatchResult, style: Style) -> str:
    """The last line: what is left, and what to do next."""
    if not result.complete:
        return "Could not check.\n"
    parts = []
    if result.running:
        parts.append(f"{counted(result.running, 'operation')} still running")
    if result.left:
        parts.append(f"{counted(result.left, 'step')} waiting for an apply or a decision")
    if result.waiting:
        parts.append(f"{counted(result.waiting, 'message')} to be sent")
    left = ", ".join(parts) or style.green("nothing left to watch")
    ended = (
        f"; {counted(result.recorded, 'finished operation')} recorded" if result.recorded else ""
    )
    next_ = "Next: automl-plan plan\n" if result.recorded else ""
    return f"{left[:1].upper()}{left[1:]}{ended}.\n{next_}"

"""What a watch sees: lines for people, JSON for programs."""

from __future__ import annotations

from automl_plan.output.style import Style, clean, counted
from automl_plan.watch.snapshot import WatchEvent, WatchEventType, WatchResult

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
    if not result.looked:
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

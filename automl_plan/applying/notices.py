"""What an apply has to tell, recorded with what it tells of, and sent while the apply goes on.

A message is put into the state in the same step as the event itself, which is recorded once; it
is sent after that, and taken out of the state when it was taken. A run that is killed in between
sends it again, with the same id.
"""

from __future__ import annotations

from automl_plan.applying.history import Entry
from automl_plan.applying.moments import now
from automl_plan.notifying.sender import Sender
from automl_plan.planning.plan import Change
from automl_plan.resources.history import key_of
from automl_plan.resources.live import Operation
from automl_plan.resources.notices import Notice, NoticeKind
from automl_plan.resources.recorded import RecordedOperation
from automl_plan.state.store import StateSession

GRACE = 5.0
"""Seconds that the end of a run waits at most for messages that are being sent."""

_LONGEST = 2_000
"""Letters of a message's text."""


class Notices:
    """The messages of one run, in the state and on their way."""

    def __init__(self, session: StateSession, sender: Sender) -> None:
        self._session = session
        self._sender = sender
        self._held: list[tuple[str, Notice]] = []

    def begin(self) -> None:
        """Go on with what earlier runs could not send; forget receivers that are not declared."""
        for key, notice in list(self._session.state.outbox.items()):
            for name in notice.to:
                if name not in self._sender.receivers:
                    self._session.record_sent(key, name)
        for key, notice in self._session.state.outbox.items():
            self._sender.add(key, notice)

    def of_end(
        self, change: Change, operation: RecordedOperation, answer: Operation, ended: Entry | None
    ) -> tuple[str, Notice] | None:
        """That an operation ended, well or not; None when nobody wants to know."""
        address, step = str(change.address), str(operation.step)
        if answer.error is not None:
            kind = NoticeKind.FAILED
            text = f"{address}: {step} failed: {answer.error.message or 'the service says no more'}"
            text += ". Next: automl-plan plan"
        else:
            kind = NoticeKind.ENDED
            took = "" if ended is None else f" in {_duration(ended[1].seconds)}"
            cost = None if ended is None else ended[1].cost
            billed = "" if cost is None else f", {cost:,} milli node hours"
            text = f"{address}: {step} ended{took}{billed}"
            text += f": {answer.made}" if answer.made else ""
        seconds = None if ended is None else ended[1].seconds
        made = answer.made or operation.object_id
        return self._made(kind, key_of(operation), change, text, operation.id, made, seconds)

    def of_rejection(self, change: Change, object_id: str, text: str) -> tuple[str, Notice] | None:
        """That a gate turned a version down."""
        kind = NoticeKind.GATE_REJECTED
        key = f"{object_id}-{now()}"  # a version may be turned down again, by other requirements
        return self._made(kind, key, change, text, None, object_id, None)

    def send(self, notice: tuple[str, Notice] | None) -> None:
        """Send what is recorded as soon as it is let go."""
        if notice is not None:
            self._held.append(notice)

    def let_go(self) -> None:
        """Send what is held: it is on disk."""
        for notice in self._held:
            self._sender.add(*notice)
        self._held.clear()

    def take(self) -> None:
        """Record what was sent. Raises StateUnwritable."""
        for key, receiver in self._sender.taken():
            self._session.record_sent(key, receiver)

    def end(self) -> None:
        """Give what is on its way a moment, and record what arrived. Raises StateUnwritable."""
        for key, receiver in self._sender.close(GRACE):
            self._session.record_sent(key, receiver)

    def _made(
        self,
        kind: NoticeKind,
        key: str,
        change: Change,
        text: str,
        operation_id: str | None,
        object_id: str | None,
        seconds: float | None,
    ) -> tuple[str, Notice] | None:
        to = tuple(name for name, r in sorted(self._sender.receivers.items()) if kind in r.kinds)
        if not to:
            return None
        address, action, text = str(change.address), str(change.action), text[:_LONGEST]
        notice = Notice(kind, now(), address, action, text, to, operation_id, object_id, seconds)
        return f"{kind}-{key}", notice


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes > 1 else f"{seconds:,.0f} seconds"

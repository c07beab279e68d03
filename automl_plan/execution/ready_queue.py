"""The changes of a run that are not started yet, and which of them can be started."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from automl_plan.planning.plan import Change


class ReadyQueue:
    """Hands out the changes whose needs are met."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._pending = {change.key: change for change in changes}
        self._unmet = {
            change.key: {need for need in change.needs if need in self._pending}
            for change in changes
        }
        self._needed_by: dict[str, list[str]] = {}
        for key, needs in self._unmet.items():
            for need in needs:
                self._needed_by.setdefault(need, []).append(key)
        self._ready = deque(key for key in self._pending if not self._unmet[key])
        self._deferred: list[str] = []

    def __iter__(self) -> Iterator[Change]:
        """Yield the changes that are not started."""
        return iter(self._pending.values())

    @property
    def ready(self) -> bool:
        """Whether a change can be started."""
        return bool(self._ready)

    def pop(self) -> Change:
        """Return the next change to start."""
        return self._pending.pop(self._ready.popleft())

    def defer(self, change: Change) -> None:
        """Put back a change that was popped, until the deferred ones are released."""
        self._pending[change.key] = change
        self._deferred.append(change.key)

    def release_deferred(self) -> bool:
        """Put the deferred changes before the others; return whether there are any."""
        self._ready.extendleft(reversed(self._deferred))
        released, self._deferred = bool(self._deferred), []
        return released

    def drop_deferred(self) -> list[Change]:
        """Remove the deferred changes, which will not be started, and return them."""
        dropped, self._deferred = [self._pending.pop(key) for key in self._deferred], []
        return dropped

    def done(self, change: Change) -> None:
        """Release the changes that needed nothing else than this one.

        They come before those that needed nothing: a training takes hours, and waits for no other
        resource's turn.
        """
        freed = []
        for key in self._needed_by.get(change.key, ()):
            self._unmet[key].discard(change.key)
            if not self._unmet[key] and key in self._pending:
                freed.append(key)
        self._ready.extendleft(reversed(freed))

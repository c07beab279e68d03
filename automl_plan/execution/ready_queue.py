"""Which changes can be begun: those whose needs are met."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from automl_plan.planning.plan import Change


class ReadyQueue:
    """The changes of one run that are not begun yet."""

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
        self._aside: list[str] = []

    def __iter__(self) -> Iterator[Change]:
        """Those that are not begun."""
        return iter(self._pending.values())

    @property
    def ready(self) -> bool:
        """Whether one can be begun."""
        return bool(self._ready)

    def take(self) -> Change:
        """The next one that can be begun, which is begun now."""
        return self._pending.pop(self._ready.popleft())

    def set_aside(self, change: Change) -> None:
        """Let one that was taken wait until those set aside are released."""
        self._pending[change.key] = change
        self._aside.append(change.key)

    def release(self) -> bool:
        """Let those that were set aside begin before others; whether there are any."""
        self._ready.extendleft(reversed(self._aside))
        released, self._aside = bool(self._aside), []
        return released

    def give_up(self) -> list[Change]:
        """Those that were set aside, which are not begun."""
        given_up, self._aside = [self._pending.pop(key) for key in self._aside], []
        return given_up

    def done(self, change: Change) -> None:
        """Let those begin that needed nothing else than this.

        They come before what needed nothing: a training takes hours, and waits for no other
        resource's turn.
        """
        freed = []
        for key in self._needed_by.get(change.key, ()):
            self._unmet[key].discard(change.key)
            if not self._unmet[key] and key in self._pending:
                freed.append(key)
        self._ready.extendleft(reversed(freed))

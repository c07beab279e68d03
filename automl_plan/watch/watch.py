"""Follows detached operations, checks for drift and expiry, and sends messages.

A watch changes nothing at the service and starts nothing: it records how operations ended, what it
found and what was sent. It locks the state only for that, so that an `apply` can run beside it,
which then records and sends itself."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Self

from msgspec.structs import replace

from automl_plan.config.files import Unreadable, configuration_files
from automl_plan.errors import (
    AutomlPlanError,
    ConfigurationError,
    CredentialsError,
    EmulatorError,
    Interrupted,
    ProviderError,
    StateLocked,
)
from automl_plan.execution.poller import SHORTEST_POLL, pause_after
from automl_plan.execution.signals import Interruption
from automl_plan.model.notices import NoticeKind
from automl_plan.notifications.delivery import deliver
from automl_plan.notifications.outbox import forget, record_new, resolved, unreported
from automl_plan.notifications.texts import with_model_results
from automl_plan.state.store import StateSession
from automl_plan.watch.record_finished import record_finished
from automl_plan.watch.snapshot import (
    Snapshot,
    WatchEvent,
    WatchEventType,
    WatchResult,
    take_snapshot,
)
from automl_plan.workspace.workspace import Workspace

_Signature = tuple[tuple[str, int, int, int], ...]


class ReloadingWorkspace:
    """The workspace of a directory, always as its files are now."""

    def __init__(
        self, open_: Callable[[], Workspace], directory: Path, var_files: Sequence[Path]
    ) -> None:
        """Open the workspace. Raises ConfigurationError."""
        self._open = open_
        self._files = (directory, tuple(var_files))
        self._read_signature = self._signature()
        self._workspace = open_()

    def current(self) -> Workspace:
        """Return the workspace. Raises ConfigurationError when the files are invalid now."""
        signature = self._signature()
        if signature != self._read_signature:
            opened = self._open()
            self.close()
            self._workspace, self._read_signature = opened, signature
        return self._workspace

    def close(self) -> None:
        """Close what is open."""
        self._workspace.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _signature(self) -> _Signature:
        directory, var_files = self._files
        try:
            files = [*configuration_files(directory, var_files), *var_files]
        except Unreadable as error:
            raise ConfigurationError([error.diagnostic]) from error
        found = []
        for path in files:
            try:
                there = path.stat()
            except OSError:
                continue  # loading reports what is wrong with it
            found.append((str(path), there.st_ino, there.st_size, there.st_mtime_ns))
        return tuple(found)


FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds until what failed is tried again: doubled each time."""
_BUSY_PAUSE = 5.0
"""Seconds until it checks again whether another run has ended."""
_ROUND = 10.0
"""Seconds after which a round of deliveries, which holds the lock, starts no further attempt."""
_CHECKED = (NoticeKind.DRIFT, NoticeKind.EXPIRY)


class Watch:
    """One run of `watch`; `interval` is the seconds between two checks for drift and expiry."""

    def __init__(
        self,
        opening: ReloadingWorkspace,
        *,
        once: bool,
        for_ever: bool,
        interval: float,
        on_event: Callable[[WatchEvent], None],
    ) -> None:
        self._opening = opening
        self._once = once
        self._for_ever = for_ever
        self._interval = interval
        self._on_event = on_event
        self._signals = Interruption()
        self._reported: dict[str, str] = {}
        """The last report by subject: a subject is reported again when its text changes."""
        self._since: dict[str, float] = {}
        """When this watch began to follow an operation (monotonic), by its id."""
        self._next_check = 0.0
        self._failures = 0
        self._refusals: dict[str, tuple[int, float]] = {}
        """By receiver: failed attempts in a row, and the time of the next one (monotonic)."""
        self._recorded = 0

    def run(self) -> WatchResult:
        """Watch until nothing is left to watch, or forever.

        Failures of the service and of receivers are reported and retried; with `once` they are
        raised. Raises ConfigurationError, StateError, CredentialsError, and Interrupted at a
        signal.
        """
        try:
            with self._signals.handled():
                return self._run()
        except KeyboardInterrupt:
            raise Interrupted(
                "Interrupted; what was found is recorded.",
                hint="Operations continue at the service. `automl-plan watch` follows them again.",
            ) from None

    def _run(self) -> WatchResult:
        while True:
            result = self._observe()
            done = not (result.running or result.waiting)
            if self._once or (result.complete and done and not self._for_ever):
                return result
            time.sleep(self._pause(result))

    # -- one snapshot ----------------------------------------------------------------------

    def _observe(self) -> WatchResult:
        first = not self._reported and not self._failures and not self._since
        try:
            result = self._observe_once()
        except StateLocked as error:
            self._report("lock", WatchEvent(WatchEventType.BUSY, error.message))
            return WatchResult(complete=False, recorded=self._recorded)
        except (ConfigurationError, EmulatorError, ProviderError) as error:
            if self._once or (first and isinstance(error, CredentialsError)):
                raise
            self._failures += 1
            self._report("snapshot", WatchEvent(WatchEventType.TROUBLE, _describe(error)))
            return WatchResult(complete=False, recorded=self._recorded)
        self._failures = 0
        self._reported.pop("lock", None)
        self._reported.pop("snapshot", None)
        return result

    def _observe_once(self) -> WatchResult:
        workspace = self._opening.current()
        holder = workspace.store.lock_holder()
        if holder is not None:
            raise StateLocked(f"The state is locked by {holder}.")
        check = time.monotonic() >= self._next_check
        snapshot = take_snapshot(workspace, check_drift=check)
        with self._signals.held():
            result = self._take(workspace, snapshot)
        if check and result.complete:
            self._next_check = time.monotonic() + self._interval
        return result

    def _take(self, workspace: Workspace, snapshot: Snapshot) -> WatchResult:
        """Record and send what a snapshot contains, if anything."""
        for found in snapshot.found or ():
            event = WatchEvent(WatchEventType.FOUND, found.text, str(found.address))
            self._report(found.key, event)
        if not self._has_to_record(workspace, snapshot):
            self._follow(snapshot)
            return self._result(snapshot, waiting=len(snapshot.state.outbox))
        with workspace.open_state(command="watch") as session:
            there = session.state
            if (there.lineage, there.serial) != (snapshot.state.lineage, snapshot.state.serial):
                # Another run was faster.
                return WatchResult(complete=False, recorded=self._recorded)
            self._follow(snapshot)
            for event in record_finished(workspace, session, snapshot):
                self._on_event(event)
                self._recorded += event.type in (WatchEventType.ENDED, WatchEventType.FAILED)
            receivers = workspace.configuration.receivers
            if snapshot.found is not None:
                gone = resolved(
                    snapshot.found, session.state.noticed, _CHECKED, snapshot.busy_addresses
                )
                forget(session, gone)
                record_new(session, snapshot.found, receivers)
            self._deliver(workspace, session)
            after = replace(snapshot, state=session.state)
            return self._result(after, waiting=len(session.state.outbox))

    def _has_to_record(self, workspace: Workspace, snapshot: Snapshot) -> bool:
        state, receivers = snapshot.state, workspace.configuration.receivers
        if snapshot.settled or any(str(a) not in self._reported for a in snapshot.unsettled):
            return True
        names = {receiver.name for receiver in receivers}
        waiting = {name for notice in state.outbox.values() for name in notice.to}
        if waiting - names or any(self._may_try(name) for name in waiting):
            return True
        if snapshot.found is not None and (
            unreported(snapshot.found, state.noticed, receivers)
            or resolved(snapshot.found, state.noticed, _CHECKED, snapshot.busy_addresses)
        ):
            return True
        named = [o for record in state.resources.values() for o in record.operations if o.id]
        for operation in named:
            answer = snapshot.answers.get(operation.id or "")
            if answer is None or (
                answer.done and not (answer.has_next_step and answer.error is None)
            ):
                return True
        return False

    def _follow(self, snapshot: Snapshot) -> None:
        """Report running operations, and what this watch can't do, once each."""
        going = {each for each, answer in snapshot.answers.items() if not answer.done}
        self._since = {each: since for each, since in self._since.items() if each in going}
        for address, record in sorted(snapshot.state.resources.items()):
            for operation in record.operations:
                answer = snapshot.answers.get(operation.id or "")
                if operation.id is None or answer is None:
                    continue
                about = (str(address), operation.id)
                if not answer.done:
                    self._since.setdefault(operation.id, time.monotonic())
                    text = f"{address}: {operation.step} is running"
                    self._report(operation.id, WatchEvent(WatchEventType.FOLLOWING, text, *about))
                elif answer.has_next_step and answer.error is None:
                    text = (
                        f"{address}: {operation.step} needs another call, which `watch` never sends"
                    )
                    text += ". Next: automl-plan wait"
                    self._report(operation.id, WatchEvent(WatchEventType.LEFT, text, *about))
        for place, error in sorted(snapshot.unsettled.items()):
            self._report(place, WatchEvent(WatchEventType.LEFT, _describe(error), place))

    def _result(self, snapshot: Snapshot, *, waiting: int) -> WatchResult:
        running = left = 0
        for record in snapshot.state.resources.values():
            for operation in record.operations:
                answer = snapshot.answers.get(operation.id or "")
                if answer is not None and answer.done and answer.has_next_step:
                    left += 1  # a watch does not send its next call
                else:
                    running += 1
        unsettled = len(snapshot.unsettled)
        return WatchResult(
            complete=True,
            running=running - unsettled,
            left=left + unsettled,
            waiting=waiting,
            recorded=self._recorded,
        )

    # -- messages --------------------------------------------------------------------------

    def _may_try(self, name: str) -> bool:
        return time.monotonic() >= self._refusals.get(name, (0, 0.0))[1]

    def _deliver(self, workspace: Workspace, session: StateSession) -> None:
        """Attempt each waiting message once; record each delivery before the next."""
        end = time.monotonic() + _ROUND
        due = [r for r in workspace.configuration.receivers if self._may_try(r.name)]
        tried = deliver(
            dict(session.state.outbox),
            due,
            workspace.environ,
            workspace.configuration.directory,
            partial(
                with_model_results,
                provider=workspace.provider,
                prices=workspace.configuration.prices,
            ),
            lambda: time.monotonic() < end and not self._signals.requested and session.held,
        )
        with contextlib.closing(tried):
            for each in tried:
                if each.problem is None:
                    session.record_sent(each.key, each.receiver)
                    self._refusals.pop(each.receiver, None)
                    self._reported.pop(f"notify.{each.receiver}", None)
                    text = f"notify.{each.receiver}: {each.key} was sent"
                    self._on_event(
                        WatchEvent(
                            WatchEventType.SENT,
                            text,
                            receiver=each.receiver,
                            notice_id=each.key,
                        )
                    )
                    continue
                count = self._refusals.get(each.receiver, (0, 0.0))[0]
                again = time.monotonic() + _backoff(count)
                self._refusals[each.receiver] = (count + 1, again)
                text = f"notify.{each.receiver}: a message is waiting: {each.problem}"
                self._report(
                    f"notify.{each.receiver}",
                    WatchEvent(
                        WatchEventType.NOT_SENT,
                        text,
                        receiver=each.receiver,
                        notice_id=each.key,
                    ),
                )

    # -- pauses ----------------------------------------------------------------------------

    def _pause(self, result: WatchResult) -> float:
        """Return the seconds until the next snapshot."""
        now = time.monotonic()
        if self._failures:
            return _backoff(self._failures - 1)
        if not result.complete:
            return _BUSY_PAUSE if "lock" in self._reported else SHORTEST_POLL
        pauses = [self._next_check - now]
        if result.running:
            pauses += [pause_after(now - since) for since in self._since.values()]
            pauses.append(_BUSY_PAUSE)
        if result.waiting:
            pauses += [again - now for _, again in self._refusals.values()]
        return max(min(pauses), SHORTEST_POLL)

    def _report(self, about: str, event: WatchEvent) -> None:
        if self._reported.get(about) != event.message:
            self._reported[about] = event.message
            self._on_event(event)


def _backoff(failures: int) -> float:
    return float(min(FIRST_PAUSE * 2 ** min(failures, 10), LONGEST_PAUSE))


def _describe(error: AutomlPlanError) -> str:
    return error.message if error.hint is None else f"{error.message} Next: {error.hint}"

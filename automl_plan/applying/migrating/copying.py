"""Asks for copies, each exactly once.

A call that asks for copies makes new ones each time it is sent, and takes no id of a request. So
the intent is on disk first, and the copy is asked for under a display name that holds the intent's
token: what a lost call has made is found by it, among the operations or among what lives. Only
what is proved never to have arrived is sent again.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.applying.migrating.events import MigrationEvent, MigrationStep, Untold
from automl_plan.applying.migrating.preparing import FAILED, calls_of
from automl_plan.applying.moments import now
from automl_plan.applying.recovery import CLOCK_SKEW
from automl_plan.applying.running import pause_after
from automl_plan.applying.steps import UNDECIDED
from automl_plan.errors import (
    NotFound,
    ProviderError,
    TransportError,
    UnsettledOperation,
    UsageError,
)
from automl_plan.providers.protocol import Provider, Takeover
from automl_plan.resources.address import Address, ResourceKind
from automl_plan.resources.json import Json
from automl_plan.resources.recorded import RecordedOperation, RecordedResource, Step
from automl_plan.resources.takeover import Copied, Copying, Migratable, Wish, migrate_command
from automl_plan.resources.tokens import new_token
from automl_plan.resources.transitions import with_operation, without_operation
from automl_plan.state.store import StateSession

_NAME = "automl-plan-"
_LAST = "last_migrated"
"""The attribute that keeps when the original was last copied before the call."""
_TRIES = 3
"""How often one run sends a call that is never received."""
_Call = tuple[Address, RecordedOperation]


class Wanted(Struct, frozen=True):
    """An original that is to have a copy."""

    address: Address
    original: Migratable


class Copier:
    """Makes copies at the provider that takes over; what it does is in the migration's state."""

    def __init__(
        self,
        provider: Provider,
        takeover: Takeover,
        session: StateSession,
        tell: Callable[[MigrationEvent], None],
    ) -> None:
        self._provider = provider
        self._takeover = takeover
        self._session = session
        self._tell = tell

    @property
    def copies(self) -> dict[str, str]:
        """The ids of the copies that are known, by those of the originals."""
        calls = calls_of(self._session.state).items()
        return {original: call.made for original, (_, call) in calls if call.made is not None}

    def settle(self) -> None:
        """Find out what came of all calls of earlier runs.

        Raises UnsettledOperation where no waiting tells, ProviderError, StateUnwritable.
        """
        self._find_lost()
        self._follow()

    def settle_as_told(self) -> list[Untold]:
        """Find out what came of all calls, as far as it is told; the others.

        Raises ProviderError when the service does not answer, StateUnwritable.
        """
        for work in (self._find_lost, self._follow):
            # Of an operation the service may have forgotten all: its name tells nothing then.
            with contextlib.suppress(UnsettledOperation, NotFound, UsageError):
                work()
        return [
            Untold(address, call.object_id or "", _name(call))
            for address, call in self._calls(lambda call: FAILED not in call.attributes)
        ]

    def _find_lost(self) -> None:
        self._find(self._calls(lambda call: call.id is None and FAILED not in call.attributes))

    def copy(self, wanted: Sequence[Wanted]) -> None:
        """Copy what has no copy yet. What the service refuses is told, and stays in the state.

        Raises as `settle`.
        """
        calls = calls_of(self._session.state)
        for each in wanted:
            former = calls.get(each.original.id)
            if former is not None and FAILED in former[1].attributes:
                self._forget(former)  # refused by an earlier run: tried once more
        for _ in range(_TRIES):
            left = self._not_asked_for(wanted)
            for start in range(0, len(left), self._takeover.most):
                self._ask(left[start : start + self._takeover.most])
            self._follow()
        if self._not_asked_for(wanted):
            raise UnsettledOperation(
                f"The service never received the call, though it was sent {_TRIES} times.",
                hint="Run it again when the service answers reliably: "
                f"{migrate_command(self._session.state.migration)}",
            )

    @property
    def refused(self) -> list[tuple[Address, str, str]]:
        """The originals that the service refused to copy: address, id, why."""
        calls = calls_of(self._session.state).items()
        return [
            (address, original, str(call.attributes[FAILED]))
            for original, (address, call) in calls
            if FAILED in call.attributes
        ]

    def _not_asked_for(self, wanted: Sequence[Wanted]) -> list[Wanted]:
        asked = calls_of(self._session.state)
        return [each for each in wanted if each.original.id not in asked]

    # -- asking ----------------------------------------------------------------------------

    def _ask(self, batch: Sequence[Wanted]) -> None:
        calls = [self._intent(each) for each in batch]
        wishes = [
            Wish(each.original.kind, each.original.name, _name(call))
            for each, (_, call) in zip(batch, calls, strict=True)
        ]
        for intent in calls:
            self._write(intent)
        try:
            begun = self._takeover.begin(wishes)
        except ProviderError as error:
            unknown = isinstance(error, UNDECIDED) or (
                isinstance(error, TransportError) and error.sent
            )
            if not unknown:
                for intent in calls:
                    self._forget(intent)
                raise
            self._tell(MigrationEvent(MigrationStep.WAITING, message=error.message))
            self._find(calls)
            return
        for address, call in calls:
            self._write((address, replace(call, id=begun.operation.id)))

    def _intent(self, wanted: Wanted) -> _Call:
        address, original = wanted.address, wanted.original
        token = new_token(self._session.state.lineage, address, secrets.token_hex(16))
        last: dict[str, Json] = {}
        if original.last_migrated is not None:
            last[_LAST] = original.last_migrated
        call = RecordedOperation(Step.MIGRATE, token, now(), object_id=original.id, attributes=last)
        return address, call

    # -- finding out -----------------------------------------------------------------------

    def _find(self, calls: Sequence[_Call]) -> None:
        """Find out what came of calls without an answer; those that never arrived are dropped."""
        begun, left = time.monotonic(), {_name(call): (address, call) for address, call in calls}
        while left:
            waited = time.monotonic() - begun
            # Operations first, and only then what lives: the other way round, one that ends in
            # between would be in neither list.
            running = self._found_by_operations(left)
            self._found_living(left)
            if not left:
                return
            if not running and self._too_late(left, waited):
                self._check_untouched(list(left.values()))
                for call in left.values():
                    self._forget(call)
                return
            time.sleep(pause_after(waited))

    def _found_by_operations(self, left: dict[str, _Call]) -> bool:
        """Name the operations of calls; whether others run that don't tell what they copy."""
        silent = False
        for copying in self._takeover.all():
            silent = silent or not (copying.copied or copying.operation.done)
            for copied in copying.copied:
                found = left.pop(copied.display_name, None)
                if found is not None:
                    self._write((found[0], replace(found[1], id=copying.operation.id)))
        return silent

    def _found_living(self, left: dict[str, _Call]) -> None:
        for name, made in self._living(left.values()).items():
            self._made(left.pop(name), made)

    def _living(self, calls: Iterable[_Call]) -> dict[str, str]:
        """The ids of what lives under the names that calls have asked for."""
        names: dict[ResourceKind, set[str]] = {kind: set() for kind in ResourceKind}
        for address, call in calls:
            names[address.kind].add(_name(call))
        found: dict[str, str] = {}
        for kind, wanted in names.items():
            if not wanted:
                continue
            is_model = kind is ResourceKind.MODEL
            there = self._provider.models() if is_model else self._provider.datasets()
            found.update({o.display_name: o.id for o in there if o.display_name in wanted})
        return found

    def _too_late(self, left: Mapping[str, _Call], waited: float) -> bool:
        """Whether requests that were sent then can't take effect any more."""
        late = self._provider.late_seconds
        if waited >= late:
            return True
        newest = max(datetime.fromisoformat(call.started) for _, call in left.values())
        return datetime.now(UTC) - newest > timedelta(seconds=late) + CLOCK_SKEW

    def _check_untouched(self, calls: Sequence[_Call]) -> None:
        """Raise UnsettledOperation when the service has tried to copy, and nothing tells of it."""
        last = {(each.kind, each.id): each.last_migrated for each in self._takeover.search()}
        touched = [
            f"{address} {call.object_id} (as {_name(call)})"
            for address, call in calls
            if last.get((address.kind, call.object_id or ""))
            not in (None, call.attributes.get(_LAST))
        ]
        if touched:
            raise UnsettledOperation(
                "The service has begun to copy what a call that was cut off asked for, and nothing "
                f"is found of it: {', '.join(touched)}.",
                hint="Somebody else may have copied the same. Run it again, in case its copy "
                "appears. If none does, give this migration up "
                f"({migrate_command(self._session.state.migration)} --abandon), which tells what "
                "to look for, and begin anew.",
            )

    # -- following -------------------------------------------------------------------------

    def _follow(self) -> None:
        """Wait for all operations that copy, and record what they made."""
        calls = self._calls(
            lambda c: c.id is not None and not c.made and FAILED not in c.attributes
        )
        by_operation: dict[str, list[_Call]] = {}
        for address, call in calls:
            by_operation.setdefault(call.id or "", []).append((address, call))
        for operation_id, mine in by_operation.items():
            begun = time.monotonic()
            while not (copying := self._takeover.copying(operation_id)).operation.done:
                time.sleep(pause_after(time.monotonic() - begun))
            self._ended(copying, mine)

    def _ended(self, copying: Copying, calls: Sequence[_Call]) -> None:
        told = {copied.display_name: copied for copied in copying.copied}
        untold = [c for c in calls if told.get(_name(c[1]), Copied("")).made is None]
        living = self._living(untold) if untold else {}
        for address, call in calls:
            copied = told.get(_name(call), Copied(_name(call)))
            made = copied.made or living.get(_name(call))
            if made is not None:
                self._made((address, call), made)
                continue
            error = copied.error or copying.operation.error
            why = error.message if error is not None else "the service does not say what it made"
            self._write((address, replace(call, attributes={**call.attributes, FAILED: why})))
            self._tell(MigrationEvent(MigrationStep.FAILED, address, call.object_id, message=why))

    # -- records ---------------------------------------------------------------------------

    def _made(self, call: _Call, made: str) -> None:
        address, operation = call
        self._write((address, replace(operation, made=made)))
        self._tell(MigrationEvent(MigrationStep.COPIED, address, operation.object_id, made))

    def _write(self, call: _Call) -> None:
        address, operation = call
        self._session.record(with_operation(self._record_of(address), operation))

    def _forget(self, call: _Call) -> None:
        address, operation = call
        self._session.record(without_operation(self._record_of(address), operation))

    def _record_of(self, address: Address) -> RecordedResource:
        return self._session.state.resources.get(address) or RecordedResource(address)

    def _calls(self, chosen: Callable[[RecordedOperation], bool]) -> list[_Call]:
        return [
            (address, call)
            for address, record in sorted(self._session.state.resources.items())
            for call in record.operations
            if call.made is None and chosen(call)
        ]


def _name(call: RecordedOperation) -> str:
    """The display name that a copy is asked for under."""
    return f"{_NAME}{call.token}"

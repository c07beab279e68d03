"""Records messages with what they report, each once, and hands them to delivery."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial

from automl_plan.model.address import Address
from automl_plan.model.history import LONG, key_of
from automl_plan.model.notices import Details, Notice, Noticed, NoticeKind, Receiver
from automl_plan.model.prices import PriceBook
from automl_plan.model.timestamps import utc_now
from automl_plan.notifications.delivery import DeferredSender, Sender
from automl_plan.notifications.texts import OperationEnd, end_text, with_model_results
from automl_plan.planning.cost import Meter
from automl_plan.planning.findings import LastingFinding, address_of
from automl_plan.state.store import StateSession
from automl_plan.workspace.billing import current_meter
from automl_plan.workspace.workspace import Workspace

GRACE = 5.0
"""Seconds that a run waits at its end for messages that are being sent."""

_LONGEST = 2_000
"""Characters of a message's text."""


class Notices:
    """The messages of one run: recorded in the state, and then sent."""

    def __init__(
        self,
        session: StateSession,
        sender: Sender,
        where: str,
        prices: PriceBook,
        meter: Callable[[], Meter | None],
    ) -> None:
        """`where` is the service, project and location that messages name; `meter` measures what
        trainings used."""
        self._session = session
        self._sender = sender
        self._where = where
        self._prices = prices
        self._meter = meter
        self._staged: list[tuple[str, Notice]] = []

    def resume(self) -> None:
        """Resume what earlier runs could not send; drop receivers that are not declared."""
        for key, notice in list(self._session.state.outbox.items()):
            for name in notice.to:
                if name not in self._sender.receivers:
                    self._session.record_sent(key, name)
        for key, notice in self._session.state.outbox.items():
            self._sender.add(key, notice)

    def end_notice(self, ended: OperationEnd, action: str) -> tuple[str, Notice] | None:
        """Return the message that an operation ended, well or not; None without a receiver.

        Short steps are reported only when they fail.
        """
        operation, answer = ended.operation, ended.answer
        failed = answer is not None and answer.error is not None
        if not failed and operation.step not in LONG:
            return None
        kind = NoticeKind.FAILED if failed else NoticeKind.ENDED
        text, details = end_text(ended, self._where, self._prices, self._meter())
        return self._notice(
            kind,
            key_of(operation),
            ended.address,
            action,
            text,
            operation_id=operation.id,
            object_id=ended.object_id,
            seconds=ended.seconds,
            details=details,
        )

    def gate_notice(
        self, address: Address, action: str, object_id: str, text: str, *, undecided: bool
    ) -> tuple[str, Notice] | None:
        """Return the message that a gate rejected a version, or could not decide."""
        kind = NoticeKind.GATE_UNDECIDED if undecided else NoticeKind.GATE_REJECTED
        key = f"{object_id}-{utc_now()}"  # it may be rejected again, by other requirements
        details: Details = {"where": self._where}
        return self._notice(kind, key, address, action, text, object_id=object_id, details=details)

    def stage(self, notice: tuple[str, Notice] | None) -> None:
        """Keep a recorded message until `flush`."""
        if notice is not None:
            self._staged.append(notice)

    def flush(self) -> None:
        """Send the staged messages, which are on disk."""
        for notice in self._staged:
            self._sender.add(*notice)
        self._staged.clear()

    def record_sent(self) -> None:
        """Record which messages were sent. Raises StateUnwritable."""
        for key, receiver in self._sender.pop_sent():
            self._session.record_sent(key, receiver)

    def close(self) -> None:
        """Wait shortly for what is being sent, and record what arrived. Raises StateUnwritable."""
        for key, receiver in self._sender.close(GRACE):
            self._session.record_sent(key, receiver)

    def _notice(
        self,
        kind: NoticeKind,
        key: str,
        address: Address,
        action: str,
        text: str,
        *,
        operation_id: str | None = None,
        object_id: str | None = None,
        seconds: float | None = None,
        details: Details,
    ) -> tuple[str, Notice] | None:
        to = tuple(name for name, r in sorted(self._sender.receivers.items()) if kind in r.kinds)
        if not to:
            return None
        notice = Notice(
            kind,
            utc_now(),
            str(address),
            action,
            text[:_LONGEST],
            to,
            operation_id,
            object_id,
            seconds,
            details,
        )
        return f"{kind}-{key}", notice


def open_notices(workspace: Workspace, session: StateSession, *, deferred: bool = False) -> Notices:
    """Return the messages of a run with an open state.

    `deferred`: leave them in the outbox, to be delivered in rounds.
    """
    configuration, provider = workspace.configuration, workspace.provider
    prices, directory = configuration.prices, configuration.directory
    prepare = partial(with_model_results, provider=provider, prices=prices)
    sender = (DeferredSender if deferred else Sender)(
        configuration.receivers, workspace.environ, directory, prepare, lambda: session.held
    )
    return Notices(session, sender, provider.identity, prices, partial(current_meter, provider))


def unreported(
    found: Iterable[LastingFinding], noticed: Noticed, receivers: Sequence[Receiver]
) -> tuple[LastingFinding, ...]:
    """Return the findings that have a receiver and were not reported yet."""
    wanted = {kind for receiver in receivers for kind in receiver.kinds}
    return tuple(each for each in found if each.kind in wanted and each.key not in noticed)


def resolved(
    found: Iterable[LastingFinding],
    noticed: Noticed,
    kinds: Collection[NoticeKind],
    but: Collection[Address] = (),
) -> tuple[str, ...]:
    """Return the keys of reported findings of these kinds that are resolved.

    Skips the addresses in `but`.
    """
    there = {each.key for each in found}
    skipped = {str(address) for address in but}
    return tuple(
        key
        for key in noticed
        if key not in there and key.partition(" ")[0] in kinds and address_of(key) not in skipped
    )


def record_new(
    session: StateSession, found: Sequence[LastingFinding], receivers: Sequence[Receiver]
) -> list[tuple[str, Notice]]:
    """Record new findings with their messages, which are returned. Raises StateUnwritable."""
    notices = []
    for each in unreported(found, session.state.noticed, receivers):
        to = tuple(sorted(r.name for r in receivers if each.kind in r.kinds))
        when = utc_now()
        # With its time: if it comes back, that is another event.
        key = f"{each.kind}-{each.object_id}-{each.what}-{when}"
        notice = Notice(
            each.kind, when, str(each.address), str(each.kind), each.text, to, None, each.object_id
        )
        session.record_noticed(each.key, (key, notice))
        notices.append((key, notice))
    return notices


def forget(session: StateSession, keys: Iterable[str]) -> None:
    """Forget resolved findings. Raises StateUnwritable."""
    for key in keys:
        session.record_cleared(key)

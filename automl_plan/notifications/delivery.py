"""Delivers messages: in the background during a run, or one attempt each in a round."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from automl_plan.model.notices import Notice, Outbox, Receiver
from automl_plan.notifications.channels import DeliveryError, send

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds between two attempts of a message: doubled each time."""
_LOG = logging.getLogger(__name__)


class Sender:
    """Delivers messages in the background, a thread for each receiver."""

    def __init__(
        self,
        receivers: Sequence[Receiver],
        environ: Mapping[str, str],
        directory: Path,
        prepare: Callable[[Notice], Notice] = lambda notice: notice,
        may_send: Callable[[], bool] = lambda: True,
    ) -> None:
        """`prepare` completes a notice when it is sent; it raises nothing.

        Nothing is sent once `may_send` returns False.
        """
        self._may_send = may_send
        self._prepare = prepare
        self.receivers = {receiver.name: receiver for receiver in receivers}
        self._environ = environ
        self._directory = directory
        self._queues: dict[str, queue.SimpleQueue[tuple[str, Notice]]] = {}
        self._sent: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self._problems: dict[str, str] = {}
        self._pending: dict[str, int] = {}
        self._closing = threading.Event()

    def add(self, key: str, notice: Notice) -> None:
        """Send a notice to its receivers."""
        for name in notice.to:
            receiver = self.receivers.get(name)
            if receiver is None:
                continue
            if name not in self._queues:
                self._queues[name] = queue.SimpleQueue()
                arguments = (receiver, self._queues[name])
                threading.Thread(target=self._work, args=arguments, daemon=True).start()
            self._pending[name] = self._pending.get(name, 0) + 1
            self._queues[name].put((key, notice))

    def pop_sent(self) -> Iterator[tuple[str, str]]:
        """Yield the id and the receiver of each message that was sent since the last call."""
        while True:
            try:
                sent = self._sent.get_nowait()
            except queue.Empty:
                return
            self._pending[sent[1]] -= 1
            yield sent

    def close(self, seconds: float) -> Iterator[tuple[str, str]]:
        """Wait up to `seconds` for what is being sent; yield what was sent, log what was not."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._hopeful():
            yield from self.pop_sent()
            time.sleep(0.02)
        self._closing.set()
        yield from self.pop_sent()
        for name, count in sorted(self._pending.items()):
            if count:
                problem = self._problems.get(name, "no answer yet")
                _LOG.warning("notify.%s: a message is left for the next run: %s.", name, problem)

    def _hopeful(self) -> bool:
        """Whether a receiver without a failure has a message to come."""
        return any(n and name not in self._problems for name, n in self._pending.items())

    def _work(self, receiver: Receiver, messages: queue.SimpleQueue[tuple[str, Notice]]) -> None:
        while not self._closing.is_set():
            key, notice = messages.get()
            notice = self._prepare(notice)
            pause = FIRST_PAUSE
            while not self._closing.is_set():
                if not self._may_send():
                    return
                try:
                    send(receiver, key, notice, self._environ, self._directory)
                except DeliveryError as problem:
                    self._problems[receiver.name] = str(problem)
                    self._closing.wait(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
                    continue
                self._problems.pop(receiver.name, None)
                self._sent.put((key, receiver.name))
                break


class DeliveryAttempt(Struct, frozen=True):
    """One attempt: the message was accepted, or there is a problem."""

    receiver: str
    key: str
    problem: str | None = None


class DeferredSender(Sender):
    """Leaves all messages in the outbox, to be delivered in rounds."""

    def add(self, key: str, notice: Notice) -> None:
        """Do nothing: the message stays in the outbox."""


def deliver(
    outbox: Outbox,
    receivers: Sequence[Receiver],
    environ: Mapping[str, str],
    directory: Path,
    prepare: Callable[[Notice], Notice],
    may_continue: Callable[[], bool],
) -> Generator[DeliveryAttempt]:
    """Attempt the messages that wait for these receivers, in parallel; yield each attempt.

    `prepare` completes a notice when it is sent; it raises nothing. After a failure a receiver is
    not sent its next message. No attempt is started once `may_continue` returns False, and none is
    under way when this ends.
    """
    tried: queue.SimpleQueue[DeliveryAttempt | None] = queue.SimpleQueue()

    def work(receiver: Receiver, messages: Sequence[tuple[str, Notice]]) -> None:
        try:
            for key, notice in messages:
                if not may_continue():
                    return
                try:
                    send(receiver, key, prepare(notice), environ, directory)
                except DeliveryError as problem:
                    tried.put(DeliveryAttempt(receiver.name, key, str(problem)))
                    return
                tried.put(DeliveryAttempt(receiver.name, key))
        finally:
            tried.put(None)

    working = 0
    for receiver in receivers:
        messages = [(key, notice) for key, notice in outbox.items() if receiver.name in notice.to]
        if messages:
            arguments = (receiver, messages)
            threading.Thread(target=work, args=arguments, daemon=True).start()
            working += 1
    while working:
        each = tried.get()
        if each is None:
            working -= 1
        else:
            yield each

"""One round of deliveries: every message is tried once, for somebody who comes back later."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from automl_plan.notifying.not_sent import NotSent
from automl_plan.notifying.sender import Sender
from automl_plan.notifying.ways import send
from automl_plan.resources.notices import Notice, Outbox, Receiver


class Tried(Struct, frozen=True):
    """One try: the message was taken, or the receiver has this problem."""

    receiver: str
    key: str
    problem: str | None = None


class Postponed(Sender):
    """Leaves all messages in the outbox, for the next round."""

    def add(self, key: str, notice: Notice) -> None:
        """Nothing: it waits where it is recorded."""


def deliver(
    outbox: Outbox,
    receivers: Sequence[Receiver],
    environ: Mapping[str, str],
    directory: Path,
    prepare: Callable[[Notice], Notice],
    go_on: Callable[[], bool],
) -> Generator[Tried]:
    """Try what waits for these receivers, at all of them at the same time; tells each try.

    `prepare` adds to a notice what is asked for when it is sent; it raises nothing.
    A receiver that takes one message not is not asked for the next one. No try is begun once
    `go_on` says no, and none is under way when this ends.
    """
    tried: queue.SimpleQueue[Tried | None] = queue.SimpleQueue()

    def work(receiver: Receiver, messages: Sequence[tuple[str, Notice]]) -> None:
        try:
            for key, notice in messages:
                if not go_on():
                    return
                try:
                    send(receiver, key, prepare(notice), environ, directory)
                except NotSent as problem:
                    tried.put(Tried(receiver.name, key, str(problem)))
                    return
                tried.put(Tried(receiver.name, key))
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

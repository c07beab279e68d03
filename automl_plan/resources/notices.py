"""What is worth a message, and who gets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class NoticeKind(StrEnum):
    """The events that messages are about."""

    ENDED = "ended"
    """An operation ended well."""
    FAILED = "failed"
    """An operation failed or was cancelled."""
    GATE_REJECTED = "gate-rejected"
    """A new version does not meet what is required."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One event, as long as not every receiver has its message."""

    kind: NoticeKind
    when: str
    """RFC 3339, this machine's clock."""
    address: str
    action: str
    text: str
    """What a person reads."""
    to: tuple[str, ...]
    """The receivers that have no message of it yet, by name."""
    operation_id: str | None = None
    object_id: str | None = None
    seconds: float | None = None
    """How long the operation took."""


Outbox = Mapping[str, Notice]
"""By id: stable, so that a receiver can tell a message that it has already."""


class Way(StrEnum):
    """How a receiver is reached."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Receiver:
    """One entry of `notify`. Secrets are named by the variable of the environment they are in."""

    name: str
    way: Way
    kinds: frozenset[NoticeKind]
    url: str | None = None
    url_env: str | None = None
    secret_env: str | None = None
    command: tuple[str, ...] = ()


def mark_sent(outbox: dict[str, Notice], key: str, receiver: str) -> None:
    """Take a receiver off a notice, in place; with the last one the notice goes."""
    notice = outbox.get(key)
    if notice is None:
        return
    to = tuple(name for name in notice.to if name != receiver)
    if not to:
        del outbox[key]
        return
    outbox[key] = replace(notice, to=to)

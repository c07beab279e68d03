"""What is worth a message, and who gets it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

from automl_plan.model.json import Attributes


class NoticeKind(StrEnum):
    """The events that messages are about."""

    ENDED = "ended"
    """An operation ended well."""
    FAILED = "failed"
    """An operation failed or was cancelled."""
    GATE_REJECTED = "gate-rejected"
    """A new version does not meet what is required."""
    DRIFT = "drift"
    """Something changed outside."""
    EXPIRY = "expiry"
    """The life of a current version ends soon, or is over."""


class Notice(Struct, frozen=True):
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
    details: Attributes = field(default_factory=dict)
    """More of it for programs: texts and numbers, by the names in schemas/notice.schema.json."""


Outbox = Mapping[str, Notice]
"""By id: stable, so that a receiver can tell a message that it has already."""


Noticed = Mapping[str, str]
"""What lasts (drift, an end that is near) and was told: its key, and when."""


class Way(StrEnum):
    """How a receiver is reached."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    EMAIL = "email"
    COMMAND = "command"


class Tls(StrEnum):
    """How a connection to a mail server becomes a secret one. There is no other connection."""

    STARTTLS = "starttls"
    """After its first words."""
    IMPLICIT = "implicit"
    """From the start (smtps)."""


PORTS = {Tls.STARTTLS: 587, Tls.IMPLICIT: 465}
"""Where nothing else is said."""


class Mailing(Struct, frozen=True):
    """A mail server, and from whom and to whom it is to send."""

    host: str
    port: int
    tls: Tls
    sender: str
    to: tuple[str, ...]
    username_env: str | None = None
    password_env: str | None = None
    ca_file: str | None = None
    """A file of certificates, from the configuration's directory; only they are trusted then."""


class Receiver(Struct, frozen=True):
    """One entry of `notify`. Secrets are named by the variable of the environment they are in."""

    name: str
    way: Way
    kinds: frozenset[NoticeKind]
    url: str | None = None
    url_env: str | None = None
    secret_env: str | None = None
    command: tuple[str, ...] = ()
    mailing: Mailing | None = None


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

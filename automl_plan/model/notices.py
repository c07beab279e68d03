"""What is worth a message, and who gets it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from automl_plan.model.json import Document, Seconds, Time

Details: TypeAlias = dict[str, str | int | float]
"""More of an event for programs, by the names of the fields of `Message`."""


class NoticeKind(StrEnum):
    """The events that messages are about."""

    ENDED = "ended"
    """An operation ended well."""
    FAILED = "failed"
    """An operation failed or was cancelled."""
    GATE_REJECTED = "gate-rejected"
    """A new version does not meet the requirements."""
    GATE_UNDECIDED = "gate-undecided"
    """The service does not report a number that a requirement of a new version needs. Receivers of
    `gate-rejected` get it, too."""
    DRIFT = "drift"
    """Something changed outside."""
    EXPIRY = "expiry"
    """The life of a current version ends soon, or is over."""


class Notice(Document, frozen=True):
    """One event, as long as not every receiver has its message."""

    kind: NoticeKind
    when: Time
    """RFC 3339, this machine's clock."""
    address: str
    action: str
    text: str
    """What a person reads."""
    to: tuple[str, ...]
    """The receivers that have no message of it yet, by name."""
    operation_id: str | None = None
    object_id: str | None = None
    seconds: Seconds | None = None
    """How long the operation took."""
    details: Details = field(default_factory=dict)
    """More of it for programs, by the names in notice.schema.json."""


Outbox = Mapping[str, Notice]
"""By id: stable, so that a receiver recognizes a message that it has already."""


Noticed = Mapping[str, str]
"""What lasts (drift, an expiry that is near) and was reported: its key, and when."""


MESSAGE_FORMAT: Final = "1.0"


class Message(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a webhook's body is, and what a command of `notify` reads. The same event has the same
    id at each try. A reader skips fields that it does not know."""

    format_version: Literal["1.0"]
    id: str
    event: NoticeKind
    when: str
    """RFC 3339, by the clock of the machine that recorded it."""
    address: str
    """`model.digits`"""
    action: str
    """Of the plan: `train`; or the step of a call that was interrupted."""
    operation_id: str | None
    object_id: str | None
    """What was made, or worked on."""
    seconds: float | None
    """How long the operation took."""
    text: str
    """What a person reads: lines of plain text."""
    where: str | None = None
    """The service, project and location."""
    step: str | None = None
    """The call: `create`, `import-data`, `train`, `deploy`, `undeploy`, `delete`."""
    version: Annotated[int, Meta(ge=1)] | None = None
    """Of a trained model."""
    expected_seconds: float | None = None
    """What the history made expect: the median."""
    expected_low_seconds: float | None = None
    """The lower bound of the 80 % interval."""
    expected_high_seconds: float | None = None
    """The upper bound of the 80 % interval."""
    cost_milli_node_hours: Annotated[int, Meta(ge=0)] | None = None
    """What is billed, as the service reports."""
    cost_usd: Annotated[float, Meta(ge=0)] | None = None
    """The same in US dollars at list price."""
    cost_at_most_usd: Annotated[float, Meta(ge=0)] | None = None
    """Where the service does not report what is billed: an upper bound by the time it took."""
    au_prc: float | None = None
    """Of the new version; for object detection its mean average precision."""
    simulated: Literal[True] | None = None
    """The evaluation is made up: the embedded service's simulated trainer made the model."""
    former_object_id: str | None = None
    """The version that was current before."""
    former_au_prc: float | None = None
    """Of that version."""
    next: str | None = None
    """The next command."""


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

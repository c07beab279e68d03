"""What a run may execute and contact beside Google's services: people review it with the plan.

Without secrets: of a web address only the host is shown, with a digest that shows a change of the
rest; of what the environment holds only the name of the variable.
"""

from __future__ import annotations

import hashlib
import shlex
from enum import StrEnum
from urllib.parse import urlsplit

from automl_plan.model.json import Document
from automl_plan.model.notices import Mailing, NoticeKind, Receiver, Way

_DIGITS = 12
"""Hex digits of an address's digest: enough to see a change, too few to guess a secret."""


class ContactKind(StrEnum):
    """What is run or contacted."""

    COMMAND = "command"
    """A program on this machine."""
    WEBHOOK = "webhook"
    SLACK = "slack"
    EMAIL = "email"
    SERVICE = "service"
    """What answers in place of the provider's own service."""
    STORAGE = "storage"
    """What answers in place of Cloud Storage."""
    STAGING = "staging"
    """The bucket that local data is uploaded to."""


class Contact(Document, frozen=True):
    """One program that a run may execute, or one place that it may contact."""

    written: str
    """What names it: `notify.ops.webhook`, `provider.vertex.endpoint`, or a variable of the
    environment."""
    kind: ContactKind
    target: str
    """For the reader: a command as a shell would take it, an address, a bucket."""
    digest: str | None = None
    """Of a URL that is shown only in part: `sha256:` and hex digits."""
    events: tuple[str, ...] = ()
    """The events that it receives; empty: all, or it is not a receiver."""


def contact_of(receiver: Receiver) -> Contact:
    """The contact that a receiver of messages is."""
    digest = None
    match receiver.way:
        case Way.COMMAND:
            target = shlex.join(receiver.command)
        case Way.EMAIL:
            assert receiver.mailing is not None  # noqa: S101 (it says that way)
            target = _mail(receiver.mailing)
        case _ if receiver.url is not None:
            target, digest = _address(receiver.url)
        case _:
            target = f"the address in ${receiver.url_env}"
    if receiver.secret_env is not None:
        target += f", signed with ${receiver.secret_env}"
    every = receiver.kinds == frozenset(NoticeKind)
    return Contact(
        f"notify.{receiver.name}.{receiver.way}",
        ContactKind(receiver.way),
        target,
        digest,
        () if every else tuple(sorted(receiver.kinds)),
    )


def _address(url: str) -> tuple[str, str | None]:
    """A web address without what may be secret in it, and the digest of the whole."""
    parts = urlsplit(url)
    host = f"{parts.scheme}://{parts.netloc}"
    if url.rstrip("/") == host:
        return host, None
    return f"{host}/…", "sha256:" + hashlib.sha256(url.encode()).hexdigest()[:_DIGITS]


def _mail(mailing: Mailing) -> str:
    text = f"{', '.join(mailing.to)} from {mailing.sender} by {mailing.host}:{mailing.port}"
    text += f" ({mailing.tls})"
    if mailing.username_env is not None:
        text += f", logged in with ${mailing.username_env} and ${mailing.password_env}"
    if mailing.ca_file is not None:
        text += f", trusting {mailing.ca_file}"
    return text

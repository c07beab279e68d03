"""What a watch tells whoever reads along."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class WatchEventType(StrEnum):
    """What a watch saw or did."""

    FOLLOWING = "following"
    """An operation goes on; told once."""
    ENDED = "ended"
    FAILED = "failed"
    LEFT = "left"
    """Something waits for a person or an apply: a watch changes nothing at the service."""
    FOUND = "found"
    """Drift, or a life that ends; told once."""
    SENT = "sent"
    NOT_SENT = "not-sent"
    """A receiver does not take a message; told when the cause changes."""
    BUSY = "busy"
    """Another run holds the lock; told once."""
    TROUBLE = "trouble"
    """A look failed; told when the cause changes."""


class Watched(Struct, frozen=True):
    """One event. `message` is for people."""

    type: WatchEventType
    message: str
    address: str | None = None
    operation_id: str | None = None
    receiver: str | None = None
    notice_id: str | None = None


class WatchResult(Struct, frozen=True):
    """What was left when a watch ended."""

    looked: bool
    """False: the last look could not be had."""
    running: int = 0
    """Operations that go on."""
    left: int = 0
    """What waits for an apply or a person."""
    waiting: int = 0
    """Messages that are still to be taken by a receiver."""
    recorded: int = 0
    """Ends that were recorded by this watch."""

"""The lines that `watch` writes for programs."""

from __future__ import annotations

from typing import Literal, Self

from automl_plan.output.documents.base import Count, Document
from automl_plan.watch.snapshot import WatchEvent, WatchEventType
from automl_plan.watch.snapshot import WatchResult as ResultOfWatch


class Watched(Document, frozen=True):
    """What a watch saw or did."""

    event: WatchEventType
    address: str | None
    operation_id: str | None
    receiver: str | None
    """Of `notify`."""
    notice_id: str | None
    message: str
    """For people."""
    type: Literal["watched"] = "watched"

    @classmethod
    def of(cls, event: WatchEvent) -> Self:
        """Return the document of an event."""
        return cls.filled(event, event=event.type, type="watched")


class WatchResult(Document, frozen=True):
    """What was open when a watch ended."""

    looked: bool
    """False: the last check failed."""
    running: Count
    """Operations that are still running."""
    left: Count
    """What waits for an apply or a person."""
    waiting: Count
    """Messages that are still to be sent."""
    recorded: Count
    """Operations whose end this watch recorded."""
    type: Literal["watch-result"] = "watch-result"

    @classmethod
    def of(cls, result: ResultOfWatch) -> Self:
        """Return the document of a result."""
        return cls.filled(result)

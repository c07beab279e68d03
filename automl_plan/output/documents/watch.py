"""The lines that `watch` writes for programs."""

from __future__ import annotations

from typing import Literal, Self

from automl_plan.output.documents.base import FORMAT_VERSION, OutputDocument
from automl_plan.watch.snapshot import WatchEvent, WatchEventType, WatchResult


class Watched(OutputDocument, frozen=True):
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


class WatchEnd(WatchResult, tag_field="format_version", tag=FORMAT_VERSION, frozen=True):
    """What was open when a watch ended."""

    type: Literal["watch-result"] = "watch-result"

"""The messages that are still to be sent, as JSON in a state."""

from __future__ import annotations

from typing import Any

from automl_plan.resources.json import Json
from automl_plan.resources.notices import Notice, NoticeKind, Outbox

_TEXTS = ("when", "address", "action", "text")
_MAYBE = ("operation_id", "object_id")


def outbox_to_json(outbox: Outbox) -> dict[str, Json]:
    """By id."""
    return {key: notice_to_json(notice) for key, notice in outbox.items()}


def outbox_from_json(content: Any) -> dict[str, Notice]:
    """The inverse, oldest first. Raises TypeError, KeyError or ValueError."""
    if not isinstance(content, dict):
        raise TypeError("outbox is not a mapping")
    read = {key: notice_from_json(entry) for key, entry in content.items()}
    return dict(sorted(read.items(), key=lambda item: (item[1].when, item[0])))


def notice_to_json(notice: Notice) -> dict[str, Json]:
    """One notice."""
    fields: dict[str, Json] = {
        "kind": str(notice.kind),
        "when": notice.when,
        "address": notice.address,
        "action": notice.action,
        "text": notice.text,
        "to": list(notice.to),
        "operation_id": notice.operation_id,
        "object_id": notice.object_id,
        "seconds": notice.seconds,
        "details": dict(notice.details) or None,
    }
    return {key: value for key, value in fields.items() if value is not None}


def notice_from_json(entry: Any) -> Notice:
    """The inverse. Raises TypeError, KeyError or ValueError."""
    if not isinstance(entry, dict):
        raise TypeError(f"{entry!r:.60} is not a mapping")
    for key in entry:
        if key not in ("kind", "to", "seconds", "details", *_TEXTS, *_MAYBE):
            raise ValueError(f"{key!r:.60} is not a field of a notice")
    texts = {key: entry[key] for key in _TEXTS} | {k: entry[k] for k in _MAYBE if k in entry}
    for key, value in texts.items():
        if not isinstance(value, str):
            raise TypeError(f"{key}: {value!r:.60} is not text")
    to, seconds = entry["to"], entry.get("seconds")
    if not isinstance(to, list) or not all(isinstance(name, str) for name in to):
        raise TypeError(f"to: {to!r:.60} is not a list of names")
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float)):
        raise TypeError(f"seconds: {seconds!r:.60} is not a number")
    details = entry.get("details", {})
    if not isinstance(details, dict) or not all(map(_plain, details.values())):
        raise TypeError(f"details: {details!r:.60} are no texts and numbers")
    kind = NoticeKind(entry["kind"])
    return Notice(kind=kind, to=tuple(to), seconds=seconds, details=details, **texts)


def _plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)

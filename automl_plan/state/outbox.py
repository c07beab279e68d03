"""The messages that are still to be sent, as JSON in a state."""

from __future__ import annotations

from typing import Any

from automl_plan.resources.json import Json
from automl_plan.resources.notices import Notice, NoticeKind, Outbox
from automl_plan.state import values
from automl_plan.state.history import MOST_SECONDS

_TEXTS = ("when", "address", "action", "text")
_MAYBE = ("operation_id", "object_id")


def outbox_to_json(outbox: Outbox) -> dict[str, Json]:
    """By id."""
    return {key: notice_to_json(notice) for key, notice in outbox.items()}


def outbox_from_json(content: Any) -> dict[str, Notice]:
    """The inverse, oldest first. Raises TypeError, KeyError or ValueError."""
    read = {key: notice_from_json(entry) for key, entry in values.mapping(content).items()}
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
    for key in values.mapping(entry):
        if key not in ("kind", "to", "seconds", "details", *_TEXTS, *_MAYBE):
            raise ValueError(f"{key!r:.60} is not a field of a notice")
    texts = {key: values.text(entry[key]) for key in _TEXTS}
    texts |= {key: values.text(entry[key]) for key in _MAYBE if key in entry}
    values.time(texts["when"])
    to = tuple(values.text(name) for name in values.items(entry["to"]))
    seconds = entry.get("seconds")
    if seconds is not None:
        values.amount(seconds, MOST_SECONDS)
    details = values.mapping(entry.get("details", {}))
    if not all(map(_plain, details.values())):
        raise TypeError(f"details: {details!r:.60} are no texts and numbers")
    kind = NoticeKind(entry["kind"])
    return Notice(kind=kind, to=to, seconds=seconds, details=details, **texts)


def _plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)

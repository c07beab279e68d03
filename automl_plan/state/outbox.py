"""The messages still to be sent and the findings already reported, as JSON in a state."""

from __future__ import annotations

from typing import Any

from automl_plan.model.json import Json
from automl_plan.model.notices import Notice, NoticeKind, Outbox
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


def noticed_from_json(content: Any) -> dict[str, str]:
    """When each was told, by its key. Raises TypeError."""
    return {key: values.text(when) for key, when in values.mapping(content).items()}


def noticed_entry(key: str, notice: tuple[str, Notice]) -> dict[str, Json]:
    """The step that a finding and its message are recorded with."""
    message: dict[str, Json] = {"id": notice[0], "notice": notice_to_json(notice[1])}
    return {"noticed": key, "when": notice[1].when, "message": message}


def cleared_entry(key: str) -> dict[str, Json]:
    """The step that forgets a finding which is there no more."""
    return {"noticed": key, "when": None}


def set_noticed(noticed: dict[str, str], outbox: dict[str, Notice], entry: dict[str, Any]) -> None:
    """Take such a step, in place. Raises KeyError, TypeError or ValueError for a wrong one."""
    key = values.text(entry["noticed"])
    if entry["when"] is None:
        noticed.pop(key, None)
        return
    noticed[key] = values.text(entry["when"])
    message = values.mapping(entry["message"])
    outbox[values.text(message["id"])] = notice_from_json(message["notice"])

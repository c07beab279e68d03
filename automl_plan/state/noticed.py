"""What lasts and was told already, as JSON in a state and as steps of a journal."""

from __future__ import annotations

from typing import Any

from automl_plan.resources.json import Json
from automl_plan.resources.notices import Notice
from automl_plan.state import values
from automl_plan.state.outbox import notice_from_json, notice_to_json


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

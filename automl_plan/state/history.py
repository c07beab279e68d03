"""The history as JSON: in a state, and as lines of a file of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from automl_plan.errors import StateUnreadable
from automl_plan.resources.history import EndedOperation, History, Work
from automl_plan.resources.json import Json
from automl_plan.resources.model_types import Problem
from automl_plan.resources.recorded import Step

MOST_SECONDS = 10**9
"""Some 30 years."""
_KNOWN = frozenset(
    {"ended", "seconds", "problem", "model_type", "budget_milli_node_hours", "examples"}
    | {"cost_milli_node_hours"}
)


def history_to_json(history: History) -> dict[str, Json]:
    """By step and key; steps without any are left out."""
    return {
        str(step): {key: ended_to_json(ended) for key, ended in kept.items()}
        for step, kept in history.items()
        if kept
    }


def history_from_json(content: Any) -> dict[Step, dict[str, EndedOperation]]:
    """The inverse, oldest first. Raises TypeError or ValueError."""
    if not isinstance(content, dict):
        raise TypeError("history is not a mapping")
    history = {}
    for name, entries in content.items():
        if not isinstance(entries, dict):
            raise TypeError(f"history of {name!r:.60} is not a mapping")
        step = Step(name)
        read = {key: ended_from_json(step, entry) for key, entry in entries.items()}
        history[step] = dict(sorted(read.items(), key=lambda item: (item[1].ended, item[0])))
    return history


def ended_to_json(ended: EndedOperation) -> dict[str, Json]:
    """One entry; its step is said by the place where it stands."""
    work = ended.work
    fields: dict[str, Json] = {
        "ended": ended.ended,
        "seconds": ended.seconds,
        "problem": None if work.problem is None else str(work.problem),
        "model_type": work.model_type,
        "budget_milli_node_hours": work.budget,
        "examples": work.examples,
        "cost_milli_node_hours": ended.cost,
    }
    return {key: value for key, value in fields.items() if value is not None}


def ended_from_json(step: Step, entry: Any) -> EndedOperation:
    """The inverse. Raises TypeError or ValueError."""
    if not isinstance(entry, dict):
        raise TypeError(f"{entry!r:.60} is not a mapping")
    for key in entry:
        if key not in _KNOWN:
            raise ValueError(f"{key!r:.60} is not a field of the history")
    seconds, problem = entry.get("seconds"), entry.get("problem")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"seconds: {seconds!r:.60} is not a number")
    if not 0 <= seconds <= MOST_SECONDS:
        raise ValueError(f"seconds: {seconds!r:.60} is not from 0 to {MOST_SECONDS}")
    work = Work(
        step,
        None if problem is None else Problem(problem),
        _text(entry, "model_type"),
        _count(entry, "budget_milli_node_hours"),
        _count(entry, "examples"),
    )
    ended = _text(entry, "ended") or ""
    if datetime.fromisoformat(ended).tzinfo is None or ended < "1970":
        raise ValueError(f"ended: {ended!r:.60} is not a time with its zone")
    return EndedOperation(work, ended, seconds, _count(entry, "cost_milli_node_hours"))


def read_lines(path: Path) -> list[EndedOperation]:
    """A file of JSON lines: each an entry of a state's history, and its `step`.

    Raises StateUnreadable, with the line.
    """
    try:
        return list(_lines(path))
    except OSError as error:
        raise StateUnreadable(
            f"The history can't be read: {error.strerror}.", where=str(path)
        ) from error


def _lines(path: Path) -> Iterator[EndedOperation]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield _entry(json.loads(line))
            except (TypeError, ValueError, RecursionError) as error:
                raise StateUnreadable(
                    f"Line {number} is no entry of a history: {error}.",
                    where=str(path),
                    hint='A line is {"step": "train", "ended": …, "seconds": …, …}, with the '
                    "fields that the history of a state has.",
                ) from error


def _entry(entry: Any) -> EndedOperation:
    if not isinstance(entry, dict):
        raise TypeError("it is no JSON object")
    return ended_from_json(Step(entry.pop("step", None)), entry)


def _text(entry: dict[str, Any], key: str) -> str | None:
    value = entry.get(key)
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{key}: {value!r:.60} is not text")
    return value


def _count(entry: dict[str, Any], key: str) -> int | None:
    value = entry.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{key}: {value!r:.60} is not a count")
    return value

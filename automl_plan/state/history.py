"""The history as JSON: in a state, and as lines of a file of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from automl_plan.errors import StateUnreadable
from automl_plan.resources.history import EndedOperation, History, Work
from automl_plan.resources.json import Json
from automl_plan.resources.model_types import Problem
from automl_plan.resources.recorded import Step
from automl_plan.state import values

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
    history = {}
    for name, entries in values.mapping(content).items():
        step = Step(name)
        read = {key: ended_from_json(step, entry) for key, entry in values.mapping(entries).items()}
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
    for key in values.mapping(entry):
        if key not in _KNOWN:
            raise ValueError(f"{key!r:.60} is not a field of the history")
    problem = entry.get("problem")
    work = Work(
        step,
        None if problem is None else Problem(problem),
        values.optional_text(entry.get("model_type")),
        values.optional_count(entry.get("budget_milli_node_hours")),
        values.optional_count(entry.get("examples")),
    )
    return EndedOperation(
        work,
        values.time(entry.get("ended")),
        values.amount(entry.get("seconds"), MOST_SECONDS),
        values.optional_count(entry.get("cost_milli_node_hours")),
    )


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

"""The history of operations and the ledger of training costs, as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from automl_plan.errors import StateUnreadable
from automl_plan.model.address import Address
from automl_plan.model.history import Charge, EndedOperation, History, Ledger, Spending, Work
from automl_plan.model.json import Json
from automl_plan.model.model_types import Problem
from automl_plan.model.recorded import Step
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


_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
_MOST_USD = 1e12
_OF_CHARGE = frozenset({"address", "ended", "usd", "known", "model_id"})
_OF_SPENDING = frozenset(Spending.__struct_fields__)


def ledger_to_json(ledger: Ledger) -> dict[str, Json]:
    """Empty for a ledger without an entry."""
    if ledger.since is None:
        return {}
    spent: dict[str, Json] = {
        str(address): {month: _spending_to_json(each) for month, each in months.items()}
        for address, months in ledger.spent.items()
    }
    return {"since": ledger.since, "spent": spent}


def ledger_from_json(content: Any) -> Ledger:
    """The inverse. Raises KeyError, TypeError or ValueError."""
    if content == {}:
        return Ledger()
    if not isinstance(content, dict) or content.keys() != {"since", "spent"}:
        raise ValueError("the ledger is none")
    spent = {
        Address.parse(address): {
            _month(month): _spending(each) for month, each in values.mapping(months).items()
        }
        for address, months in values.mapping(content["spent"]).items()
    }
    return Ledger(values.time(content["since"]), spent)


def charge_to_json(charge: Charge) -> dict[str, Json]:
    """One training."""
    return {
        "address": str(charge.address),
        "ended": charge.ended,
        "usd": charge.usd,
        "known": charge.known,
        "model_id": charge.model_id,
    }


def charge_from_json(content: Any) -> Charge:
    """The inverse. Raises KeyError, TypeError or ValueError."""
    if not isinstance(content, dict) or content.keys() != _OF_CHARGE:
        raise ValueError("a charge has other fields")
    return Charge(
        Address.parse(values.text(content["address"])),
        values.time(content["ended"]),
        _dollars(content["usd"]),
        values.boolean(content["known"]),
        values.optional_text(content["model_id"]),
    )


def _spending_to_json(spending: Spending) -> dict[str, Json]:
    fields: dict[str, Json] = {"trainings": spending.trainings}
    if spending.billed:
        fields["billed"] = spending.billed
    if spending.at_most:
        fields["at_most"] = spending.at_most
    if spending.pending:
        fields["pending"] = dict(spending.pending)
    return fields


def _spending(content: Any) -> Spending:
    if not isinstance(content, dict) or not content.keys() <= _OF_SPENDING:
        raise ValueError("an entry of the ledger has other fields")
    pending = values.mapping(content.get("pending", {}))
    return Spending(
        values.count(content["trainings"]),
        _dollars(content.get("billed", 0.0)),
        _dollars(content.get("at_most", 0.0)),
        {values.text(key): _dollars(value) for key, value in pending.items()},
    )


def _month(value: Any) -> str:
    if not _MONTH.fullmatch(values.text(value)):
        raise ValueError(f"{value!r:.60} is not a month")
    return str(value)


def _dollars(value: Any) -> float:
    return float(values.amount(value, _MOST_USD))

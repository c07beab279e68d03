"""The ledger as JSON: in a state, and as a part of a journal's step."""

from __future__ import annotations

import re
from typing import Any

from automl_plan.resources.address import Address
from automl_plan.resources.json import Json
from automl_plan.resources.ledger import Charge, Ledger, Spending

_MONTH = re.compile(r"\d{4}-\d{2}")
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
        Address.parse(address): {_month(month): _spending(each) for month, each in months.items()}
        for address, months in content["spent"].items()
    }
    return Ledger(_text(content["since"]), spent)


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
    model_id = content["model_id"]
    return Charge(
        Address.parse(content["address"]),
        _text(content["ended"]),
        _dollars(content["usd"]),
        bool(content["known"]),
        None if model_id is None else _text(model_id),
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
    trainings = content["trainings"]
    if isinstance(trainings, bool) or not isinstance(trainings, int):
        raise TypeError(f"{trainings!r:.60} is not a whole number")
    return Spending(
        trainings,
        _dollars(content.get("billed", 0.0)),
        _dollars(content.get("at_most", 0.0)),
        {_text(key): _dollars(value) for key, value in content.get("pending", {}).items()},
    )


def _month(value: Any) -> str:
    if not _MONTH.fullmatch(_text(value)):
        raise ValueError(f"{value!r:.60} is not a month")
    return str(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.60} is not text")
    return value


def _dollars(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r:.60} is not an amount")
    return float(value)

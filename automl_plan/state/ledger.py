"""The ledger as JSON: in a state, and as a part of a journal's step."""

from __future__ import annotations

import re
from typing import Any

from automl_plan.resources.address import Address
from automl_plan.resources.json import Json
from automl_plan.resources.ledger import Charge, Ledger, Spending
from automl_plan.state import values

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

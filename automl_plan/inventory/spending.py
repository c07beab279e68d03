"""What trainings have cost: the ledger, with what the service tells of models that still exist."""

from __future__ import annotations

from msgspec import Struct

from automl_plan.inventory.versions import training_usd
from automl_plan.providers.protocol import Provider
from automl_plan.resources.address import Address
from automl_plan.resources.ledger import Ledger
from automl_plan.resources.live import LiveModel
from automl_plan.resources.prices import PriceBook, cents_up


class SpendingRow(Struct, frozen=True):
    """The trainings of one model that ended in one month, in US dollars at list price."""

    address: Address
    month: str
    """`2026-11`"""
    trainings: int
    billed: float
    """Of trainings whose bill is known."""
    at_most: float
    """Of the others, at most."""


def spending_rows(ledger: Ledger, provider: Provider, prices: PriceBook) -> tuple[SpendingRow, ...]:
    """All of the ledger, by model and month. Raises ProviderError.

    Models are listed once, and only where one of them tells what its training cost.
    """
    asked = any(each.pending for months in ledger.spent.values() for each in months.values())
    live = {model.id: model for model in provider.models()} if asked else {}
    rows = []
    for address, months in sorted(ledger.spent.items()):
        for month, spending in sorted(months.items()):
            billed, at_most = spending.billed, spending.at_most
            for model_id, most in spending.pending.items():
                bill = _bill(live.get(model_id), prices)
                billed, at_most = (
                    (billed, at_most + most) if bill is None else (billed + bill, at_most)
                )
            row = SpendingRow(
                address, month, spending.trainings, round(billed, 2), round(at_most, 2)
            )
            rows.append(row)
    return tuple(rows)


def _bill(model: LiveModel | None, prices: PriceBook) -> float | None:
    """What the training of a model cost, where the service tells it."""
    usd = None if model is None else training_usd(model, prices)
    return None if usd is None else cents_up(usd)

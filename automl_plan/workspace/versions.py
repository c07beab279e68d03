"""Lists the versions of a model, and what trainings cost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from automl_plan.errors import ProviderError, UsageError
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.evaluation import Evaluation
from automl_plan.model.history import Ledger
from automl_plan.model.homes import resolved_models
from automl_plan.model.live import LiveModel
from automl_plan.model.ownership_labels import data_label
from automl_plan.model.prices import PriceBook, cents_up
from automl_plan.model.recorded import Recorded, RecordedObject, RecordedResource
from automl_plan.providers.protocol import Provider

_MOST_EVALUATIONS = 20
"""Versions whose evaluation is fetched; each takes a request."""


class VersionRow(Struct, frozen=True):
    """A version that exists at the service."""

    recorded: RecordedObject
    current: bool
    live: LiveModel
    evaluation: Evaluation | None
    """Overall."""
    usd: float | None
    """What its training cost at list price, in US dollars."""
    expires: datetime | None

    @property
    def data(self) -> str | None:
        """The fingerprint of the data it was trained on."""
        mark = data_label(self.recorded.attributes)
        return None if mark is None else mark.replace("-", ":", 1)


def address_of(name: str, resources: Mapping[Address, RecordedResource]) -> Address:
    """Return the model with a name, an address or the id of a version. Raises UsageError."""
    models = {a: record for a, record in resources.items() if a.kind is ResourceKind.MODEL}
    for address in models:
        if name in (address.name, str(address)):
            return address
    for address, record in models.items():
        if any(obj.id == name for obj in record.objects):
            return address
    raise UsageError(f"No model {name} is recorded.", hint="See `automl-plan state list`.")


def version_rows(
    address: Address,
    recorded: Recorded,
    provider: Provider,
    prices: PriceBook,
) -> list[VersionRow]:
    """Return the live versions of an address, newest first."""
    record = recorded.resources[address]
    found = {model.id: model for model in provider.models()}
    live = resolved_models(found, {address: record}, recorded.lineage)
    objects = sorted(record.objects, key=lambda obj: obj.version or 0, reverse=True)
    return [
        VersionRow(
            recorded=obj,
            current=record.current is not None and obj.id == record.current.id,
            live=live[obj.id],
            evaluation=_overall(provider, obj.id) if place < _MOST_EVALUATIONS else None,
            usd=training_usd(live[obj.id], prices),
            expires=live[obj.id].expires,
        )
        for place, obj in enumerate(obj for obj in objects if obj.id in live)
    ]


def training_usd(model: LiveModel, prices: PriceBook) -> float | None:
    """Return what a training cost, in US dollars; None when the service does not report it."""
    cost = model.train_cost_milli_node_hours
    if cost is None or model.problem is None or model.model_type is None:
        return None
    return prices.training_usd(model.problem, model.model_type, cost)


def _overall(provider: Provider, model_id: str) -> Evaluation | None:
    try:
        evaluations = provider.evaluations(model_id)
    except ProviderError:
        return None
    return next((each for each in evaluations if each.label is None), None)


class SpendingRow(Struct, frozen=True):
    """The trainings of one model that ended in one month, in US dollars at list price."""

    address: Address
    month: str
    """In which they ended, UTC: `2026-11`."""
    trainings: int
    billed: float
    """Of trainings whose bill is known, at list price."""
    at_most: float
    """Of trainings whose bill is not known."""


def spending_rows(ledger: Ledger, provider: Provider, prices: PriceBook) -> tuple[SpendingRow, ...]:
    """Return the ledger by model and month. Raises ProviderError.

    Models are listed once, and only if the cost of a training is pending.
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
    """Return what the training of a model cost, where the service reports it."""
    usd = None if model is None else training_usd(model, prices)
    return None if usd is None else cents_up(usd)

"""What serves while a new version is rejected, as the service tells it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from automl_plan.errors import ProviderError
from automl_plan.providers.protocol import Provider
from automl_plan.resources.homes import resolved_models
from automl_plan.resources.live import LiveModel
from automl_plan.resources.recorded import RecordedResource


class Serving(Struct, frozen=True):
    """Whether a version of a model serves."""

    serves: bool | None
    """None where that could not be asked."""
    text: str
    """A sentence or two for the reader."""


def serving(provider: Provider, record: RecordedResource, lineage: str) -> Serving:
    """What the service says of the recorded versions of a model."""
    try:
        found = {model.id: model for model in provider.models()}
    except ProviderError:
        return serving_of(record, None)
    return serving_of(record, resolved_models(found, {record.address: record}, lineage))


def serving_of(record: RecordedResource, live: Mapping[str, LiveModel] | None) -> Serving:
    """Which of the recorded versions is deployed; `live` None: that could not be asked."""
    current = record.current
    stays = "" if current is None else f"Version {current.version} stays the current one. "
    if live is None:
        return Serving(None, f"{stays}What serves could not be asked.")
    deployed = [obj for obj in record.objects if obj.id in live and live[obj.id].deployed]
    if current is not None and current in deployed:
        return Serving(True, f"{stays.removesuffix('. ')} and goes on serving.")
    if deployed:
        named = ", ".join(f"version {obj.version}" for obj in deployed)
        return Serving(True, f"{stays}What serves is {named}.")
    if current is None:
        return Serving(False, "Nothing serves: no version is deployed.")
    why = "is not deployed" if current.id in live else "was deleted outside automl-plan"
    return Serving(False, f"{stays}Nothing serves: it {why}.")

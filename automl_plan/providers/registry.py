"""Which providers there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

from automl_plan.errors import UsageError
from automl_plan.model.capabilities import GOOGLE, Capabilities
from automl_plan.model.json import Json
from automl_plan.providers.protocol import Provider

Factory = Callable[[Mapping[str, Json], Path, Mapping[str, str]], Provider]

_FACTORIES = {
    "automl": "automl_plan.providers.google.automl.settings:open_automl",
    "local": "automl_plan.providers.local.settings:open_local",
    "vertex": "automl_plan.providers.google.vertex.settings:open_vertex",
}
"""Name → module and function; imported only when it is used."""


def known_capabilities(name: str, settings: Mapping[str, Json]) -> Capabilities:
    """What a provider can do as far as its settings tell: nothing is opened or asked for it."""
    if name != "local":
        return GOOGLE
    from automl_plan.providers.local.capabilities import DEFAULT_TRAINER, of_trainer

    return of_trainer(str(settings.get("trainer") or DEFAULT_TRAINER))


def open_provider(
    name: str, settings: Mapping[str, Json], directory: Path, environ: Mapping[str, str]
) -> Provider:
    """Open a provider for the configuration of a directory.

    Raises UsageError for a name that is not registered, and what the provider raises.
    """
    if name not in _FACTORIES:
        raise UsageError(
            f"There is no provider {name!r}.", hint=f"Write {' or '.join(_FACTORIES)}."
        )
    module, _, function = _FACTORIES[name].partition(":")
    factory: Factory = getattr(import_module(module), function)
    return factory(settings, directory, environ)

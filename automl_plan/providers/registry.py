"""Which providers there are: those of the package, and those that others add.

A distribution adds one by an entry point of the group `automl_plan.providers`, named as the
provider is below `provider:`, that leads to its `ProviderDefinition`:

    [project.entry-points."automl_plan.providers"]
    tailor = "automl_plan_tailor.capabilities:DEFINITION"

A program that uses automl-plan as a library calls `register`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_plan.errors import UsageError
from automl_plan.model.capabilities import ProviderDefinition, SettingRule, Settings

if TYPE_CHECKING:
    from automl_plan.providers.data_access import ObjectStorage
    from automl_plan.providers.protocol import Provider

GROUP = "automl_plan.providers"
DEFAULT = "local"
"""The provider of a configuration without a `provider:` section."""
_BUILT_IN = {
    "automl": "automl_plan.providers.google.automl.capabilities:DEFINITION",
    "local": "automl_plan.providers.local.capabilities:DEFINITION",
    "vertex": "automl_plan.providers.google.vertex.capabilities:DEFINITION",
}
_REGISTERED: dict[str, ProviderDefinition] = {}


class _Registry(Mapping[str, ProviderDefinition]):
    """All providers by name; a definition is imported when it is looked up.

    Entry points are read only for names that are neither built in nor registered.
    """

    def __getitem__(self, name: str) -> ProviderDefinition:
        if name not in _REGISTERED:
            _REGISTERED[name] = _found(name)
        return _REGISTERED[name]

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys((*_BUILT_IN, *_REGISTERED, *_entry_points()))

    def __len__(self) -> int:
        return sum(1 for _ in self)


PROVIDERS = _Registry()


def register(definition: ProviderDefinition) -> None:
    """Add a provider for this process. Raises ValueError for a name that is built in."""
    if definition.name in _BUILT_IN:
        raise ValueError(f"the provider {definition.name} is built in")
    _REGISTERED[definition.name] = definition


def unregister(name: str) -> None:
    """Remove a provider that was added."""
    _REGISTERED.pop(name, None)


def setting_rules() -> dict[str, SettingRule]:
    """Return the named rules of all providers, by id."""
    return {
        rule.id: rule
        for definition in PROVIDERS.values()
        for rule in (*definition.rules, *definition.training_rules)
    }


def _found(name: str) -> ProviderDefinition:
    definition = _load(_BUILT_IN[name]) if name in _BUILT_IN else _entry_points()[name].load()
    if not isinstance(definition, ProviderDefinition) or definition.name != name:
        raise UsageError(
            f"The provider {name!r} is registered by something that does not define it.",
            hint=f"Its entry point in {GROUP} must lead to a ProviderDefinition of this name.",
        )
    return definition


def _entry_points() -> dict[str, Any]:
    from importlib.metadata import entry_points

    return {each.name: each for each in entry_points(group=GROUP)}


def _load(path: str) -> Any:
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute)


def open_provider(
    name: str, settings: Settings, directory: Path, environ: Mapping[str, str]
) -> Provider:
    """Open a provider for the configuration of a directory.

    Raises UsageError for a name that is not registered, and what the provider raises.
    """
    if name not in PROVIDERS:
        raise UsageError(f"There is no provider {name!r}.", hint=f"Write {' or '.join(PROVIDERS)}.")
    opener: Callable[[Settings, Path, Mapping[str, str]], Provider] = _load(PROVIDERS[name].opener)
    return opener(settings, directory, environ)


def open_storage(environ: Mapping[str, str]) -> ObjectStorage:
    """Open the storage of the default provider without a configuration; the caller closes it."""
    path = PROVIDERS[DEFAULT].storage
    assert path is not None  # noqa: S101 (the embedded service imports from a storage)
    opener: Callable[[Mapping[str, str]], ObjectStorage] = _load(path)
    return opener(environ)

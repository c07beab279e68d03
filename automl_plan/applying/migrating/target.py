"""Where a migration goes: the settings of Vertex AI, by those of AutoML."""

from __future__ import annotations

import re
from collections.abc import Mapping

from automl_plan.applying.workspace import Workspace
from automl_plan.config.configuration import ProviderSettings
from automl_plan.config.provider_block import block
from automl_plan.errors import ConfigurationError, PlanRefused, UsageError
from automl_plan.resources.json import Json
from automl_plan.state.migrating import read_migration

_HOMES = {"us-central1": "us-central1", "eu": "europe-west4"}
"""AutoML's locations, and where Vertex AI takes over from them."""
_SHARED = ("project", "quota_project", "impersonate_service_account", "staging_bucket")
_IDENTITY = re.compile(r"vertex:projects/([^/]+)/locations/([^/]+)")
"""What a migration's state is bound to."""
_EMULATORS = ("AUTOML_EMULATOR_HOST", "VERTEX_EMULATOR_HOST")


def at_vertex(provider: ProviderSettings) -> bool:
    """Whether a provider is Vertex AI, or its rehearsal on this machine."""
    return provider.name == "vertex" or provider.settings.get("api") == "vertex"


def target_of(
    provider: ProviderSettings,
    environ: Mapping[str, str],
    *,
    project: str | None = None,
    location: str | None = None,
    endpoint: str | None = None,
) -> ProviderSettings:
    """The provider to migrate to. Raises UsageError for flags that don't fit, or are missing."""
    if provider.name == "local":
        if project or location or endpoint:
            raise UsageError(
                "--project, --location and --endpoint are for the provider automl.",
                hint="With local, the embedded service takes over what it has itself.",
            )
        return ProviderSettings("local", {**provider.settings, "api": "vertex"})
    former = provider.settings
    automl, vertex = _EMULATORS
    elsewhere = former.get("endpoint") or (environ.get(automl) and not environ.get(vertex))
    if elsewhere and endpoint is None:
        raise UsageError(
            "AutoML is reached at an endpoint of its own, so that of Vertex AI has to be told.",
            hint="Give --endpoint URL (the embedded service has it below /vertex).",
        )
    settings: dict[str, Json] = {key: former[key] for key in _SHARED if key in former}
    settings["location"] = location or _HOMES.get(str(former.get("location")), "us-central1")
    if project is not None:
        settings["project"] = project
    if endpoint is not None:
        settings["endpoint"] = endpoint
    return ProviderSettings("vertex", settings)


def open_target(
    source: Workspace, *, project: str | None, location: str | None, endpoint: str | None
) -> Workspace:
    """The same configuration at Vertex AI.

    Raises UsageError as `target_of`, PlanRefused for what can't be declared there.
    """
    former = source.configuration.provider
    target = target_of(
        former, source.environ, project=project, location=location, endpoint=endpoint
    )
    try:
        return source.migrating(target)
    except ConfigurationError as error:
        lines = [
            f"{d.file}:{d.line}:{d.column}: {d.message}" + (f" ({d.hint})" if d.hint else "")
            for d in error.diagnostics
        ]
        raise PlanRefused(
            "\n".join(["Vertex AI can't have what the configuration declares:", *lines]),
            hint="Change that first: what is trained already moves as it is.",
        ) from error


def open_begun(
    source: Workspace, *, project: str | None, location: str | None, endpoint: str | None
) -> Workspace:
    """As `open_target`; a migration that is under way says itself which project it goes to."""
    begun = read_migration(source.configuration.state_path)
    told = None if begun is None else _IDENTITY.fullmatch(begun.provider or "")
    if told is not None and source.configuration.provider.name == "automl":
        project, location = told.groups()
    return open_target(source, project=project, location=location, endpoint=endpoint)


def section_of(provider: ProviderSettings) -> str:
    """The section `provider` as it can be written by hand."""
    defaults = {"trainer": "sklearn"} if provider.name == "local" else {"location": "us-central1"}
    settings = {k: v for k, v in provider.settings.items() if defaults.get(k) != v}
    return block(provider.name, settings)


def ends_of(migration: Mapping[str, Json]) -> tuple[ProviderSettings, ProviderSettings] | None:
    """The former provider and the one that has taken over, as a migration's state has them."""
    found: list[ProviderSettings] = []
    for key in ("from", "to"):
        end = migration.get(key)
        for name, settings in end.items() if isinstance(end, dict) else ():
            if isinstance(settings, dict):
                found.append(ProviderSettings(name, settings))
    return (found[0], found[1]) if len(found) == len(migration) == 2 else None


def differing(former: ProviderSettings, target: ProviderSettings) -> dict[str, str]:
    """The settings that have to be written anew, where the rest stays as it is written."""
    before, after = former.settings, target.settings
    return {key: str(value) for key, value in after.items() if before.get(key) != value}

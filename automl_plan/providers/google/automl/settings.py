"""Opens the provider `automl` by its settings and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from automl_plan.model.json import Json
from automl_plan.providers.google.automl.capabilities import AUTOML
from automl_plan.providers.google.automl.provider import AutomlProvider
from automl_plan.providers.google.base_url import base_url
from automl_plan.providers.google.connection import DEFAULT_LOCATION, connect

EMULATOR_VARIABLE = "AUTOML_EMULATOR_HOST"
"""host:port of a service to use in place of Google's, without credentials."""
_HOSTS = {"eu": "https://eu-automl.googleapis.com"}
_DEFAULT_HOST = "https://automl.googleapis.com"


def open_automl(
    settings: Mapping[str, Json], _directory: Path, environ: Mapping[str, str]
) -> AutomlProvider:
    """The provider for a project, by its settings. Raises UsageError for what is no endpoint."""
    url = _service_url(settings, environ)
    found = connect("automl", settings, environ, url, EMULATOR_VARIABLE)
    return AutomlProvider(
        found.transport,
        found.storage,
        found.staging,
        name="automl",
        project=found.project,
        location=found.location,
        settle_seconds=found.settle_seconds,
        capabilities=AUTOML,
        contacts=found.contacts,
    )


def _service_url(settings: Mapping[str, Json], environ: Mapping[str, str]) -> str:
    if endpoint := settings.get("endpoint"):
        return base_url(str(endpoint), "provider.automl.endpoint")
    if host := environ.get(EMULATOR_VARIABLE):
        return base_url(host, EMULATOR_VARIABLE)
    return _HOSTS.get(str(settings.get("location", DEFAULT_LOCATION)), _DEFAULT_HOST)

"""Opens the provider `automl` by its settings and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from automl_plan.providers.automl.provider import AutomlProvider
from automl_plan.providers.credentials import credentials_for
from automl_plan.providers.endpoint import base_url, is_google
from automl_plan.providers.sources import SourceReader
from automl_plan.providers.storage import GOOGLE, Storage, storage_url
from automl_plan.providers.transport import HttpTransport
from automl_plan.resources.json import Json

EMULATOR_VARIABLE = "AUTOML_EMULATOR_HOST"
"""host:port of a service to use in place of Google's, without credentials."""
LATE_SECONDS = 120.0
"""Six times the deadline of Google's own backend for models.create (automl_v1.yaml)."""
LATE_SECONDS_ON_LOOPBACK = 2.0
"""No proxy lies on the way: what was sent is acted upon at once."""
_HOSTS = {"eu": "https://eu-automl.googleapis.com"}
_DEFAULT_HOST = "https://automl.googleapis.com"


def open_automl(
    settings: Mapping[str, Json], directory: Path, environ: Mapping[str, str]
) -> AutomlProvider:
    """The provider for a project: settings `project`, `location`, `endpoint`, `quota_project`,
    `impersonate_service_account`.

    A service that is not Google's has buckets of its own, at the same place, unless
    STORAGE_EMULATOR_HOST says otherwise. Raises UsageError for what can't be an endpoint.
    """
    project, location = str(settings["project"]), str(settings.get("location", "us-central1"))
    quota = settings.get("quota_project")
    quota_project = str(quota) if quota else None
    acting = settings.get("impersonate_service_account")
    impersonate = str(acting) if acting else None
    url = _service_url(settings, location, environ)
    storage = storage_url(environ, otherwise=GOOGLE if is_google(url) else url)
    return AutomlProvider(
        HttpTransport(url, credentials_for(url, quota_project, impersonate)),
        SourceReader(directory, Storage.at(storage, quota_project, impersonate)),
        name="automl",
        project=project,
        location=location,
        late_seconds=LATE_SECONDS if is_google(url) else LATE_SECONDS_ON_LOOPBACK,
    )


def _service_url(settings: Mapping[str, Json], location: str, environ: Mapping[str, str]) -> str:
    if endpoint := settings.get("endpoint"):
        return base_url(str(endpoint), "provider.automl.endpoint")
    if host := environ.get(EMULATOR_VARIABLE):
        return base_url(host, EMULATOR_VARIABLE)
    return _HOSTS.get(location, _DEFAULT_HOST)

"""Opens the provider `automl` by its settings and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from automl_plan.errors import UsageError
from automl_plan.providers.automl.provider import AutomlProvider
from automl_plan.providers.credentials import credentials_for
from automl_plan.providers.sources import SourceReader
from automl_plan.providers.storage import Storage, storage_url
from automl_plan.providers.transport import HttpTransport
from automl_plan.resources.json import Json

EMULATOR_VARIABLE = "AUTOML_EMULATOR_HOST"
"""host:port of a service to use in place of Google's, without credentials."""
_HOSTS = {"eu": "https://eu-automl.googleapis.com"}
_DEFAULT_HOST = "https://automl.googleapis.com"


def open_automl(
    settings: Mapping[str, Json], directory: Path, environ: Mapping[str, str]
) -> AutomlProvider:
    """The provider for a project: settings `project`, `location`, `endpoint`, `quota_project`."""
    project, location = str(settings["project"]), str(settings.get("location", "us-central1"))
    quota = settings.get("quota_project")
    quota_project = str(quota) if quota else None
    base_url = _base_url(settings, location, environ)
    return AutomlProvider(
        HttpTransport(base_url, credentials_for(base_url, quota_project)),
        SourceReader(directory, Storage.at(storage_url(environ), quota_project)),
        name="automl",
        project=project,
        location=location,
    )


def _base_url(settings: Mapping[str, Json], location: str, environ: Mapping[str, str]) -> str:
    if endpoint := settings.get("endpoint"):
        return _checked(str(endpoint))
    if host := environ.get(EMULATOR_VARIABLE):
        return _checked(f"http://{host}")
    return _HOSTS.get(location, _DEFAULT_HOST)


def _checked(url: str) -> str:
    """A base URL. Raises UsageError for one that is none, or that carries credentials."""
    try:
        parts = urlsplit(url)
        more = parts.query or parts.fragment or parts.port == 0
        wrong = parts.scheme not in ("http", "https") or not parts.hostname or bool(more)
        carries = "@" in parts.netloc
    except ValueError:
        wrong, carries = True, False
    if carries:
        raise UsageError(
            "The endpoint must not carry a user or a password.",
            hint="Write https://HOST; credentials come from Google's own configuration.",
        )
    if wrong:
        raise UsageError(f"{url!r} is no endpoint.", hint="Write https://HOST or http://HOST:PORT.")
    return url

"""How a Google service is reached: project, location, credentials, storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar
from urllib.parse import urlsplit

from automl_plan.model.capabilities import Capabilities, Settings
from automl_plan.model.contacts import Contact, ContactKind
from automl_plan.providers.data_access import StagingBucket
from automl_plan.providers.google.base_url import base_url, is_google, is_loopback
from automl_plan.providers.google.credentials import credentials_for
from automl_plan.providers.google.service import GoogleService
from automl_plan.providers.google.storage import EMULATOR_VARIABLE as STORAGE_VARIABLE
from automl_plan.providers.google.storage import GOOGLE, Storage, storage_url
from automl_plan.providers.google.transport import HttpTransport

DEFAULT_LOCATION = "us-central1"
SETTLE_SECONDS = 120.0
"""Six times the deadline of Google's own backend for models.create (automl_v1.yaml)."""
SETTLE_SECONDS_ON_LOOPBACK = 2.0
"""No proxy lies on the way: what was sent is acted upon at once."""


def settle_seconds(url: str) -> float:
    """Return for how long an interrupted call to the service at a URL may still take effect.

    Short on this machine's loopback only: another gateway may hold a call as long as
    Google's does.
    """
    local = is_loopback(urlsplit(url).hostname or "")
    return SETTLE_SECONDS_ON_LOOPBACK if local else SETTLE_SECONDS


_Service = TypeVar("_Service", bound=GoogleService)


def open_service(
    service: type[_Service],
    name: str,
    capabilities: Capabilities,
    settings: Settings,
    environ: Mapping[str, str],
    *,
    variable: str,
    host: Callable[[str], str],
) -> _Service:
    """Open a service by the settings of the provider `name`.

    `variable` of the environment names its endpoint where the settings don't; `host` returns
    Google's own for a location. A service that is not Google's has buckets of its own, at the same
    host, unless STORAGE_EMULATOR_HOST says otherwise. Raises UsageError for what can't be an
    endpoint, a project, a location or an account.
    """
    location = str(settings.get("location", DEFAULT_LOCATION))
    if endpoint := settings.get("endpoint"):
        url = base_url(str(endpoint), f"provider.{name}.endpoint")
    elif address := environ.get(variable):
        url = base_url(address, variable)
    else:
        url = base_url(host(location), f"provider.{name}.location")
    quota, acting = settings.get("quota_project"), settings.get("impersonate_service_account")
    quota_project = str(quota) if quota else None
    impersonate = str(acting) if acting else None
    parts = urlsplit(url)
    beside = GOOGLE if is_google(url) else f"{parts.scheme}://{parts.netloc}"
    storage = Storage.at(storage_url(environ, otherwise=beside), quota_project, impersonate)
    project = str(settings["project"])
    staging = None
    if uri := settings.get("staging_bucket"):
        bucket, _, prefix = str(uri).removeprefix("gs://").rstrip("/").partition("/")
        staging = StagingBucket(
            bucket,
            f"{prefix}/" if prefix else "",
            f"provider.{name}.staging_bucket",
            f"`gcloud storage buckets create gs://{bucket} --project {project} --location "
            f"{location}` makes it, where the service can read it.",
            "gcloud storage rm",
        )
    return service(
        HttpTransport(url, credentials_for(url, quota_project, impersonate)),
        storage,
        staging,
        name=name,
        project=project,
        location=location,
        settle_seconds=settle_seconds(url),
        capabilities=capabilities,
        contacts=tuple(_contacts(name, settings, environ, url, variable)),
    )


def _contacts(
    name: str,
    settings: Settings,
    environ: Mapping[str, str],
    url: str,
    variable: str,
) -> Iterator[Contact]:
    own = f"provider.{name}.endpoint" if settings.get("endpoint") else None
    if own or not is_google(url):
        yield Contact(own or variable, ContactKind.SERVICE, url)
    if environ.get(STORAGE_VARIABLE):
        yield Contact(STORAGE_VARIABLE, ContactKind.STORAGE, storage_url(environ))
    if bucket := settings.get("staging_bucket"):
        yield Contact(f"provider.{name}.staging_bucket", ContactKind.STAGING, str(bucket))

"""Opens the provider `vertex` by its settings and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from automl_plan.model.json import Json
from automl_plan.providers.google.base_url import base_url
from automl_plan.providers.google.connection import DEFAULT_LOCATION, connect
from automl_plan.providers.google.vertex.capabilities import VERTEX
from automl_plan.providers.google.vertex.provider import VertexProvider

EMULATOR_VARIABLE = "VERTEX_EMULATOR_HOST"
"""host:port, or host:port/path, of a service to use in place of Google's, without credentials."""


def open_vertex(
    settings: Mapping[str, Json], _directory: Path, environ: Mapping[str, str]
) -> VertexProvider:
    """The provider for a project, by its settings. Raises UsageError for what is no endpoint."""
    url = _service_url(settings, environ)
    found = connect("vertex", settings, environ, url, EMULATOR_VARIABLE)
    return VertexProvider(
        found.transport,
        found.storage,
        found.staging,
        name="vertex",
        project=found.project,
        location=found.location,
        settle_seconds=found.settle_seconds,
        capabilities=VERTEX,
        contacts=found.contacts,
    )


def _service_url(settings: Mapping[str, Json], environ: Mapping[str, str]) -> str:
    if endpoint := settings.get("endpoint"):
        return base_url(str(endpoint), "provider.vertex.endpoint")
    if host := environ.get(EMULATOR_VARIABLE):
        return base_url(host, EMULATOR_VARIABLE)
    location = str(settings.get("location", DEFAULT_LOCATION))
    return base_url(f"https://{location}-aiplatform.googleapis.com", "provider.vertex.location")

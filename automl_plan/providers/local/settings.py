"""Opens the provider `local`: starts the embedded service, and speaks one of its APIs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from automl_plan.model.json import Json
from automl_plan.providers.google.connection import settle_seconds
from automl_plan.providers.google.credentials import NoCredentials
from automl_plan.providers.google.storage import Storage
from automl_plan.providers.google.transport import HttpTransport
from automl_plan.providers.local.capabilities import PLACE, capabilities, trainer_of
from automl_plan.providers.local.process import Options, start
from automl_plan.providers.protocol import Provider

DEFAULT_DATA_DIR = ".automl-plan/emulator"
DEFAULT_BUCKET_ROOT = ".automl-plan/buckets"
VERTEX_PATH = "/vertex"
"""Where the service has Vertex AI v1; at its root it has AutoML v1."""


def open_local(
    settings: Mapping[str, Json], directory: Path, _environ: Mapping[str, str]
) -> Provider:
    """The provider: settings `api`, `data_dir`, `trainer`, `time_scale`, `bucket_root`,
    `readings`."""
    running = start(data_dir(settings, directory), directory, options(settings, directory))
    can = capabilities({**settings, "trainer": running.trainer})
    storage = Storage(HttpTransport(running.url, NoCredentials()))
    if settings.get("api") == "vertex":
        from automl_plan.providers.google.vertex.provider import VertexProvider

        return VertexProvider(
            HttpTransport(f"{running.url}{VERTEX_PATH}", NoCredentials()),
            storage,
            name="local-vertex",
            project=PLACE.project,
            location=PLACE.location,
            settle_seconds=settle_seconds(running.url),
            capabilities=can,
        )
    from automl_plan.providers.google.automl.provider import AutomlProvider

    return AutomlProvider(
        HttpTransport(running.url, NoCredentials()),
        storage,
        name="local",
        project=PLACE.project,
        location=PLACE.location,
        settle_seconds=settle_seconds(running.url),
        capabilities=can,
    )


def data_dir(settings: Mapping[str, Json], directory: Path) -> Path:
    """Where the service of a configuration keeps its data."""
    return directory / str(settings.get("data_dir") or DEFAULT_DATA_DIR)


def options(settings: Mapping[str, Json], directory: Path) -> Options:
    """How the service of a configuration runs."""
    scale = settings.get("time_scale")
    readings = settings.get("readings")
    return Options(
        trainer=trainer_of(settings),
        declared_trainer=bool(settings.get("trainer")),
        time_scale=float(scale) if isinstance(scale, int | float) else None,
        bucket_root=directory / str(settings.get("bucket_root") or DEFAULT_BUCKET_ROOT),
        readings={name: str(value) for name, value in readings.items()}
        if isinstance(readings, Mapping)
        else {},
    )

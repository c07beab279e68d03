"""How long a call that was cut off may still take effect: it depends on the host alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from automl_plan.model.json import Json
from automl_plan.providers.google.automl.provider import open_automl
from automl_plan.providers.google.connection import SETTLE_SECONDS, SETTLE_SECONDS_ON_LOOPBACK
from automl_plan.providers.google.vertex.provider import open_vertex

OPENERS = {"automl": open_automl, "vertex": open_vertex}
VARIABLES = {"automl": "AUTOML_EMULATOR_HOST", "vertex": "VERTEX_EMULATOR_HOST"}
LOOPBACK = (
    "http://127.0.0.1:9000",
    "http://127.0.0.1",
    "127.9.8.7:9000",
    "https://127.255.255.254/vertex",
    "http://localhost:9000",
    "LOCALHOST:9000",
    "http://[::1]:9000",
)
ELSEWHERE = (
    "http://10.0.0.5",
    "http://10.127.0.0:9000",
    "http://192.168.1.2:9000/vertex",
    "https://gateway.example.com",
    "http://gateway",
    "http://127.0.0.1.example.com",
    "http://localhost.example.com",
    "http://127.0.0.256",
    "http://0.0.0.0:9000",
    "http://[::2]:9000",
    "http://[fe80::1]:9000",
    "http://128.0.0.1",
)


@pytest.mark.parametrize("api", OPENERS)
@pytest.mark.parametrize(
    ("endpoint", "seconds"),
    [
        *((e, SETTLE_SECONDS_ON_LOOPBACK) for e in LOOPBACK),
        *((e, SETTLE_SECONDS) for e in ELSEWHERE),
    ],
)
def test_only_a_service_on_loopback_acts_at_once(
    tmp_path: Path, api: str, endpoint: str, seconds: float
) -> None:
    assert _late(tmp_path, api, {"endpoint": endpoint}, {}) == seconds
    assert _late(tmp_path, api, {}, {VARIABLES[api]: endpoint}) == seconds


@pytest.mark.parametrize("api", OPENERS)
@pytest.mark.parametrize("location", ["us-central1", "eu", "europe-west4"])
def test_google_may_act_late(tmp_path: Path, api: str, location: str) -> None:
    assert _late(tmp_path, api, {"location": location}, {}) == SETTLE_SECONDS


def _late(
    directory: Path, api: str, settings: Mapping[str, Json], environ: Mapping[str, str]
) -> float:
    provider = OPENERS[api]({"project": "p", **settings}, directory, environ)
    try:
        return provider.settle_seconds
    finally:
        provider.close()

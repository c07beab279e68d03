"""Fixtures: a server that does as it is told, and an environment without Google."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.providers.service import Service


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_google(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's own configuration decides a test."""
    for name in list(os.environ):
        if name.upper().startswith(("GOOGLE_", "CLOUDSDK_", "AUTOML_", "STORAGE_")):
            monkeypatch.delenv(name)
        if name.lower() in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_GCE_CHECK", "true")

"""Fixtures: a server that does as it is told, and an environment without Google."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.providers.google import Google, pretended
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


@pytest.fixture
def google(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    with pretended(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def account(google: Google, monkeypatch: pytest.MonkeyPatch) -> Google:
    """Google, and the environment of somebody who has a key."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(google.key()))
    return google

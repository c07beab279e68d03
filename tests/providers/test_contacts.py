"""What providers contact beside Google's own services, by settings and environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl_plan.providers.registry import open_provider
from tests.providers.google import Google

CASES: list[tuple[dict[str, str], dict[str, str], list[tuple[str, str]]]] = [
    ({}, {}, []),
    ({"location": "eu"}, {}, []),
    (
        {"endpoint": "http://gateway.example:8080"},
        {"X_EMULATOR_HOST": "127.0.0.1:1"},
        [("provider.X.endpoint", "http://gateway.example:8080")],
    ),
    (
        {"endpoint": "https://ours.p.googleapis.com"},
        {},
        [("provider.X.endpoint", "https://ours.p.googleapis.com")],
    ),
    (
        {"staging_bucket": "gs://ours/staging"},
        {"X_EMULATOR_HOST": "127.0.0.1:1", "STORAGE_EMULATOR_HOST": "http://127.0.0.1:2"},
        [
            ("X_EMULATOR_HOST", "http://127.0.0.1:1"),
            ("STORAGE_EMULATOR_HOST", "http://127.0.0.1:2"),
            ("provider.X.staging_bucket", "gs://ours/staging"),
        ],
    ),
]


@pytest.mark.parametrize("name", ["automl", "vertex"])
@pytest.mark.parametrize(("settings", "environ", "expected"), CASES)
def test_what_is_not_googles_own_is_told(
    account: Google,
    tmp_path: Path,
    name: str,
    settings: dict[str, str],
    environ: dict[str, str],
    expected: list[tuple[str, str]],
) -> None:
    assert account
    environ = {key.replace("X_", f"{name.upper()}_", 1): each for key, each in environ.items()}
    if settings.get("location") == "eu" and name == "vertex":
        settings = {"location": "europe-west4"}
    provider = open_provider(name, {"project": "p", **settings}, tmp_path, environ)
    told = [(contact.written, contact.target) for contact in provider.contacts]
    provider.close()
    written = [(w.replace("X_", f"{name.upper()}_", 1), target) for w, target in expected]
    assert told == [(w.replace(".X.", f".{name}."), target) for w, target in written]

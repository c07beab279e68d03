"""What GitHub tells a workflow's step in its environment."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from automl_plan.errors import UsageError

_LARGEST = 32 * 1024 * 1024
"""Bytes of an event file that are read."""
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


class Run(Struct, frozen=True):
    """Where a workflow runs; None where it does not say."""

    api_url: str
    repository: str | None
    number: int | None
    """Of the pull request."""
    commit: str | None
    """That was pushed; what is checked out may be its merge with the target."""


def run_of(environ: Mapping[str, str]) -> Run:
    """Read it. Raises UsageError for an event file that can't be read."""
    event = _event(environ.get("GITHUB_EVENT_PATH"))
    pull_request = _mapping(event.get("pull_request"))
    numbers = (
        pull_request.get("number"),
        _mapping(event.get("issue")).get("number"),
        event.get("number"),
        _of_ref(environ.get("GITHUB_REF", "")),
    )
    number = next((n for n in numbers if isinstance(n, int) and n > 0), None)
    commit = _mapping(pull_request.get("head")).get("sha")
    told = isinstance(commit, str) and _COMMIT.fullmatch(commit)
    return Run(
        environ.get("GITHUB_API_URL") or "https://api.github.com",
        environ.get("GITHUB_REPOSITORY") or None,
        number,
        commit if told else None,
    )


def _event(path: str | None) -> dict[str, Any]:
    if not path:
        return {}
    try:
        with Path(path).open("rb") as file:
            return _mapping(json.loads(file.read(_LARGEST)))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"GITHUB_EVENT_PATH {path} can't be read.", hint="Give --repo and --pull-request."
        ) from error


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _of_ref(ref: str) -> int | None:
    match = re.fullmatch(r"refs/pull/([0-9]+)/(?:merge|head)", ref)
    return int(match[1]) if match else None

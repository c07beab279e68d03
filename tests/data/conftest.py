"""Fixtures of the providers: a server that does as it is told, an environment without Google."""

from __future__ import annotations

from tests.providers.conftest import _no_google, service

__all__ = ["_no_google", "service"]

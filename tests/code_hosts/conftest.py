"""A service that behaves like GitHub's comments API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.code_hosts.fake_github import FakeGitHub, serving


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with serving() as found:
        yield found

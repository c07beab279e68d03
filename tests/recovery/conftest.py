"""Fixtures: a project whose embedded service is taken down again."""

from tests.project import project

__all__ = ["project"]

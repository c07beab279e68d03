"""A project on the embedded service, for tests that look at what lives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from automl_plan.providers.local import process
from tests.execution.project import Project

DATASET = {"image_classification": {"classification_type": "MULTICLASS"}, "sources": ["d.csv"]}
MODEL = {
    "dataset": "digits",
    "image_classification": {"train_budget_milli_node_hours": 8000},
    "deploy": {"node_count": 1},
}


@pytest.fixture
def project(tmp_path: Path, api: str) -> Iterator[Project]:
    """A project that declares one dataset with data, and one deployed model."""
    project = Project(tmp_path, api=api)
    project.write_data("d.csv", {"cat": 8, "dog": 8})
    project.write({"digits": DATASET}, {"digits": MODEL})
    yield project
    process.stop(tmp_path / ".automl-plan" / "emulator")

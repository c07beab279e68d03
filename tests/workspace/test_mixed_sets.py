"""Images of which only some have a set: known before anything is made or paid for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from automl_plan.errors import ConfigurationError
from automl_plan.model.address import dataset_address
from automl_plan.planning.options import PlanMode, PlanOptions
from tests.project import DATASET, MODEL, Project


@pytest.fixture
def mixed(project: Project) -> Project:
    """The project, with every third image in no set."""
    path = project.directory / "d.csv"
    rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
    rows = [row.partition(",")[2] if n % 3 == 0 else row for n, row in enumerate(rows)]
    path.write_text("".join(rows), encoding="utf-8")
    return project


def declare(project: Project, **more: Any) -> None:
    """A key on each line."""
    project.write({"digits": DATASET}, {"digits": {**MODEL, **more}})
    path = project.directory / "automl-plan.yaml"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")), indent=1))


@pytest.mark.parametrize("api", ["vertex"], indirect=True)
def test_a_training_that_can_not_be_done_is_refused_by_the_plan(mixed: Project) -> None:
    declare(mixed)
    lines = (mixed.directory / "automl-plan.yaml").read_text(encoding="utf-8").splitlines()
    with pytest.raises(ConfigurationError) as caught:
        mixed.apply()
    (told,) = caught.value.diagnostics
    assert (told.file, told.rule) == ("automl-plan.yaml", "mixed-sets")
    assert told.line == max(n for n, line in enumerate(lines, 1) if '"digits": {' in line)
    assert told.message.startswith("10 of the 16 images of dataset.digits have a set")
    assert "vertex: {split: drawn}" in (told.hint or "")
    with mixed.workspace() as workspace:
        assert workspace.provider.datasets() == []

    declare(mixed, vertex={"disable_early_stopping": True})
    with pytest.raises(ConfigurationError) as caught:
        mixed.plan()
    lines = (mixed.directory / "automl-plan.yaml").read_text(encoding="utf-8").splitlines()
    assert "vertex" in lines[caught.value.diagnostics[0].line - 1]


@pytest.mark.parametrize("api", ["vertex"], indirect=True)
def test_what_trains_nothing_is_not_refused(mixed: Project) -> None:
    declare(mixed)
    only_data = PlanOptions(targets=frozenset({dataset_address("digits")}))
    assert not mixed.apply(only_data).failed
    assert mixed.plan(PlanOptions(mode=PlanMode.REFRESH_ONLY)).empty
    assert not mixed.apply(PlanOptions(mode=PlanMode.DESTROY)).failed


def test_the_model_can_say_what_becomes_of_them(mixed: Project) -> None:
    """Where AutoML trains, which keeps the one and draws the other, nothing has to be said."""
    declare(mixed, **({"vertex": {"split": "drawn"}} if mixed.api == "vertex" else {}))
    assert not mixed.apply().failed
    assert mixed.plan().empty

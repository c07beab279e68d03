"""The rows of an import are kept as they were imported, and for as long as they are there."""

from __future__ import annotations

from automl_plan.model.address import dataset_address
from automl_plan.planning.options import PlanMode, PlanOptions
from tests.project import DATASET, MODEL, Project

ADDRESS = dataset_address("digits")


def kept(project: Project) -> list[tuple[str, str, tuple[str, ...]]]:
    """The rows of the one dataset, without digests."""
    with project.workspace() as workspace:
        current = workspace.store.read().resources[ADDRESS].current
        assert current is not None
        rows = workspace.store.manifests.rows(current.id, str(current.attributes["data"]))
        return [(r.use, r.image, r.labels) for r in rows]


def test_the_rows_of_an_import_are_kept(project: Project) -> None:
    project.apply()
    rows = kept(project)
    assert len(rows) == 16
    assert rows[0] == ("TRAIN", "images/cat-0.png", ("cat",))
    project.apply()
    assert kept(project) == rows


def test_another_dataset_another_manifest(project: Project) -> None:
    project.apply()
    project.write_data("d.csv", {"cat": 8, "dog": 9})
    project.apply()
    assert len(kept(project)) == 17
    assert len(list((project.directory / "state.json.manifests").iterdir())) == 1


def test_what_is_appended_is_in_the_manifest(project: Project) -> None:
    project.write({"digits": {**DATASET, "on_source_change": "append"}}, {"digits": MODEL})
    project.apply()
    project.write_data("d.csv", {"cat": 8, "dog": 9})
    project.apply()
    assert len(kept(project)) == 17
    assert len(list((project.directory / "state.json.manifests").iterdir())) == 1


def test_nothing_is_kept_of_what_is_deleted(project: Project) -> None:
    project.apply()
    project.apply(PlanOptions(mode=PlanMode.DESTROY))
    assert not (project.directory / "state.json.manifests").exists()

"""What lives and what is recorded, joined, against the embedded service."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from automl_plan.errors import UsageError
from automl_plan.execution.poller import wait_for_operation
from automl_plan.model.address import dataset_address, model_address
from automl_plan.model.desired import DesiredDataset
from automl_plan.model.live import Operation, OperationKind
from automl_plan.model.model_types import Problem
from automl_plan.model.ownership import Claim
from automl_plan.model.source_data import SourceData
from automl_plan.state.document import State
from automl_plan.workspace.inventory import (
    DatasetRow,
    describe_dataset,
    list_datasets,
    model_rows,
    overall_evaluations,
)
from automl_plan.workspace.operations import list_operations
from tests.project import DATASET, MODEL, Project


def unmanaged(name: str) -> DesiredDataset:
    return DesiredDataset(dataset_address(name), name, Problem.IMAGE_OBJECT_DETECTION, None)


def datasets(project: Project) -> dict[str, DatasetRow]:
    with project.workspace() as workspace:
        rows = list_datasets(workspace.provider, workspace.store.read().recorded())
        for row in rows:
            known = workspace.store.read().recorded()
            assert describe_dataset(workspace.provider, known, row.live) == row
    return {row.live.display_name: row for row in rows}


def operations(
    project: Project,
    *,
    done: bool | None = None,
    works_on: str | None = None,
    operation_id: str | None = None,
) -> list[Operation]:
    with project.workspace() as workspace:
        return list_operations(
            workspace.provider,
            workspace.store.read().resources,
            done=done,
            works_on=works_on,
            operation_id=operation_id,
        )


def test_datasets_managed_and_not(project: Project) -> None:
    project.apply()
    with project.workspace() as workspace:
        made = workspace.provider.create_dataset(unmanaged("boxes"), {})
        wait_for_operation(workspace.provider, made.id)
    rows = datasets(project)
    digits, boxes = rows["digits"], rows["boxes"]
    assert (digits.address, digits.current) == (dataset_address("digits"), True)
    assert (digits.live.example_count, digits.labelled_images) == (16, 16)
    assert digits.status == "Success: Training model"
    assert (boxes.address, boxes.current, boxes.labelled_images) == (None, False, None)
    assert boxes.status == "Success: Creating dataset"
    assert boxes.updated is not None
    assert boxes.live.create_time is not None
    assert boxes.updated >= boxes.live.create_time


def test_status_of_imports(project: Project) -> None:
    project.write({"digits": DATASET}, {})
    project.apply()
    assert datasets(project)["digits"].status == "Success: Importing images"
    rows = (project.directory / "d.csv").read_text(encoding="utf-8")
    (project.directory / "some.csv").write_text(rows + "TRAIN,images/no.png,cat\n")
    (project.directory / "none.csv").write_text("TRAIN,images/no.png,no such label!\n")
    with project.workspace() as workspace:
        (dataset,) = workspace.provider.datasets()
        for csv, status in (("some.csv", "Warning: Importing images"), ("none.csv", "Error: ")):
            (declared,) = workspace.configuration.desired.datasets.values()
            other = replace(declared, sources=(csv,))
            data = SourceData("v1:0", 1, 1)
            ended = workspace.provider.import_data(other, dataset.id, (csv,), data)
            wait_for_operation(workspace.provider, ended.id)
            row = describe_dataset(workspace.provider, workspace.store.read().recorded(), dataset)
            assert row.status.startswith(status)


def test_what_runs_is_shown_so(project: Project) -> None:
    project.time_scale = 1.0
    project.write({"digits": DATASET}, {"digits": MODEL})
    project.apply(detach=True)
    with project.workspace() as workspace:
        for importing in workspace.provider.active_operations():
            if importing.kind is OperationKind.IMPORT_DATA:
                wait_for_operation(workspace.provider, importing.id)
    project.apply(detach=True)
    assert datasets(project)["digits"].status == "Running: Training model"
    (running,) = operations(project, done=False)
    assert running.kind is OperationKind.CREATE_MODEL
    assert operations(project, works_on="dataset.digits")[0] == running
    assert operations(project, works_on="model.digits") == [running]
    assert operations(project, works_on="model.digits", done=True) == []
    with pytest.raises(UsageError, match=r"no dataset or model model\.others"):
        operations(project, works_on="model.others")
    with project.workspace() as workspace:
        workspace.provider.cancel(running.id)
        wait_for_operation(workspace.provider, running.id)
    assert datasets(project)["digits"].status.startswith("Error: ")


def test_models_managed_and_not(project: Project) -> None:
    project.apply()
    state = project.state()
    with project.workspace() as workspace:
        models = workspace.provider.models()
        (row,) = model_rows(models, state.recorded())
        (lost,) = model_rows(models, replace(state.recorded(), resources={}))
        (others,) = model_rows(models, State().recorded())
        found = overall_evaluations(
            workspace.provider, state.resources, [model_address("digits"), model_address("none")]
        )
    assert (row.address, row.current) == (model_address("digits"), True)
    assert row.dataset == dataset_address("digits")
    for stranger, claim in ((lost, Claim.THIS_STATE), (others, Claim.OTHER_STATE)):
        assert (stranger.address, stranger.current, stranger.dataset) == (None, False, None)
        assert stranger.ownership.claim is claim
    ((address, evaluation),) = found
    assert address == model_address("digits")
    assert evaluation.label is None
    assert evaluation.au_prc is not None


def test_operations_by_what_they_work_on(project: Project) -> None:
    project.apply()
    everything = operations(project)
    assert [o.create_time or "" for o in everything] == sorted(
        (o.create_time or "" for o in everything), reverse=True
    )
    # Vertex AI deploys at an endpoint, which is made first.
    assert {o.kind for o in everything} - {OperationKind.CREATE_ENDPOINT} == {
        OperationKind.CREATE_DATASET,
        OperationKind.IMPORT_DATA,
        OperationKind.CREATE_MODEL,
        OperationKind.DEPLOY_MODEL,
    }
    assert not operations(project, done=False)
    on_model = operations(project, works_on="model.digits", done=True)
    assert OperationKind.DEPLOY_MODEL in {o.kind for o in on_model}
    assert OperationKind.IMPORT_DATA not in {o.kind for o in on_model}
    on_dataset = operations(project, works_on="dataset.digits")
    assert OperationKind.IMPORT_DATA in {o.kind for o in on_dataset}

    one = on_model[0]
    assert operations(project, operation_id=one.id) == [one]
    assert operations(project, operation_id=one.id, done=False) == []
    assert operations(project, operation_id=one.id, works_on="model.digits") == [one]
    imported = next(o for o in on_dataset if o.kind is OperationKind.IMPORT_DATA)
    assert operations(project, operation_id=imported.id, works_on="model.digits") == []
    assert operations(project, operation_id="ICN0") == []


def test_a_name_of_a_dataset_and_a_model_is_not_guessed(project: Project) -> None:
    project.apply()
    with pytest.raises(UsageError, match=r"digits may mean the dataset .* or the model "):
        operations(project, works_on="digits")
    with pytest.raises(UsageError, match="no dataset or model nothing"):
        operations(project, works_on="nothing")

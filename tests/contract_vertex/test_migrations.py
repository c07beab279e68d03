"""migratableResources.*, driven by Google's generated clients for both services."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import automl_v1

from tests.contract.conftest import Judge as AutomlJudge
from tests.contract_vertex.conftest import PARENT, Judge, number


@pytest.fixture
def early(judge: Judge) -> AutomlJudge:
    """What makes objects at AutoML, of the same emulator."""
    return AutomlJudge(judge.emulator, judge.automl, None, None, judge.http)


def search(judge: Judge, query: str = "", **rest: Any) -> list[Any]:
    """What can be migrated."""
    request = {"parent": PARENT, "filter": query, **rest}
    return list(judge.migrations.search_migratable_resources(request=request))


def of_dataset(dataset: Any, name: str = "copy") -> dict[str, object]:
    """The wish to migrate a dataset."""
    config = {"dataset": dataset.name, "dataset_display_name": name}
    return {"migrate_automl_dataset_config": config}


def of_model(model: Any, name: str = "copy") -> dict[str, object]:
    """The wish to migrate a model."""
    config = {"model": model.name, "model_display_name": name}
    return {"migrate_automl_model_config": config}


def migrate(judge: Judge, *wishes: dict[str, object]) -> Any:
    """Migrate; the finished operation."""
    operation = judge.migrations.batch_migrate_resources(
        parent=PARENT, migrate_resource_requests=list(wishes)
    )
    judge.result(operation)
    return operation


def test_search_finds_what_automl_has(judge: Judge, early: AutomlJudge) -> None:
    dataset = early.dataset("roses")
    model = early.model(dataset, "roses_m")
    [found] = [each for each in search(judge) if each.automl_dataset.dataset == dataset.name]
    assert found.automl_dataset.dataset_display_name == "roses"
    assert found.last_update_time
    assert "last_migrate_time" not in found
    [found] = [each for each in search(judge) if each.automl_model.model == model.name]
    assert found.automl_model.model_display_name == "roses_m"
    assert search(judge, page_size=1) == search(judge)
    url = "projects/other/locations/us-central1/migratableResources:search"
    assert judge.post(url, {}).json() == {}


def test_search_filters(judge: Judge, early: AutomlJudge) -> None:
    dataset = early.dataset("roses")
    model = early.model(dataset, "roses_m")
    mine = {dataset.name: "dataset", model.name: "model"}

    def names(query: str) -> set[str]:
        found = search(judge, query)
        all_names = (each.automl_dataset.dataset or each.automl_model.model for each in found)
        return {mine[name] for name in all_names if name in mine}

    assert names("automl_model:*") == {"model"}
    assert names("automl_dataset:*") == {"dataset"}
    assert names("ml_engine_model_version:*") == set()
    assert names("last_migrate_time:*") == set()
    migrate(judge, of_model(model))
    assert names("last_migrate_time:*") == {"model"}
    assert names("NOT last_migrate_time:*") == {"dataset"}
    with pytest.raises(exceptions.BadRequest, match="filter"):
        names("colour=red")


def test_a_dataset_and_its_model_are_copied(judge: Judge, early: AutomlJudge) -> None:
    dataset = early.dataset("roses")
    model = early.model(dataset, "roses_m")
    operation = migrate(judge, of_model(model, "new model"), of_dataset(dataset, "new dataset"))
    of_the_model, of_the_dataset = operation.result().migrate_resource_responses
    assert of_the_model.migratable_resource.automl_model.model == model.name
    assert of_the_dataset.migratable_resource.automl_dataset.dataset == dataset.name
    results = operation.metadata.partial_results
    assert [each.model or each.dataset for each in results] == [
        of_the_model.model,
        of_the_dataset.dataset,
    ]
    assert results[0].request.migrate_automl_model_config.model == model.name

    copy = judge.models.get_model(name=of_the_model.model)
    assert copy.display_name == "new model"
    assert not copy.deployed_models
    [evaluation] = judge.models.list_model_evaluations(parent=copy.name)
    assert 0 < evaluation.metrics["auPrc"] <= 1
    copied = judge.datasets.get_dataset(name=of_the_dataset.dataset)
    assert (copied.display_name, copied.data_item_count) == ("new dataset", 12)
    [found] = [each for each in search(judge) if each.automl_model.model == model.name]
    assert found.last_migrate_time
    assert judge.automl.get_model(name=model.name) == model


def test_copies_work_as_if_made_here(judge: Judge, early: AutomlJudge) -> None:
    dataset = early.dataset("boxes", detection=True)
    model = early.model(dataset)
    operation = migrate(judge, of_dataset(dataset), of_model(model))
    copied, copy = operation.result().migrate_resource_responses
    again = judge.import_data(copied.dataset, "boxes", "boxes.csv")
    assert len(again.metadata.generic_metadata.partial_failures) == 12
    found = judge.datasets.get_dataset(name=copied.dataset)
    judge.model(found, "boxes")
    endpoint = judge.endpoint()
    judge.deploy(endpoint, judge.models.get_model(name=copy.model))
    served = judge.models.get_model(name=copy.model).deployed_models
    assert [each.endpoint for each in served] == [endpoint.name]


def test_what_fails_fails_alone(judge: Judge, early: AutomlJudge) -> None:
    gone, there = early.dataset(images=False), early.dataset("roses")
    early.result(judge.automl.delete_dataset(name=gone.name))
    operation = migrate(judge, of_dataset(gone), of_dataset(there))
    failed, well = operation.metadata.partial_results
    assert (failed.error.code, failed.dataset) == (5, "")
    assert well.dataset
    [response] = operation.result().migrate_resource_responses
    assert response.dataset == well.dataset


def test_what_batch_migrate_refuses(judge: Judge) -> None:
    stranger = automl_v1.Dataset(name=f"{PARENT}/datasets/1")
    bodies: list[list[dict[str, object]]] = [
        [],
        [{}],
        [of_dataset(stranger)],
        [of_model(stranger)],
        [of_dataset(stranger)] * 51,
        [{"migrate_automl_dataset_config": {"colour": "red"}}],
    ]
    for requests in bodies:
        answer = judge.post(
            f"{PARENT}/migratableResources:batchMigrate", {"migrateResourceRequests": requests}
        )
        assert answer.status_code in (400, 501), requests


def test_each_service_has_its_own(judge: Judge, early: AutomlJudge) -> None:
    """A dataset of one is not to be seen at the other, though they share a location's name."""
    dataset = early.dataset(images=False)
    with pytest.raises(exceptions.NotFound):
        judge.datasets.get_dataset(name=dataset.name)
    with pytest.raises(exceptions.NotFound):
        judge.automl.get_dataset(name=f"{PARENT}/datasets/ICN{number(judge.dataset(None))}")

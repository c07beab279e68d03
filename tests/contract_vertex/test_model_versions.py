"""Versions of models, driven by Google's generated client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.api_core import exceptions

from tests.contract.conftest import LABELS
from tests.contract_vertex.conftest import INPUTS, PARENT, TASKS, Judge, number
from tests.contract_vertex.test_batch_predictions import begin, ended, image, instances
from tests.contract_vertex.test_endpoints import image as octets


def uploaded(name: str, **fields: Any) -> dict[str, Any]:
    return {"display_name": name, **fields}


@pytest.fixture(scope="module")
def family(judges: Callable[[float], Judge]) -> str:
    """The name of a model with two versions; the first is the default one."""
    judge = judges(1_000_000.0)
    dataset = judge.dataset(name="versions")
    first = judge.model(
        dataset,
        name="first",
        model_to_upload=uploaded("of two", labels={"team": "vision"}, version_aliases=["golden"]),
    )
    upload = uploaded(
        "ignored",
        labels={"night": "2"},
        version_aliases=["next"],
        version_description="with more images",
    )
    pipeline = judge.train(dataset, name="second", parent_model=first.name, model_to_upload=upload)
    assert pipeline.parent_model == first.name
    done = judge.ended(pipeline)
    assert done.model_to_upload.name == first.name
    assert done.model_to_upload.version_id == "2"
    name: str = first.name
    return name


def versions(judge: Judge, name: str, **query: Any) -> dict[str, Any]:
    found = judge.models.list_model_versions(request={"name": name, **query})
    return {each.version_id: each for each in found}


def test_a_training_adds_a_version(judge: Judge, family: str) -> None:
    found = versions(judge, family)
    assert list(found) == ["2", "1"]
    first, second = found["1"], found["2"]
    assert (first.name, second.name) == (f"{family}@1", f"{family}@2")
    assert list(first.version_aliases) == ["default", "golden"]
    assert list(second.version_aliases) == ["next"]
    assert first.display_name == second.display_name == "of two"
    assert dict(first.labels) == {"team": "vision"}
    assert dict(second.labels) == {"team": "vision", "night": "2"}
    assert second.version_description == "with more images"
    assert first.create_time == second.create_time == first.version_create_time
    assert second.version_create_time > first.version_create_time
    assert first.training_pipeline != second.training_pipeline
    labelled = versions(judge, family, filter="labels.night=2")
    assert list(labelled) == ["2"]
    pages = judge.models.list_model_versions(request={"name": family, "page_size": 1}).pages
    assert [len(page.models) for page in pages] == [1, 1]


@pytest.mark.parametrize(
    ("named", "version", "shown"),
    [
        ("", "1", ""),
        ("@1", "1", ""),
        ("@default", "1", ""),
        ("@golden", "1", ""),
        ("@2", "2", "@2"),
        ("@next", "2", "@2"),
    ],
)
def test_a_version_is_named_by_number_or_alias(
    judge: Judge, family: str, named: str, version: str, shown: str
) -> None:
    found = judge.models.get_model(name=family + named)
    assert (found.version_id, found.name) == (version, family + shown)
    [evaluation] = judge.models.list_model_evaluations(parent=family + named)
    assert evaluation.name.startswith(f"{family}{shown}/evaluations/")
    assert judge.models.get_model_evaluation(name=evaluation.name) == evaluation
    slices = list(judge.models.list_model_evaluation_slices(parent=evaluation.name))
    assert {each.slice_.value for each in slices} == set(LABELS)


def test_a_list_has_the_default_version_of_each_model(judge: Judge, family: str) -> None:
    request = {"parent": PARENT, "filter": f"model={number_of(family)}"}
    [listed] = judge.models.list_models(request=request)
    assert (listed.name, listed.version_id) == (family, "1")


def number_of(name: str) -> str:
    return name.rpartition("/")[2]


@pytest.mark.parametrize("version", ["3", "other", "0"])
def test_an_unknown_version(judge: Judge, family: str, version: str) -> None:
    with pytest.raises(exceptions.NotFound):
        judge.models.get_model(name=f"{family}@{version}")


def test_a_version_is_deployed_and_predicts(judge: Judge, family: str) -> None:
    endpoint, second = judge.endpoint(), judge.models.get_model(name=f"{family}@next")
    deployed = judge.deploy(endpoint, second)
    [shown] = judge.endpoints.get_endpoint(name=endpoint.name).deployed_models
    assert (shown.model, shown.model_version_id) == (family, "2")
    assert not judge.models.get_model(name=family).deployed_models
    [place] = judge.models.get_model(name=f"{family}@2").deployed_models
    assert place.deployed_model_id == deployed.id
    answer = judge.predictions.predict(endpoint=endpoint.name, instances=[octets()])
    assert (answer.model, answer.model_version_id) == (family, "2")
    with pytest.raises(exceptions.BadRequest, match="deployed"):
        judge.models.delete_model_version(name=f"{family}@2")
    with pytest.raises(exceptions.BadRequest, match="deployed"):
        judge.models.delete_model(name=family)
    judge.result(
        judge.endpoints.undeploy_model(endpoint=endpoint.name, deployed_model_id=deployed.id)
    )


def test_a_version_predicts_a_batch(judge: Judge, family: str) -> None:
    second = judge.models.get_model(name=f"{family}@2")
    found = ended(judge, begin(judge, second, instances(judge, "v.jsonl", image(0))))
    assert (found.model, found.model_version_id) == (f"{family}@2", "2")
    assert found.completion_stats.successful_count == 1


def test_what_belongs_to_a_model_and_what_to_a_version(judge: Judge, family: str) -> None:
    def update(named: str, mask: str, **fields: Any) -> Any:
        model = {"name": family + named, **fields}
        return judge.models.update_model(model=model, update_mask={"paths": mask.split(",")})

    changed = update("", "labels", labels={"team": "sound"})
    assert (changed.name, dict(changed.labels)) == (family, {"team": "sound"})
    changed = update("@2", "labels,version_description", labels={"n": "3"}, version_description="x")
    assert dict(changed.labels) == {"team": "sound", "n": "3"}
    first, second = versions(judge, family)["1"], versions(judge, family)["2"]
    assert dict(first.labels) == {"team": "sound"}
    assert (first.version_description, second.version_description) == ("", "x")
    with pytest.raises(exceptions.BadRequest, match="version"):
        update("@2", "display_name", display_name="other")
    with pytest.raises(exceptions.BadRequest, match="version"):
        update("", "version_description", version_description="y")


def test_aliases_move_between_versions(judge: Judge) -> None:
    dataset = judge.dataset(name="aliases")
    first = judge.model(dataset, name="aliases")
    upload = uploaded("aliases", version_aliases=["default", "best"])
    judge.ended(judge.train(dataset, parent_model=first.name, model_to_upload=upload))
    assert judge.models.get_model(name=first.name).version_id == "2"

    def merge(version: str, *aliases: str) -> dict[str, list[str]]:
        name = f"{first.name}@{version}"
        changed = judge.models.merge_version_aliases(name=name, version_aliases=aliases)
        assert changed.name.partition("@")[0] == first.name
        return {k: list(v.version_aliases) for k, v in versions(judge, first.name).items()}

    assert merge("1", "best", "old") == {"1": ["best", "old"], "2": ["default"]}
    assert merge("old", "default", "-best") == {"1": ["default", "old"], "2": []}
    assert judge.models.get_model(name=first.name).version_id == "1"
    with pytest.raises(exceptions.BadRequest, match="default"):
        merge("1", "-default")
    for wrong in ("Best", "1", "b_", ""):
        with pytest.raises(exceptions.BadRequest):
            merge("1", wrong)
    with pytest.raises(exceptions.BadRequest, match="must name a version"):
        judge.models.merge_version_aliases(name=first.name, version_aliases=["x1"])


def test_a_version_is_deleted_and_its_number_is_not_used_again(judge: Judge) -> None:
    dataset = judge.dataset(name="deleted")
    first = judge.model(dataset, name="deleted")
    with pytest.raises(exceptions.BadRequest, match="only version"):
        judge.models.delete_model_version(name=f"{first.name}@1")

    def train() -> None:
        upload = uploaded("deleted")
        judge.ended(judge.train(dataset, parent_model=first.name, model_to_upload=upload))

    train()
    with pytest.raises(exceptions.BadRequest, match="default version"):
        judge.models.delete_model_version(name=f"{first.name}@1")
    judge.result(judge.models.delete_model_version(name=f"{first.name}@2"))
    with pytest.raises(exceptions.NotFound):
        judge.models.get_model(name=f"{first.name}@2")
    train()
    assert set(versions(judge, first.name)) == {"1", "3"}
    judge.result(judge.models.delete_model(name=first.name))
    for version in ("", "@1", "@3"):
        with pytest.raises(exceptions.NotFound):
            judge.models.get_model(name=first.name + version)


def test_an_id_can_be_chosen_and_belongs_to_one(judge: Judge) -> None:
    dataset = judge.dataset(name="chosen")
    pipeline = judge.ended(judge.train(dataset, name="chosen", model_id="my-model_1"))
    assert pipeline.model_to_upload.name.endswith("/models/my-model_1")
    assert pipeline.model_id == "my-model_1"
    model = judge.models.get_model(name=pipeline.model_to_upload.name)
    request = {"parent": PARENT, "filter": "model=my-model_1"}
    assert [each.name for each in judge.models.list_models(request=request)] == [model.name]
    [evaluation] = judge.models.list_model_evaluations(parent=model.name)
    assert evaluation.name.startswith(f"{model.name}/evaluations/")
    with pytest.raises(exceptions.Conflict):
        judge.train(dataset, name="again", model_id="my-model_1")
    operation = judge.models.delete_model(name=model.name)
    assert operation.operation.name.startswith(f"{model.name}/operations/")
    judge.result(operation)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"modelId": "1abc"}, 400),
        ({"modelId": "-a"}, 400),
        ({"modelId": "A"}, 400),
        ({"modelId": "a" * 64}, 400),
        ({"parentModel": "models/1"}, 400),
        ({"parentModel": f"{PARENT}/models/1"}, 404),
        ({"parentModel": f"{PARENT}/models/1", "modelId": "abc"}, 400),
        ({"modelToUpload": {"displayName": "x", "versionAliases": ["1"]}}, 400),
    ],
)
def test_ids_and_parents_that_are_refused(
    judge: Judge, fields: dict[str, object], status: int
) -> None:
    body = {
        "displayName": "x",
        "inputDataConfig": {"datasetId": number(judge.dataset(name="refused"))},
        "trainingTaskDefinition": TASKS["single"],
        "trainingTaskInputs": INPUTS["single"],
        "modelToUpload": {"displayName": "x"},
        **fields,
    }
    answer = judge.post(f"{PARENT}/trainingPipelines", body)
    assert answer.status_code == status, answer.text

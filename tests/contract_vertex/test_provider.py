"""Our own provider, recorded on its way to the emulator: the document judges what it says, too.

That is done when a test ends, by the fixture that the judge of the generated clients comes from.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from google.cloud import aiplatform_v1

from automl_plan.model.address import ResourceKind, dataset_address
from automl_plan.model.live import TOKEN_LABEL
from automl_plan.planning.options import PlanMode, PlanOptions
from tests.contract.conftest import LABELS
from tests.contract_vertex.conftest import Judge, number
from tests.contract_vertex.discovery import DiscoveryJudge
from tests.contract_vertex.recorder import PREFIX
from tests.project import Project

FLOWERS = {
    "image_classification": {"classification_type": "MULTICLASS"},
    "sources": ["gs://bucket/flowers.csv"],
}
MODEL = {
    "dataset": "flowers",
    "image_classification": {"train_budget_milli_node_hours": 8000},
    "deploy": {"node_count": 1},
}
CARS = {"image_object_detection": {}, "sources": ["gs://bucket/boxes.csv"]}
BOXES = {
    "dataset": "cars",
    "image_object_detection": {"train_budget_milli_node_hours": 20_000},
}


class VertexProject(Project):
    """A configuration directory whose objects live at Vertex AI, as far as it can tell."""

    def __init__(self, directory: Path, judge: Judge) -> None:
        super().__init__(directory)
        self._settings = {
            "project": f"project-{crc32(str(directory).encode())}",  # of each test its own
            "location": "us-central1",
            "endpoint": f"{judge.recorder.url}{PREFIX}",
        }

    @property
    def parent(self) -> str:
        """What all names begin with."""
        return "projects/{project}/locations/{location}".format(**self._settings)

    def provider(self) -> dict[str, Any]:
        """Vertex AI, through what records."""
        return {"vertex": self._settings}

    def applied(self, options: PlanOptions | None = None) -> list[str]:
        """Apply; what was done. Afterwards there is nothing to do any more."""
        result = self.apply(options)
        assert not result.failed
        assert self.plan(options).empty
        return [f"{change.address} {change.action}" for change in result.done]


@pytest.fixture
def project(judge: Judge, tmp_path: Path) -> VertexProject:
    """A project on the emulator whose trainings take milliseconds."""
    return VertexProject(tmp_path, judge)


@pytest.fixture
def slow_project(slow_judge: Judge, tmp_path: Path) -> VertexProject:
    """A project on the emulator whose trainings take hours."""
    return VertexProject(tmp_path, slow_judge)


def test_the_life_of_a_model(
    project: VertexProject, judge: Judge, document: DiscoveryJudge
) -> None:
    project.write({"flowers": FLOWERS}, {"flowers": MODEL})
    assert project.applied() == [
        "dataset.flowers create",
        "dataset.flowers import-data",
        "model.flowers train",
        "model.flowers deploy",
    ]
    renamed = {"display_name": "roses", "description": "of my garden", "labels": {"team": "v"}}
    model = {**MODEL, "display_name": "roses", "labels": {"team": "v"}}
    project.write({"flowers": {**FLOWERS, **renamed}}, {"flowers": model})
    assert set(project.applied()) == {"dataset.flowers update", "model.flowers update"}

    model = {**model, "deploy": {"node_count": 2}}
    project.write({"flowers": {**FLOWERS, **renamed}}, {"flowers": model})
    assert project.applied() == ["model.flowers deploy"]

    other = {
        **model,
        "image_classification": {"train_budget_milli_node_hours": 9000},
        "lifecycle": {"keep_versions": 0},
    }
    project.write({"flowers": {**FLOWERS, **renamed}}, {"flowers": other})
    assert project.applied() == [
        "model.flowers retrain",
        "model.flowers deploy",
        "model.flowers undeploy",
        "model.flowers delete",
    ]
    assert [each.display_name for each in judge.models.list_models(parent=project.parent)] == [
        "roses"
    ]
    assert project.applied(PlanOptions(mode=PlanMode.DESTROY, allow_large_change=True)) == [
        "model.flowers undeploy",
        "model.flowers delete",
        "dataset.flowers delete",
    ]
    kept = (judge.datasets.list_datasets, judge.models.list_models, judge.endpoints.list_endpoints)
    assert [list(each(parent=project.parent)) for each in kept] == [[], [], []]

    exchanges = judge.recorder.take()
    assert [each for said in exchanges for each in document.findings(said)] == []
    assert {document.method_of(said) for said in exchanges} >= {
        *("datasets.create", "datasets.get", "datasets.list", "datasets.patch", "datasets.delete"),
        *("datasets.import", "datasets.operations.get"),
        *("trainingPipelines.create", "trainingPipelines.get", "trainingPipelines.list"),
        *("models.get", "models.list", "models.patch", "models.delete", "models.operations.get"),
        *("endpoints.create", "endpoints.get", "endpoints.list", "endpoints.delete"),
        *("endpoints.deployModel", "endpoints.undeployModel", "endpoints.operations.get"),
    }


@pytest.mark.parametrize("kind", ["MULTICLASS", "MULTILABEL", "boxes"])
def test_each_kind_of_dataset_and_model(project: VertexProject, kind: str) -> None:
    dataset, model = CARS, BOXES
    if kind != "boxes":
        dataset = {**FLOWERS, "image_classification": {"classification_type": kind}}
        model = {**MODEL, "dataset": "cars"}
    project.write({"cars": dataset}, {"cars": model})
    assert "model.cars train" in project.applied()
    with project.workspace() as workspace:
        live = workspace.provider.live()
        [found] = [each for each in live.models.values() if each.display_name == "cars"]
        first, *slices = workspace.provider.evaluations(found.id)
    assert live.datasets[found.dataset_id].example_count == 12
    assert first.label is None
    assert {each.label for each in slices} <= set(LABELS)
    assert first.thresholds


@pytest.mark.parametrize(
    ("training", "split"),
    [
        ({"split": "drawn"}, None),
        ({"split": {"training": 0.5, "validation": 0.25, "test": 0.25}}, "fractionSplit"),
        ({"split": "assigned", "disable_early_stopping": True}, "filterSplit"),
    ],
)
def test_what_only_vertex_can_train(
    project: VertexProject,
    judge: Judge,
    document: DiscoveryJudge,
    training: dict[str, Any],
    split: str | None,
) -> None:
    model = {key: value for key, value in MODEL.items() if key != "deploy"}
    project.write({"flowers": FLOWERS}, {"flowers": {**model, "vertex": training}})
    project.applied()
    exchanges = judge.recorder.take()
    assert [each for said in exchanges for each in document.findings(said)] == []
    [sent] = [
        json.loads(said.body)
        for said in exchanges
        if document.method_of(said) == "trainingPipelines.create"
    ]
    data = {"datasetId", "savedQueryId", *([split] if split else [])}
    assert set(sent["inputDataConfig"]) == data


def test_operations_and_the_end_of_a_training(
    slow_project: VertexProject, slow_judge: Judge
) -> None:
    slow_project.write({"flowers": FLOWERS}, {"flowers": MODEL})
    slow_project.apply(PlanOptions(targets=frozenset({dataset_address("flowers")})))
    result = slow_project.apply(detach=True)
    assert [str(change.action) for change in result.running] == ["train"]
    with slow_project.workspace() as workspace:
        provider = workspace.provider
        [dataset] = provider.datasets()
        about = (ResourceKind.DATASET, dataset.id)
        [training] = provider.operations(done=False, works_on=about)
        assert training.id in {each.id for each in provider.operations()}
        assert len(provider.operations(done=True, works_on=about)) == 2
        found = provider.find_trainings(training.labels[TOKEN_LABEL])
        assert found == [provider.operation(training.id)]
        provider.cancel(training.id)
        name = f"{slow_project.parent}/{training.id}"
        slow_judge.ended(aiplatform_v1.TrainingPipeline(name=name))
        ended = provider.operation(training.id)
        assert ended.error is not None
        assert ended.error.code == 1


def test_what_is_not_there(project: VertexProject, judge: Judge) -> None:
    project.write({"flowers": FLOWERS}, {})
    project.applied()
    with project.workspace() as workspace:
        provider = workspace.provider
        gone = "1234567890123456789"
        assert provider.delete(ResourceKind.MODEL, gone) is None
        assert provider.delete(ResourceKind.DATASET, gone) is None
        assert provider.find_trainings("none") == []
    assert judge.recorder.take()


def versioned(judge: Judge, project: VertexProject, *aliases: str) -> tuple[str, str]:
    """Let someone else train a version into the only model, from data of their own; both ids."""
    [ours] = judge.models.list_models(parent=project.parent)
    name = f"{ours.name.partition('@')[0]}"
    theirs = judge.dataset(name="theirs", parent=project.parent)
    upload = {"display_name": "x", "labels": {"team": "sound"}, "version_aliases": aliases}
    pipeline = judge.train(theirs, parent=project.parent, parent_model=name, model_to_upload=upload)
    made = judge.ended(pipeline).model_to_upload
    model = name.rpartition("/")[2]
    return model, f"{model}@{made.version_id}"


@pytest.mark.parametrize("aliases", [(), ("default",)], ids=["other", "default"])
def test_versions_of_others_are_not_taken_for_ours(
    project: VertexProject, judge: Judge, aliases: tuple[str, ...]
) -> None:
    project.write({"flowers": FLOWERS}, {"flowers": MODEL})
    project.applied()
    with project.workspace() as workspace:
        before = workspace.provider.live()
        [ours] = before.models.values()
        evaluations = workspace.provider.evaluations(ours.id)
    model, theirs = versioned(judge, project, *aliases)
    assert model == ours.id
    endpoint = judge.endpoint(parent=project.parent)
    judge.deploy(endpoint, judge.models.get_model(name=f"{project.parent}/models/{theirs}"))

    assert project.plan().empty
    with project.workspace() as workspace:
        provider = workspace.provider
        live = provider.live()
        assert set(live.models) == {model, theirs}
        found, foreign = live.models[model], live.models[theirs]
        assert found == provider.model(model)
        assert (found.dataset_id, found.labels) == (ours.dataset_id, ours.labels)
        assert (found.endpoint, found.foreign_deployments) == (ours.endpoint, {})
        assert provider.evaluations(model) == evaluations
        assert foreign == provider.model(theirs)
        assert foreign.dataset_id not in ("", ours.dataset_id)
        assert foreign.labels == {"team": "sound"}
        assert [each.id for each in foreign.endpoints] == [number(endpoint)]
        assert provider.evaluations(theirs)[0].id != evaluations[0].id
        made = {each.result_id for each in provider.operations() if each.result_id in live.models}
        assert made == {model, theirs}

    destroyed = project.apply(PlanOptions(mode=PlanMode.DESTROY, allow_large_change=True))
    if aliases:
        assert not destroyed.failed
        left = {"2"}
    else:  # the service keeps the default version
        [failure] = destroyed.failed
        assert "is the default version of a model that has others" in str(failure.error)
        left = {"1", "2"}
    name = f"{project.parent}/models/{model}"
    versions = list(judge.models.list_model_versions(name=name))
    assert {each.version_id for each in versions} == left
    [serving] = judge.endpoints.list_endpoints(parent=project.parent)
    assert (serving.name, serving.deployed_models[0].model_version_id) == (endpoint.name, "2")

"""The provider `local` from end to end: a service started by itself, and all of the protocol."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from automl_plan.data.sources import SourceReader
from automl_plan.errors import FailedPrecondition, NotFound, UsageError
from automl_plan.model.address import ResourceKind, dataset_address, model_address
from automl_plan.model.desired import DesiredDataset, DesiredModel
from automl_plan.model.json import Json
from automl_plan.model.live import Operation, OperationKind, user_labels
from automl_plan.model.model_types import ClassificationType, Problem
from automl_plan.model.source_data import SourceData
from automl_plan.providers.local import process
from automl_plan.providers.protocol import Provider
from automl_plan.providers.registry import open_provider

DATASET, MODEL = ResourceKind.DATASET, ResourceKind.MODEL
OWN = {"automl-plan-token": "t0k3n"}
FAST: dict[str, Json] = {"trainer": "simulated", "time_scale": 36_000_000.0}
SLOW: dict[str, Json] = {"trainer": "simulated", "time_scale": 1.0}


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """Twenty labelled images."""
    rows = []
    for number in range(20):
        (tmp_path / f"{number}.png").write_bytes(b"image %d" % number)
        use = ("TRAIN", "TRAIN", "TRAIN", "VALIDATION", "TEST")[number // 2 % 5]
        rows.append(f"{use},{number}.png,{('dark', 'light')[number % 2]}\n")
    (tmp_path / "d.csv").write_text("".join(rows))
    yield tmp_path
    process.stop(tmp_path / ".automl-plan" / "emulator")


@pytest.fixture
def provider(directory: Path, api: str) -> Iterator[Provider]:
    made = open_provider("local", {**FAST, "api": api}, directory, {})
    yield made
    made.close()


def wait(provider: Provider, operation: Operation | None) -> Operation:
    assert operation is not None
    deadline = time.monotonic() + 20
    while not operation.done and time.monotonic() < deadline:
        time.sleep(0.01)
        operation = provider.operation(operation.id)
    assert operation.done
    return operation


def all_steps(provider: Provider, step: Callable[[], Operation | None]) -> list[OperationKind]:
    """Take each step of what may have several to its end; what they were."""
    kinds = []
    while (operation := step()) is not None:
        ended = wait(provider, operation)
        assert ended.error is None
        kinds.append(ended.kind)
        if not ended.has_next_step:
            break
    return kinds


SHADES = DesiredDataset(
    address=dataset_address("d"),
    display_name="shades",
    problem=Problem.IMAGE_CLASSIFICATION,
    classification_type=ClassificationType.MULTICLASS,
    description="dark and light",
    labels={"team": "v"},
    sources=("d.csv",),
)
DATA = SourceData("v1:0", 20, 20)


def made_dataset(provider: Provider) -> str:
    done = wait(provider, provider.create_dataset(SHADES, OWN))
    assert done.kind is OperationKind.CREATE_DATASET
    assert done.result_id is not None
    imported = wait(provider, provider.import_data(SHADES, done.result_id, SHADES.sources, DATA))
    assert (imported.kind, imported.error) == (OperationKind.IMPORT_DATA, None)
    assert imported.partial_failures == ()
    return done.result_id


def training(provider: Provider, dataset_id: str) -> Operation:
    desired = DesiredModel(
        address=model_address("m"),
        display_name="shades",
        dataset=dataset_address("d"),
        problem=Problem.IMAGE_CLASSIFICATION,
        model_type="cloud",
        train_budget_milli_node_hours=8000,
    )
    return provider.train(desired, SHADES, dataset_id, OWN)


def test_identity(provider: Provider, directory: Path, api: str) -> None:
    name = "local-vertex" if api == "vertex" else "local"
    assert provider.identity == f"{name}:projects/local/locations/us-central1"
    assert process.status(directory / ".automl-plan" / "emulator") is not None


def test_the_life_of_a_dataset_and_a_model(provider: Provider) -> None:
    dataset_id = made_dataset(provider)
    dataset = provider.dataset(dataset_id)
    assert (dataset.display_name, dataset.description) == ("shades", "dark and light")
    assert user_labels(dataset.labels) == {"team": "v"}
    assert OWN.items() <= dataset.labels.items()
    assert dataset.classification_type is ClassificationType.MULTICLASS
    assert dataset.example_count == 20

    trained = wait(provider, training(provider, dataset_id))
    assert trained.kind is OperationKind.CREATE_MODEL
    assert trained.result_id is not None
    model = provider.model(trained.result_id)
    assert (model.dataset_id, model.model_type, model.deployed) == (dataset_id, "cloud", False)
    assert model.train_budget_milli_node_hours == 8000
    assert 0 < (model.train_cost_milli_node_hours or 0) <= 8000
    assert model.labels == OWN
    live = provider.live()
    assert (set(live.datasets), set(live.models)) == ({dataset_id}, {model.id})
    assert live.models[model.id] == model

    overall, *by_label = provider.evaluations(model.id)
    assert (overall.label, [e.label for e in by_label]) == (None, ["dark", "light"])
    assert 0 < (overall.au_prc or 0) <= 1
    assert overall.example_count == sum(e.example_count or 0 for e in by_label) > 0
    assert len(overall.thresholds) == 24
    assert overall.confusion is not None
    assert overall.confusion.labels == ("dark", "light")

    for nodes in (1, 2):
        steps = all_steps(provider, partial(provider.deploy, model, nodes))
        assert OperationKind.DEPLOY_MODEL in steps
        assert provider.model(model.id).deployed
        assert provider.model(model.id).node_count == nodes
    with pytest.raises(FailedPrecondition):
        provider.delete(MODEL, model.id)
    assert OperationKind.UNDEPLOY_MODEL in all_steps(provider, partial(provider.undeploy, model.id))
    assert not provider.model(model.id).deployed

    for kind, object_id in ((MODEL, model.id), (DATASET, dataset_id)):
        assert wait(provider, provider.delete(kind, object_id)).kind is OperationKind.DELETE
        assert provider.delete(kind, object_id) is None
    left = provider.live()
    assert (left.datasets, left.models, left.trainings) == ({}, {}, ())
    assert not left.endpoints
    with pytest.raises(NotFound, match="does not exist"):
        provider.model(model.id)


def test_updating(provider: Provider) -> None:
    dataset_id = made_dataset(provider)
    changed: dict[str, Json] = {"display_name": "new", "labels": {"a": "b"}, "description": ""}
    provider.update(DATASET, dataset_id, changed)
    dataset = provider.dataset(dataset_id)
    assert (dataset.display_name, dataset.description) == ("new", "")
    assert user_labels(dataset.labels) == {"a": "b"}
    assert OWN.items() <= dataset.labels.items()
    model_id = wait(provider, training(provider, dataset_id)).result_id or ""
    provider.update(MODEL, model_id, {"labels": {"c": ""}})
    assert provider.model(model_id).labels == {"c": "", **OWN}


def test_operations_by_what_they_work_on(directory: Path, api: str) -> None:
    provider = open_provider("local", {**SLOW, "api": api}, directory, {})
    dataset_id = made_dataset(provider)
    running = training(provider, dataset_id)
    assert not running.done
    works_on = (DATASET, dataset_id)
    assert {o.kind for o in provider.operations(works_on=works_on)} >= {
        OperationKind.IMPORT_DATA,
        OperationKind.CREATE_MODEL,
    }
    assert [o.id for o in provider.operations(done=False)] == [running.id]
    assert [o.id for o in provider.operations(works_on=works_on, done=False)] == [running.id]
    assert running.id not in {o.id for o in provider.operations(done=True)}
    assert running.id in {o.id for o in provider.active_operations()}
    assert running.id not in {o.id for o in provider.recent_operations(100)}
    provider.cancel(running.id)
    ended = wait(provider, running)
    assert running.id not in {o.id for o in provider.active_operations()}
    # A list tells the same as the operation by itself: nobody asks for it again.
    assert {o.id: o for o in provider.recent_operations(100)}[running.id] == ended
    assert provider.recent_operations(0) == []
    assert ended.error is not None
    assert (ended.error.code, ended.result_id) == (1, None)
    provider.cancel(running.id)
    assert provider.models() == []
    provider.close()


def test_rows_that_are_refused_are_told(provider: Provider, directory: Path) -> None:
    dataset_id = made_dataset(provider)
    with (directory / "d.csv").open("a") as file:
        file.write("TEST,missing.png,dark\n")
    imported = wait(provider, provider.import_data(SHADES, dataset_id, SHADES.sources, DATA))
    assert any("missing.png" in text for text in imported.partial_failures)


def test_buckets_and_settings(directory: Path) -> None:
    bucket = directory / "b" / "pictures"
    bucket.mkdir(parents=True)
    (bucket / "1.png").write_bytes(b"image 1")
    (bucket / "d.csv").write_text("TRAIN,gs://pictures/1.png,light\n")
    settings: dict[str, Json] = {**FAST, "bucket_root": "b", "data_dir": "elsewhere"}
    provider = open_provider("local", settings, directory, {})
    try:
        (directory / "e.csv").write_text("TRAIN,1.png,light\n")
        with SourceReader(directory, provider.data_access) as reader:
            assert reader.read(["gs://pictures/d.csv"]) == reader.read(["e.csv"])
        assert (directory / "elsewhere" / "server.json").exists()
    finally:
        provider.close()
        process.stop(directory / "elsewhere")


def test_its_data_outlives_the_process(provider: Provider, directory: Path, api: str) -> None:
    dataset_id = made_dataset(provider)
    process.stop(directory / ".automl-plan" / "emulator")
    again = open_provider("local", {**FAST, "api": api}, directory, {})
    assert again.dataset(dataset_id).example_count == 20
    again.close()


def test_an_id_that_is_none(provider: Provider) -> None:
    with pytest.raises(UsageError):
        provider.dataset("../models/x")

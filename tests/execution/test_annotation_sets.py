"""A model of Vertex AI is trained on the declared data, whatever becomes of annotation sets.

Each reading of the service is tried with a first import, an import of more images, and an import by
somebody else. A training sees what is declared, or nothing is paid and the sets are named.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from automl_plan.errors import AnnotationSetsUnclear
from automl_plan.model.address import dataset_address, model_address
from automl_plan.output.inventory import dataset_text, model_text, versions_text
from automl_plan.output.style import PLAIN
from automl_plan.planning.options import PlanOptions
from automl_plan.planning.plan import ANNOTATION_SETS, NoteKind
from automl_plan.workspace.inventory import describe_dataset, model_rows
from automl_plan.workspace.versions import version_rows
from tests.conftest import RunningEmulator, StartEmulator
from tests.depth import DEEP
from tests.execution.test_vertex_deployments import Shared
from tests.project import FAST

SCHEMA = "gs://google-cloud-aiplatform/schema/dataset/ioformat"
SINGLE = f"{SCHEMA}/image_classification_single_label_io_format_1.0.0.yaml"
SETS, TOLD, SEEN = "annotation-set-per-import", "saved-queries", "training-without-saved-query"
IMPORTS = ("each-import", "named", "joined")
LISTS = ("in-dataset", "list-only", "none")
TRAININGS = ("all-items", "newest-set", "first-set")
USUAL = [
    ("each-import", "in-dataset", "first-set"),
    ("named", "in-dataset", "newest-set"),
    ("joined", "in-dataset", "all-items"),
    ("each-import", "list-only", "newest-set"),
    ("each-import", "none", "first-set"),
    ("joined", "none", "all-items"),  # as the service was before
]
FIRST, MORE, THEIRS = 16, 24, 8


class Trained(Shared):
    """A dataset and a model that is trained on it, in a project of its own."""

    def __init__(self, directory: Path, emulator: RunningEmulator, name: str) -> None:
        super().__init__(directory, "vertex", emulator)
        self._name = name
        self._bucket = emulator.bucket_root / name
        self._bucket.mkdir()

    def provider(self) -> dict[str, Any]:
        return {"vertex": {"project": self._name, "endpoint": self.url}}

    def ask(self, path: str, body: object = None, method: str = "POST") -> Any:
        url = f"{self.url}/v1/projects/{self._name}/locations/us-central1/{path}"
        data = None if method == "GET" else json.dumps(body or {}).encode()
        with urllib.request.urlopen(urllib.request.Request(url, data, method=method)) as answer:
            return json.load(answer)

    def rows(self, name: str, start: int, count: int) -> str:
        """An import file with so many images of two labels; its URI."""
        rows = []
        for i in range(start, start + count):
            (self._bucket / f"{i}.png").write_bytes(f"{self._name} {i}".encode())
            rows.append(f"gs://{self._name}/{i}.png,{'cat' if i % 2 else 'dog'}\n")
        (self._bucket / name).write_text("".join(rows), encoding="utf-8")
        return f"gs://{self._name}/{name}"

    def declared(self, images: int, budget: int = 8000) -> None:
        kind: dict[str, Any] = {
            "image_classification": {"classification_type": "MULTICLASS"},
            "sources": [self.rows("d.csv", 0, images)],
            "on_source_change": "append",
        }
        training = {"train_budget_milli_node_hours": budget}
        model = {"dataset": "digits", "image_classification": training}
        self.write({"digits": kind}, {"digits": model})

    def imported_by_somebody_else(self) -> None:
        """Other images come in by Google Cloud's console, which names a set of its own."""
        config = {
            "gcsSource": {"uris": [self.rows("theirs.csv", 1000, THEIRS)]},
            "importSchemaUri": SINGLE,
            "annotationLabels": {"aiplatform.googleapis.com/annotation_set_name": "theirs"},
        }
        body = {"importConfigs": [config]}
        operation = self.ask(f"datasets/{self.dataset_id()}:import", body)
        path = operation["name"].partition("/locations/us-central1/")[2]
        while not self.ask(path, method="GET").get("done"):
            pass

    def dataset_id(self) -> str:
        current = self.state().resources[dataset_address("digits")].current
        assert current is not None
        return current.id

    def trainings(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("trainingPipelines", method="GET").get(
            "trainingPipelines", []
        )
        return found

    def used(self) -> int:
        """Images that the current version was trained on."""
        with self.workspace() as workspace:
            items = workspace.provider.model(self.current()).trained_items
        assert items is not None
        return items.all


@pytest.fixture(scope="module", params=[*product(IMPORTS, LISTS, TRAININGS)] if DEEP else USUAL)
def readings(request: pytest.FixtureRequest) -> dict[str, str]:
    return dict(zip((SETS, TOLD, SEEN), request.param, strict=True))


@pytest.fixture(scope="module")
def emulator(
    readings: Mapping[str, str], start_shared_emulator: StartEmulator
) -> Iterator[RunningEmulator]:
    running = start_shared_emulator(time_scale=FAST, readings=readings)
    yield running
    running.stop()


@pytest.fixture
def project(request: pytest.FixtureRequest, emulator: RunningEmulator, tmp_path: Path) -> Trained:
    """A trained model; a project for each test."""
    name = f"p{crc32(request.node.nodeid.encode())}"
    project = Trained(tmp_path, emulator, name)
    project.declared(FIRST)
    project.settled()
    return project


def test_a_first_import_is_trained_on(project: Trained, readings: Mapping[str, str]) -> None:
    assert project.used() == FIRST
    (training,) = project.trainings()
    assert ("savedQueryId" in training["inputDataConfig"]) is (readings[TOLD] != "none")
    with project.workspace() as workspace:
        provider, recorded = workspace.provider, workspace.store.read().recorded()
        (dataset,), (model,) = provider.datasets(), provider.models()
        shown = dataset_text(describe_dataset(provider, recorded, dataset), "", PLAIN)
        (row,) = model_rows([model], recorded)
        assert "Trained on:" in model_text(row, provider.now(), PLAIN)
    assert ("Annotation sets:" in shown) is (readings[TOLD] == "in-dataset")


def test_more_images_are_trained_on_too(project: Trained, readings: Mapping[str, str]) -> None:
    project.declared(MORE)
    project.settled()
    stale = readings[TOLD] == "none" and readings[SETS] == "each-import"
    if not (stale and readings[SEEN] == "first-set"):
        assert project.used() == MORE
        return
    # The service lists no set, and trains on the first one: only its statistics show that.
    assert project.used() == FIRST
    told = f"on {FIRST} of the {MORE} labelled images"
    (note,) = (n for n in project.plan().plan.notes if n.kind is NoteKind.TRAINED)
    assert note.address == model_address("digits")
    assert told in note.text
    assert any("WARNING" in str(event) and told in str(event) for event in project.events)
    with project.workspace() as workspace:
        provider, recorded = workspace.provider, workspace.store.read().recorded()
        prices = workspace.configuration.prices
        rows = version_rows(model_address("digits"), recorded, provider, prices)
    assert f"Version 2 was trained {told}" in versions_text(rows, provider.now(), PLAIN)


def test_what_somebody_else_imported_is_not_trained_on_in_silence(
    project: Trained, readings: Mapping[str, str]
) -> None:
    project.imported_by_somebody_else()
    project.declared(FIRST, budget=9000)
    planned = project.plan().plan
    (extra,) = (n for n in planned.notes if n.kind is NoteKind.SOURCES)
    assert f"the service has {FIRST + THEIRS} images" in extra.text  # before anything is paid
    unclear = readings[SETS] == "each-import" and readings[TOLD] != "none"
    if not unclear:
        project.settled()
        if readings[TOLD] != "none" and readings[SETS] == "named":
            assert project.used() == FIRST
        return
    if readings[TOLD] == "in-dataset":
        (refusal,) = planned.refused
        assert (refusal.rule, refusal.address) == (ANNOTATION_SETS, dataset_address("digits"))
        text = refusal.text
    else:  # only asked for where a training is about to begin
        assert planned.refused == ()
        (failed,) = project.apply().failed
        assert isinstance(failed.error, AnnotationSetsUnclear)
        text = str(failed.error)
    assert "2 annotation sets" in text
    assert text.count("digits_image_classification_single_label_") == 2
    assert text.count("2 labels") == 2
    assert len(project.trainings()) == 1

    options = PlanOptions(replaces=frozenset({dataset_address("digits")}))
    result = project.apply(options)
    assert not result.failed
    assert project.used() == FIRST

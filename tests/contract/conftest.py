"""Google's own client, pointed at an emulator: the judge of the emulator's AutoML v1."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from google.api_core.client_options import ClientOptions
from google.api_core.future.polling import DEFAULT_POLLING
from google.auth.credentials import AnonymousCredentials
from google.cloud import automl_v1
from PIL import Image

from tests.conftest import RunningEmulator, StartEmulator

PARENT = "projects/my-project/locations/us-central1"
NAMED = "projects/319519117448/locations/us-central1"
"""What names in answers start with: they have the number of the project."""
HURRIED = DEFAULT_POLLING.with_delay(initial=0.02, maximum=0.1).with_timeout(30.0)
LABELS = ("daisy", "rose", "tulip")


@dataclass(slots=True)
class Judge:
    """An emulator and the official clients that talk to it."""

    emulator: RunningEmulator
    automl: Any
    prediction: Any
    operations: Any
    http: requests.Session = field(default_factory=requests.Session)

    def result(self, operation: Any) -> Any:
        """Wait for an operation as the client does, without its pauses of seconds."""
        return operation.result(polling=HURRIED)

    def get(self, path: str, **query: str) -> requests.Response:
        """A plain GET below /v1/."""
        return self.http.get(f"{self.emulator.url}/v1/{path}", params=query, timeout=30)

    def post(self, path: str, body: object) -> requests.Response:
        """A plain POST below /v1/."""
        return self.http.post(f"{self.emulator.url}/v1/{path}", json=body, timeout=30)

    def dataset(
        self, name: str = "flowers", *, detection: bool = False, images: bool = True
    ) -> Any:
        """A new dataset, with twelve images of three labels."""
        dataset: Any = automl_v1.Dataset(display_name=name)
        if detection:
            dataset.image_object_detection_dataset_metadata = {}
        else:
            dataset.image_classification_dataset_metadata = {"classification_type": "MULTICLASS"}
        operation = self.automl.create_dataset(parent=PARENT, dataset=dataset)
        made = self.result(operation)
        if images:
            source = "boxes.csv" if detection else "flowers.csv"
            self.import_data(made.name, source)
        return self.automl.get_dataset(name=made.name)

    def import_data(self, name: str, *paths: str) -> Any:
        """Import CSV files of the bucket; the finished operation."""
        uris = [f"gs://bucket/{path}" for path in paths]
        config = {"gcs_source": {"input_uris": uris}}
        operation = self.automl.import_data(name=name, input_config=config)
        self.result(operation)
        return operation

    def train(self, dataset: Any, name: str = "flowers", **metadata: Any) -> Any:
        """Begin a training on a dataset."""
        model: Any = automl_v1.Model(display_name=name, dataset_id=dataset.name.rpartition("/")[2])
        if "image_object_detection_dataset_metadata" in dataset:
            budget = {"train_budget_milli_node_hours": 20_000}
            model.image_object_detection_model_metadata = budget | metadata
        else:
            budget = {"train_budget_milli_node_hours": 8_000}
            model.image_classification_model_metadata = budget | metadata
        return self.automl.create_model(parent=PARENT, model=model)

    def model(self, dataset: Any, name: str = "flowers", **metadata: Any) -> Any:
        """A trained model."""
        made = self.result(self.train(dataset, name, **metadata))
        return self.automl.get_model(name=made.name)


def png(seed: int) -> bytes:
    """A small image that no other seed gives."""
    file = io.BytesIO()
    pixels = random.Random(seed).randbytes(64)
    Image.frombytes("L", (8, 8), pixels).save(file, "PNG")
    return file.getvalue()


def fill_bucket(root: Path) -> None:
    """Write twelve images and the two import CSVs into `gs://bucket`."""
    folder = root / "bucket"
    folder.mkdir()
    rows, boxes = [], []
    for number in range(12):
        use = ("TRAIN", "TRAIN", "VALIDATION", "TEST")[number % 4]
        (folder / f"{number}.png").write_bytes(png(number))
        uri = f"gs://bucket/{number}.png"
        rows.append(f"{use},{uri},{LABELS[number // 4]}\n")
        boxes.append(f"{use},{uri},{LABELS[number // 4]},0.1,0.1,,,0.6,0.7,,\n")
    (folder / "flowers.csv").write_text("".join(rows))
    (folder / "boxes.csv").write_text("".join(boxes))


def _judge(emulator: RunningEmulator) -> Judge:
    options = ClientOptions(api_endpoint=emulator.url)
    arguments: dict[str, Any] = {
        "credentials": AnonymousCredentials(),  # type: ignore[no-untyped-call] # google-auth's gap
        "transport": "rest",
        "client_options": options,
    }
    automl = automl_v1.AutoMlClient(**arguments)
    prediction = automl_v1.PredictionServiceClient(**arguments)
    return Judge(emulator, automl, prediction, automl.transport.operations_client)


@pytest.fixture(scope="module")
def judges(start_shared_emulator: StartEmulator) -> Iterator[Callable[[float], Judge]]:
    """Judges by the time scale of their emulators."""
    made: dict[float, Judge] = {}

    def judge(time_scale: float) -> Judge:
        if time_scale not in made:
            emulator = start_shared_emulator(time_scale=time_scale)
            if not (emulator.bucket_root / "bucket").exists():
                fill_bucket(emulator.bucket_root)
            made[time_scale] = _judge(emulator)
        return made[time_scale]

    yield judge
    for each in made.values():
        each.http.close()
        each.automl.transport.close()
        each.prediction.transport.close()
        vars(each.operations.transport)["_session"].close()  # its close() isn't implemented


@pytest.fixture
def judge(judges: Callable[[float], Judge]) -> Judge:
    """The official client and an emulator whose trainings take milliseconds."""
    return judges(1_000_000.0)


@pytest.fixture
def slow_judge(judges: Callable[[float], Judge]) -> Judge:
    """The same, but an hour's training takes an hour."""
    return judges(1.0)

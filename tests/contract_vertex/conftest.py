"""Google's generated clients, pointed at an emulator: the judges of the emulator's Vertex AI v1.

A recorder sits between them; after each test, the discovery document judges the exchanges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from google.api_core import retry
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform_v1

from tests.conftest import RunningEmulator, StartEmulator
from tests.contract.conftest import HURRIED, fill_bucket
from tests.contract_vertex.discovery import DiscoveryJudge
from tests.contract_vertex.recorder import PREFIX, Recorder, recording

PARENT = "projects/my-project/locations/us-central1"
NAMED = "projects/319519117448/locations/us-central1"
"""What names in answers start with: they have the number of the project."""
SCHEMATA = "gs://google-cloud-aiplatform/schema"
IMAGES = f"{SCHEMATA}/dataset/metadata/image_1.0.0.yaml"
IMPORTS = {
    "single": f"{SCHEMATA}/dataset/ioformat/image_classification_single_label_io_format_1.0.0.yaml",
    "multi": f"{SCHEMATA}/dataset/ioformat/image_classification_multi_label_io_format_1.0.0.yaml",
    "boxes": f"{SCHEMATA}/dataset/ioformat/image_bounding_box_io_format_1.0.0.yaml",
}
"""The schemata of import files, by what the images are labelled for."""
TASKS = {
    "single": f"{SCHEMATA}/trainingjob/definition/automl_image_classification_1.0.0.yaml",
    "multi": f"{SCHEMATA}/trainingjob/definition/automl_image_classification_1.0.0.yaml",
    "boxes": f"{SCHEMATA}/trainingjob/definition/automl_image_object_detection_1.0.0.yaml",
}
INPUTS: dict[str, dict[str, object]] = {
    "single": {"modelType": "CLOUD", "budgetMilliNodeHours": "8000"},
    "multi": {"modelType": "CLOUD", "budgetMilliNodeHours": "8000", "multiLabel": True},
    "boxes": {"modelType": "CLOUD_HIGH_ACCURACY_1", "budgetMilliNodeHours": "20000"},
}
"""The inputs of trainings, likewise."""
ML_USE = "labels.aiplatform.googleapis.com/ml_use"
AS_ASSIGNED = {
    "filter_split": {
        "training_filter": f"{ML_USE}=training",
        "validation_filter": f"{ML_USE}=validation",
        "test_filter": f"{ML_USE}=test",
    }
}
"""The split of a training's data that the import file says."""
State = aiplatform_v1.PipelineState
ENDED = {
    State.PIPELINE_STATE_SUCCEEDED,
    State.PIPELINE_STATE_FAILED,
    State.PIPELINE_STATE_CANCELLED,
}


class _GoesOn(Exception):
    """A training has not ended yet."""


_UNTIL_IT_ENDS = retry.Retry(
    predicate=retry.if_exception_type(_GoesOn), initial=0.01, maximum=0.1, timeout=30.0
)


@dataclass(slots=True)
class Judge:
    """An emulator, the generated clients that talk to it, and what they say and hear."""

    emulator: RunningEmulator
    recorder: Recorder
    datasets: Any
    pipelines: Any
    models: Any
    endpoints: Any
    predictions: Any
    jobs: Any
    http: requests.Session = field(default_factory=requests.Session)

    def result(self, operation: Any) -> Any:
        """Wait for an operation as the clients do, without their pauses of seconds."""
        return operation.result(polling=HURRIED)

    def get(self, path: str, **query: str) -> requests.Response:
        """A plain GET below /v1/, past the recorder."""
        url = f"{self.emulator.url}{PREFIX}/v1/{path}"
        return self.http.get(url, params=query, timeout=30)

    def post(self, path: str, body: object) -> requests.Response:
        """A plain POST below /v1/, past the recorder."""
        return self.http.post(f"{self.emulator.url}{PREFIX}/v1/{path}", json=body, timeout=30)

    def dataset(
        self,
        kind: str | None = "single",
        name: str = "flowers",
        *,
        parent: str = PARENT,
        **fields: Any,
    ) -> Any:
        """A new dataset, with twelve images of three labels unless no kind is said."""
        dataset = {"display_name": name, "metadata_schema_uri": IMAGES, **fields}
        operation = self.datasets.create_dataset(parent=parent, dataset=dataset)
        made = self.result(operation)
        if kind is not None:
            self.import_data(made.name, kind, "boxes.csv" if kind == "boxes" else "flowers.csv")
        return self.datasets.get_dataset(name=made.name)

    def import_data(self, name: str, kind: str, *paths: str) -> Any:
        """Import CSV files of the bucket; the finished operation."""
        config = {
            "gcs_source": {"uris": [f"gs://bucket/{path}" for path in paths]},
            "import_schema_uri": IMPORTS[kind],
        }
        operation = self.datasets.import_data(name=name, import_configs=[config])
        self.result(operation)
        return operation

    def train(
        self,
        dataset: Any,
        kind: str = "single",
        name: str = "flowers",
        *,
        inputs: Mapping[str, object] | None = None,
        parent: str = PARENT,
        **fields: Any,
    ) -> Any:
        """Begin a training on a dataset: its pipeline."""
        pipeline = {
            "display_name": name,
            "input_data_config": {"dataset_id": dataset.name.rpartition("/")[2]},
            "training_task_definition": TASKS[kind],
            "training_task_inputs": {**INPUTS[kind], **(inputs or {})},
            "model_to_upload": {"display_name": name},
            **fields,
        }
        return self.pipelines.create_training_pipeline(parent=parent, training_pipeline=pipeline)

    def ended(self, pipeline: Any) -> Any:
        """The pipeline as it is when it has ended."""

        def poll() -> Any:
            found = self.pipelines.get_training_pipeline(name=pipeline.name)
            if found.state not in ENDED:
                raise _GoesOn
            return found

        return _UNTIL_IT_ENDS(poll)()

    def model(self, dataset: Any, kind: str = "single", name: str = "flowers", **rest: Any) -> Any:
        """A trained model."""
        pipeline = self.ended(self.train(dataset, kind, name, **rest))
        return self.models.get_model(name=pipeline.model_to_upload.name)

    def endpoint(self, name: str = "serving", *, parent: str = PARENT, **fields: Any) -> Any:
        """A new endpoint."""
        endpoint = {"display_name": name, **fields}
        operation = self.endpoints.create_endpoint(parent=parent, endpoint=endpoint)
        return self.endpoints.get_endpoint(name=self.result(operation).name)

    def deploy(
        self, endpoint: Any, model: Any, split: dict[str, int] | None = None, **deployed: Any
    ) -> Any:
        """Deploy a model at an endpoint; by default it gets all of the traffic."""
        resources = {"min_replica_count": 1, "max_replica_count": 1}
        operation = self.endpoints.deploy_model(
            endpoint=endpoint.name,
            deployed_model={"model": model.name, "automatic_resources": resources, **deployed},
            traffic_split={"0": 100} if split is None else split,
        )
        return self.result(operation).deployed_model


def number(resource: Any) -> str:
    """The id that an object's name ends in."""
    name: str = resource.name
    return name.rpartition("/")[2]


def _judge(emulator: RunningEmulator, recorder: Recorder) -> Judge:
    def client(kind: Any, url: str) -> Any:
        return kind(
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call] # google-auth's gap
            transport="rest",
            client_options=ClientOptions(api_endpoint=url),
        )

    vertex = f"{recorder.url}{PREFIX}"
    return Judge(
        emulator,
        recorder,
        datasets=client(aiplatform_v1.DatasetServiceClient, vertex),
        pipelines=client(aiplatform_v1.PipelineServiceClient, vertex),
        models=client(aiplatform_v1.ModelServiceClient, vertex),
        endpoints=client(aiplatform_v1.EndpointServiceClient, vertex),
        predictions=client(aiplatform_v1.PredictionServiceClient, vertex),
        jobs=client(aiplatform_v1.JobServiceClient, vertex),
    )


def _close(judge: Judge) -> None:
    judge.http.close()
    lasting = (judge.datasets, judge.pipelines, judge.models, judge.endpoints, judge.jobs)
    for client in (*lasting, judge.predictions):
        client.transport.close()
    for client in lasting:
        operations = client.transport.operations_client.transport
        vars(operations)["_session"].close()  # its close() isn't implemented


@contextmanager
def serving(emulator: RunningEmulator) -> Iterator[Judge]:
    """The clients of an emulator, until the block ends."""
    with recording(emulator.url) as recorder:
        judge = _judge(emulator, recorder)
        try:
            yield judge
        finally:
            _close(judge)


@pytest.fixture(scope="session")
def document() -> DiscoveryJudge:
    """The discovery document as a judge."""
    return DiscoveryJudge()


@pytest.fixture(scope="module")
def judges(start_shared_emulator: StartEmulator) -> Iterator[Callable[[float], Judge]]:
    """Judges by the time scale of their emulators."""
    made: dict[float, Judge] = {}
    with ExitStack() as stack:

        def judge(time_scale: float) -> Judge:
            if time_scale not in made:
                emulator = start_shared_emulator(time_scale=time_scale)
                if not (emulator.bucket_root / "bucket").exists():
                    fill_bucket(emulator.bucket_root)
                made[time_scale] = stack.enter_context(serving(emulator))
            return made[time_scale]

        yield judge


def _judged(judge: Judge, document: DiscoveryJudge) -> Iterator[Judge]:
    judge.recorder.take()
    yield judge
    found = [each for said in judge.recorder.take() for each in document.findings(said)]
    assert not found, "\n".join(dict.fromkeys(found))


@pytest.fixture
def judge(judges: Callable[[float], Judge], document: DiscoveryJudge) -> Iterator[Judge]:
    """The generated clients and an emulator whose trainings take milliseconds."""
    yield from _judged(judges(1_000_000.0), document)


@pytest.fixture
def slow_judge(judges: Callable[[float], Judge], document: DiscoveryJudge) -> Iterator[Judge]:
    """The same, but an hour's training takes an hour."""
    yield from _judged(judges(1.0), document)
